"""Events as AWS hands them to functions, and the context that comes with them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

METHOD_ARN = "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/production"


@dataclass(frozen=True, slots=True)
class Context:
    """The part of a Lambda context that our logger reads."""

    function_name: str = "tested"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:111122223333:function:tested"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"


CONTEXT = Context()


def rest_event(
    method: str,
    path: str,
    body: str | bytes | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    authorizer: Mapping[str, str] | None = None,
    resource: str | None = None,
) -> dict[str, Any]:
    """A REST API's proxy event; a body of bytes comes in Base64, as for binary media types."""
    return {
        "resource": resource or path,
        "path": path,
        "httpMethod": method,
        "headers": dict(headers or {}) or None,
        "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()} or None,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "111122223333",
            "apiId": "a1b2c3",
            "authorizer": dict(authorizer or {}),
            "httpMethod": method,
            "identity": {"sourceIp": "198.51.100.7"},
            "path": f"/production{path}",
            "protocol": "HTTP/1.1",
            "requestId": "11111111-1111-1111-1111-111111111111",
            "resourcePath": resource or path,
            "stage": "production",
        },
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": isinstance(body, bytes),
    }


def authoriser_event(resource: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> dict[str, Any]:
    """What a REQUEST authoriser of a REST API is asked."""
    return {
        "type": "REQUEST",
        "methodArn": f"{METHOD_ARN}/{method}{resource}",
        "resource": resource,
        "path": resource,
        "httpMethod": method,
        "headers": dict(headers or {}) or None,
        "requestContext": {"stage": "production", "resourcePath": resource},
    }


def sqs_event(*bodies: str, groups: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A batch of messages; message n has the id m<n>."""
    return {
        "Records": [
            {
                "messageId": f"m{place}",
                "body": body,
                "attributes": {"MessageGroupId": groups[place]} if groups else {},
                "eventSource": "aws:sqs",
            }
            for place, body in enumerate(bodies)
        ]
    }


def header_of(answer: Mapping[str, Any], name: str) -> str | None:
    """The one value of a response's header, whatever the case of its name."""
    headers: Mapping[str, list[str]] = answer["multiValueHeaders"]
    values = next((values for each, values in headers.items() if each.lower() == name.lower()), [None])
    assert len(values) == 1
    return values[0]


def envelope_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A response's body, which has to be an OCPI envelope."""
    body: dict[str, Any] = json.loads(answer["body"])
    assert {"status_code", "timestamp"} <= set(body)
    return body

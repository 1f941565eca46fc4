"""A deployment may put a prefix before /ocpi in every path; routes and tokens work as without it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from offpeak.edge import authoriser_handler, ocpi_api, ocpi_ok, rest_handler
from offpeak.gateway import Deployed
from offpeak.ocpi.paths import below_prefix


@dataclass(frozen=True, slots=True)
class Context:
    function_name: str = "f"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:111122223333:function:f"
    aws_request_id: str = "1"


@pytest.mark.parametrize(
    ("deployed", "path"),
    [
        ("/ocpi/versions", "/ocpi/versions"),
        ("/api/ocpi/versions", "/ocpi/versions"),
        ("/api/emobility/ocpi/2.2.1/credentials", "/ocpi/2.2.1/credentials"),
        ("/oauth/token", "/oauth/token"),
        ("/api/oauth/token", "/oauth/token"),
        ("/api/.well-known/jwks.json", "/.well-known/jwks.json"),
        ("/ocpi/emsp/2.2.1/sessions/NL/ocpi/1", "/ocpi/emsp/2.2.1/sessions/NL/ocpi/1"),
        ("/api/ocpi/emsp/2.2.1/sessions/NL/ocpi/1", "/ocpi/emsp/2.2.1/sessions/NL/ocpi/1"),
        ("/v1/users/usr_1", "/v1/users/usr_1"),
        ("/api/v1/users/ocpi/locations", "/v1/users/ocpi/locations"),
        ("/api/v1/ocpi/versions", "/ocpi/versions"),
        ("/api/v1/v1/users", "/v1/users"),
        ("/v1/v1/users", "/v1/users"),
        ("/api/pair/t", "/pair/t"),
        ("/api/ocpp2.0.1/pair", "/ocpp2.0.1/pair"),
    ],
)
def test_the_prefix_is_what_stands_before_the_first_ocpi(deployed: str, path: str) -> None:
    assert below_prefix(deployed) == path


@pytest.mark.parametrize(("method", "http_status"), [("GET", 200), ("DELETE", 405)])
def test_a_route_is_found_below_the_prefix(method: str, http_status: int) -> None:
    api = ocpi_api(functional=False)
    api.get("/ocpi/versions")(lambda: ocpi_ok([]))
    event: dict[str, Any] = {"httpMethod": method, "path": "/api/ocpi/versions", "headers": {}, "requestContext": {}}

    answer = rest_handler(api)(event, Context())

    assert answer["statusCode"] == http_status
    assert json.loads(answer["body"])["status_code"] == (1000 if http_status == 200 else 2000)


def test_the_authoriser_decides_on_the_path_below_the_prefix() -> None:
    def decide(_headers: Mapping[str, str], resource: str, deployed: Deployed) -> dict[str, object]:
        return {"resource": resource, "prefix": deployed.prefix}

    event = {
        "headers": {},
        "resource": "/api/ocpi/2.2.1/credentials",
        "methodArn": "arn:api/qa/GET/api/ocpi/2.2.1/credentials",
    }

    assert authoriser_handler(decide)(event, Context()) == {"resource": "/ocpi/2.2.1/credentials", "prefix": "/api"}

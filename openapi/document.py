"""The description as one OpenAPI 3.1 document."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from infra.routes import OAUTH_PATH, OPERATOR_ROUTES, ROUTES, Route
from offpeak.ocpi.paths import REGISTRATION_PATHS
from offpeak.resolver import Api
from openapi import answers
from openapi.exchange import parameters_of, refusals, request_body, responses_of, shared
from openapi.operation import Operation
from openapi.operations import OPERATIONS
from openapi.schemas import Schema, Schemas, types_in

BASE_URL = "https://offpeak.example"
OPERATOR_URL = "https://operators.offpeak.example"
"""Stand for the stack's outputs BaseUrl and OperatorUrl."""

TITLES = {
    "app_users": "App API: users and charging locations",
    "app_webhooks": "App API: webhooks",
    "app_chargers": "App API: chargers, settings and sessions",
    "app_connect": "App API: connect sessions and codes",
    "oauth": "OAuth2",
    "ops_api": "Operator API",
    "ops_groups": "Operator API: limit groups",
    "ops_tenants": "Operator API: tenants",
    "ops_signals": "Operator API: grid signals",
    "ops_pairings": "Operator API: pairings",
    "ocpi_chargingprofiles": "Charging profiles",
    "ocpi_hubclientinfo": "Hub client info",
    "ocpi_pairing": "Pairing that CPOs begin",
}
ABOUT = """\
What a charge point operator's system calls (OCPI 2.2.1 and 2.3.0, OAuth2), what drivers' apps call (/v1), and what
operators' programs call.

OCPI answers in its envelope: what is wrong in valid JSON is HTTP 200 with a `status_code` from 2000 on, and
`status_message` names the field. Enumerations may come in small letters, numbers as text, optional fields as null or
`#NA`; unknown fields are ignored."""


class NotDescribed(Exception):
    """Routes, functions and OPERATIONS do not name the same endpoints; the text says which differ."""


def document(base_url: str = BASE_URL, operator_url: str = OPERATOR_URL) -> Schema:
    """Return the description of the API at these addresses. Raises NotDescribed."""
    routes = tuple(each for each in (*ROUTES, *OPERATOR_ROUTES) if each.caller != "driver")
    check_all_are_described(routes)
    operations = [each for by_method in OPERATIONS.values() for each in by_method.values()]
    wire = (wanted for each in operations for wanted in (each.data, each.body))
    schemas = Schemas(types_in([*wire, answers.TokenError, answers.Problem]))
    functions = dict.fromkeys(route.function for route in routes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Offpeak", "version": "1", "description": ABOUT, "license": LICENSE},
        "servers": [{"url": base_url}],
        "tags": [{"name": _title(each), "description": _first_words(_module(each))} for each in functions],
        "paths": {path: dict(_path_item(path, routes, schemas, operator_url)) for path in OPERATIONS},
        "components": {
            "schemas": {**schemas.components, **ENVELOPES},
            "responses": refusals(
                ((_kind(each), operation) for each in routes for operation in OPERATIONS[each.path].values()), schemas
            ),
            **shared(),
            "securitySchemes": _security_schemes(base_url),
        },
    }


LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}

ENVELOPES: dict[str, Schema] = {
    "Refusal": {
        "type": "object",
        "description": "OCPI's envelope around a refusal (OCPI 2.2.1, 4.1.7 and 5). API Gateway, where it refuses by "
        "itself, writes the timestamp in its own form, and the fields of a problem (RFC 9457) beside it.",
        "properties": {
            "status_code": {"type": "integer", "minimum": 2000, "maximum": 3999},
            "status_message": {"type": "string"},
            "timestamp": {"type": "string"},
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
        "required": ["status_code", "status_message", "timestamp"],
        "additionalProperties": False,
    }
}


def _path_item(path: str, routes: tuple[Route, ...], schemas: Schemas, operator_url: str) -> Iterator[tuple[str, Any]]:
    for route in routes:
        if route.path != path:
            continue
        if route in OPERATOR_ROUTES:
            yield "servers", [{"url": operator_url}]
        for method in route.methods:
            yield method.lower(), _operation(method, route, OPERATIONS[path][method], schemas)


def _operation(method: str, route: Route, operation: Operation, schemas: Schemas) -> Schema:
    api, name = _handlers(route.function)[method, route.path]
    kind = _kind(route)
    written: Schema = {
        "operationId": _operation_id(route, name),
        "tags": [_title(route.function)],
        "summary": operation.summary,
        "description": operation.text,
        "security": _security(route),
        "parameters": parameters_of(route, operation, is_routed=getattr(api, "functional", False)),
        "requestBody": request_body(operation, schemas),
        "responses": responses_of(kind, operation, schemas),
    }
    return {name: value for name, value in written.items() if value not in (None, "", []) or name == "security"}


def _kind(route: Route) -> str:
    if route in OPERATOR_ROUTES:
        return "operator"
    return {"partner": "ocpi", "tenant": "app", "anyone": "oauth"}[route.caller]


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route in OPERATOR_ROUTES:
        return [{"signature": []}]
    if route.caller == "tenant":
        return [{"accessToken": [], "apiKey": []}]
    if route.caller == "partner":
        oauth: list[dict[str, list[str]]] = [{"accessToken": [], "apiKey": []}]
        return [{"ocpiToken": []}, *([] if route.path == REGISTRATION_PATHS[-1] else oauth)]
    return [{"clientSecret": []}, {}] if route.path == OAUTH_PATH else []


def _security_schemes(base_url: str) -> Schema:
    return {
        "ocpiToken": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token ` and the credentials token in Base64 (OCPI 2.2.1, 4.1.2). A token A opens versions "
            "and credentials only.",
        },
        "accessToken": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": base_url + OAUTH_PATH, "scopes": {}}},
            "description": "`Bearer ` and an access token, with the header ApiKey beside it.",
        },
        "apiKey": {"type": "apiKey", "in": "header", "name": "ApiKey"},
        "clientSecret": {"type": "http", "scheme": "basic", "description": "client_id and client_secret"},
        "signature": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "AWS Signature Version 4 of an IAM identity that may invoke this API "
            "(`curl --aws-sigv4 aws:amz:REGION:execute-api`).",
        },
    }


def check_all_are_described(routes: tuple[Route, ...]) -> None:
    """Raise NotDescribed where a route has no words here, or no code that answers to it, or the other way round."""
    routed = {(method, route.path) for route in routes for method in route.methods}
    described = {(method, path) for path, by_method in OPERATIONS.items() for method in by_method}
    handled = {each for route in routes for each in _handlers(route.function)}
    for what, there in (("described", described), ("handled", handled)):
        if routed != there:
            differing = sorted(f"{method} {path}" for method, path in routed ^ there)
            raise NotDescribed(f"routed or {what}, but not both: {', '.join(differing)}")


def _handlers(function: str) -> dict[tuple[str, str], tuple[Api, str]]:
    """Return what a function answers to: method and path as routes write it -> its API, and the name of its code."""
    api: Api = _module(function).api
    registered = api._static_routes + api._dynamic_routes
    return {
        (route.method, route.path.replace("<", "{").replace(">", "}")): (api, route.func.__name__)
        for route in registered
    }


def _operation_id(route: Route, name: str) -> str:
    below = {"{evse_uid}": "_evse", "{connector_id}": "_connector"}
    return f"{route.function}.{name}{below.get(route.path.rpartition('/')[2], '')}"


def _module(function: str) -> Any:
    return import_module(f"functions.{function}")


def _title(function: str) -> str:
    return TITLES.get(function, function.removeprefix("ocpi_").capitalize())


def _first_words(module: Any) -> str:
    return " ".join((inspect.getdoc(module) or "").split())

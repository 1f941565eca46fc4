"""One request and its answers: parameters, bodies, and a response for each error by the tables that answer errors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus

from infra.constructs.gateway_errors import GATEWAY_ERRORS
from infra.routes import Route
from offpeak.errors import ConcurrentChange, TokenRefused
from offpeak.locations.model import LONGEST_ID
from offpeak.oauth.token_request import FORM
from offpeak.ocpi.envelope import CORRELATION_ID, REQUEST_ID, SWAPPED
from offpeak.ocpi.envelope import LONGEST_ID as LONGEST_REQUEST_ID
from offpeak.ocpi.versions import SUPPORTED_VERSIONS
from offpeak.operator_edge import LARGEST_PAGE, USUAL_PAGE
from offpeak.problems import STATUSES
from offpeak.profiles.model import RequestKind
from offpeak.resolver import ANSWERS
from openapi import answers
from openapi.operation import Operation
from openapi.schemas import Schema, Schemas

JSON, PROBLEM_JSON = "application/json", "application/problem+json"
REFUSAL: Schema = {"$ref": "#/components/schemas/Refusal"}
IDS = (REQUEST_ID, CORRELATION_ID)

ID: Schema = {"type": "string", "minLength": 1, "maxLength": 36}
OUR_ID: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
VARIABLES: dict[str, Schema] = {
    "version": {"type": "string", "enum": list(SUPPORTED_VERSIONS)},
    "country_code": {"type": "string", "pattern": "^[A-Za-z]{2}$"},
    "party_id": {"type": "string", "pattern": "^[A-Za-z0-9]{3}$"},
    "kind": {"type": "string", "enum": [each.value.lower() for each in RequestKind]},
    "request_id": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
    "partner_id": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
    "tenant_id": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
    "client_id": {"type": "string", "minLength": 1, "maxLength": 100},
    "group_id": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
    "signal_id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
}
"""Variables of paths; all others are an ID, of 36 characters in OCPI."""

INSTANT: Schema = {"type": "string", "format": "date-time"}
SIGNALS_ASKED: dict[str, tuple[Schema, str]] = {
    "zone": ({"type": "string"}, "a bidding zone; not beside group"),
    "group": ({"type": "string"}, "a limit group"),
    "from": (INSTANT, "those that say something from then on"),
    "until": (INSTANT, "those that begin before"),
}

FROM_GATEWAY = {
    "ocpi": ("UNAUTHORIZED", "ACCESS_DENIED", "REQUEST_TOO_LARGE", "THROTTLED", "INTEGRATION_TIMEOUT"),
    "oauth": ("REQUEST_TOO_LARGE", "THROTTLED", "INTEGRATION_TIMEOUT"),
    "app": ("UNAUTHORIZED", "ACCESS_DENIED", "REQUEST_TOO_LARGE", "THROTTLED", "INTEGRATION_TIMEOUT"),
    "operator": (),
}
"""Which of its refusals API Gateway gives on the routes of a kind; those on the operators' API are problems."""
TELL_PROBLEMS = ("operator", "app")
"""The kinds of routes whose functions answer errors as problems (RFC 9457)."""
WORDS = {
    200: "Done, or refused with a status code of OCPI's from 2000 on",
    201: "Created",
    400: "The request cannot be read",
    401: "Whoever calls is not known, or lacks something that the answer names",
    403: "Whoever calls may not, or not now",
    404: "Nothing is at this address, or nothing of the caller's",
    405: "It does not fit the state of the registration",
    409: "It is there already, or something stands on it; of a request that is sent again: it is being done just now, "
    "or the secret that it made is another one by now",
    410: "What the same request made was taken away since, by whoever had it made or with its user",
    412: "It has changed since that revision",
    413: "The body is larger than API Gateway takes",
    422: "A rule is broken; `field` names where",
    428: "If-Match is missing",
    429: "Too many requests; try again in a second",
    500: "Our fault",
    503: "Try again",
    504: "It took too long; try again",
}


def parameters_of(route: Route, operation: Operation, *, is_routed: bool) -> list[Schema]:
    """Return the variables of the path, the query and the headers."""
    in_path = re.findall(r"\{(\w+)\}", route.path)
    parameters = [_parameter("path", name, _variable(name, route), required=True) for name in in_path]
    if operation.pages:
        limit = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": USUAL_PAGE}
        parameters += [
            _parameter("query", "limit", limit),
            _parameter("query", "cursor", {"type": "string"}, "`next` of the page before"),
        ]
    if operation.data is answers.Quality:
        parameters.append(_parameter("query", "day", {"type": "string", "format": "date"}, "in UTC; today by default"))
    if operation.data is answers.SignalPage:
        parameters += [_parameter("query", name, schema, said) for name, (schema, said) in SIGNALS_ASKED.items()]
    if operation.needs_revision:
        said = "the ETag of what you have seen, or * for whatever it is"
        parameters.append(_parameter("header", "If-Match", {"type": "string"}, said, required=True))
    if operation.may_repeat:
        said = "of your choice: the same request with the same key is done once, for a day"
        parameters.append(_parameter("header", "Idempotency-Key", {"type": "string", "maxLength": 255}, said))
    if route.caller == "partner" and route.path.startswith("/ocpi/"):
        parameters += [{"$ref": f"#/components/parameters/{name}"} for name in (*IDS, *(SWAPPED if is_routed else ()))]
    return parameters


def _variable(name: str, route: Route) -> Schema:
    return OUR_ID if route.caller == "tenant" else VARIABLES.get(name, ID)


def shared() -> Schema:
    """Return the components that every endpoint names: headers, and answers to what is wrong."""
    text: Schema = {"type": "string"}
    ids = {**text, "maxLength": LONGEST_REQUEST_ID}
    parameters = {name: _parameter("header", name, ids, "echoed; made where it is missing") for name in IDS}
    parameters |= {name: _parameter("header", name, text, "swapped in the answer") for name in SWAPPED}
    return {"parameters": parameters, "headers": {name: {"schema": text} for name in IDS}}


def request_body(operation: Operation, schemas: Schemas) -> Schema | None:
    if operation.body is None:
        return None
    media = FORM if operation.body is answers.TokenForm else JSON
    content = {media: {"schema": schemas.of(operation.body, operation.required)}}
    return {"required": not operation.body_is_optional, "content": content}


def responses_of(kind: str, operation: Operation, schemas: Schemas) -> Schema:
    """Return every answer that an operation can end in, by its HTTP status."""
    responses: dict[int, Schema] = {}
    for http_status in _done_at(kind, operation):
        schema = None if http_status == 204 else _answer_schema(kind, http_status, operation, schemas)
        words = WORDS[http_status] if kind == "ocpi" and http_status == 200 and _may_refuse(operation) else None
        responses[http_status] = _response(words or HTTPStatus(http_status).phrase, schema, kind=kind)
    for http_status in _refused_at(kind, operation):
        responses.setdefault(http_status, {"$ref": f"#/components/responses/{_refusal_name(kind, http_status)}"})
    return {str(http_status): responses[http_status] for http_status in sorted(responses)}


def refusals(kinds: Iterable[tuple[str, Operation]], schemas: Schemas) -> Schema:
    """Return the answers to what is wrong, by the names that responses_of gives them."""
    found = sorted({(kind, int(http_status)) for kind, each in kinds for http_status in _refused_at(kind, each)})
    return {
        _refusal_name(kind, http_status): _response(
            WORDS.get(http_status) or HTTPStatus(http_status).phrase,
            _refusal_schema(kind, http_status, schemas),
            refused=kind,
        )
        for kind, http_status in found
        if http_status != 200
    }


def _refusal_name(kind: str, http_status: int) -> str:
    return f"{kind}-{http_status}"


def _done_at(kind: str, operation: Operation) -> tuple[int, ...]:
    if operation.gives is not None:
        return (operation.gives,)
    if not operation.may_create:
        return (200,)
    return (201,) if kind in TELL_PROBLEMS else (200, 201)


def _refused_at(kind: str, operation: Operation) -> Iterable[int]:
    if kind in TELL_PROBLEMS:
        yield from (STATUSES[each] for each in (*operation.raises, ConcurrentChange))
        yield from (428,) if operation.needs_revision else ()
        yield from (409, 410, 422) if operation.may_repeat else ()
        yield from (500,)
    if kind == "operator":
        yield from (403, 429, 504)
        return
    if kind == "app":
        yield from _from_gateway(kind)
        return
    if kind == "oauth":
        yield from (400, 401) if TokenRefused in operation.raises else ()
    else:
        yield from (ANSWERS[each][0] for each in operation.raises if each in ANSWERS)
    yield from (500, 503)
    yield from _from_gateway(kind)


def _from_gateway(kind: str) -> Iterable[int]:
    by_type = {each.type: each.http_status for each in GATEWAY_ERRORS}
    for name in FROM_GATEWAY[kind]:
        status = by_type[name]
        if status is not None:
            yield status


def _may_refuse(operation: Operation) -> bool:
    return any(ANSWERS.get(each, (200, 0))[0] == 200 for each in operation.raises)


def _answer_schema(kind: str, http_status: int, operation: Operation, schemas: Schemas) -> Schema:
    data = schemas.of(operation.data, operation.given) if operation.data is not None else None
    if kind != "ocpi":
        assert data is not None, "operators, apps and clients are always answered something"
        return data
    envelope: Schema = {
        "type": "object",
        "properties": {
            **({"data": data} if data is not None else {}),
            "status_code": {"type": "integer", "minimum": 1000, "maximum": 1999},
            "timestamp": {"type": "string", "format": "date-time"},
        },
        "required": [*(["data"] if data is not None else []), "status_code", "timestamp"],
        "additionalProperties": False,
    }
    return {"anyOf": [envelope, REFUSAL]} if http_status == 200 and _may_refuse(operation) else envelope


def _refusal_schema(kind: str, http_status: int, schemas: Schemas) -> Schema:
    if kind in TELL_PROBLEMS:
        return schemas.of(answers.Problem)
    if kind == "oauth" and http_status in (400, 401, 500, 503):
        return schemas.of(answers.TokenError)
    return REFUSAL


def _response(words: str, schema: Schema | None, *, kind: str = "", refused: str = "") -> Schema:
    if schema is None:
        return {"description": words}
    media = PROBLEM_JSON if refused in TELL_PROBLEMS else JSON
    response: Schema = {"description": words, "content": {media: {"schema": schema}}}
    if refused == "app":
        # API Gateway refuses by itself in another media type, with OCPI's envelope beside the problem.
        response["content"][JSON] = {"schema": REFUSAL}
    if "ocpi" in (kind, refused):
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in IDS}
    return response


def _parameter(where: str, name: str, schema: Schema, said: str = "", *, required: bool = False) -> Schema:
    told = {"description": said} if said else {}
    return {"name": name, "in": where, **told, "required": required, "schema": schema}

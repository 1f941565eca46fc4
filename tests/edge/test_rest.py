"""The edge of the REST API: ids, envelopes, statuses, and what bad bodies get."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.edge import LARGEST_BODY, Handler, caller, json_body, ocpi_api, ocpi_ok, request_ids, rest_handler
from offpeak.errors import (
    ConcurrentChange,
    InvalidMessage,
    MethodNotAllowed,
    NotAuthenticated,
    PeerUnavailable,
    PeerUnusable,
    QueueUnavailable,
    UnknownObject,
    UnparseableBody,
)
from offpeak.partners.model import Caller, Party
from tests.functions.events import CONTEXT, envelope_of, header_of, rest_event
from tests.functions.logs import Log

RAISED: list[Exception] = []
READ: list[Any] = []


def make_handler(*, functional: bool = True) -> Handler:
    """An API whose PUT keeps the body it read, whose GET tells who calls, and whose DELETE raises what it is told."""
    api = ocpi_api(functional=functional)

    @api.put("/things/<thing_id>")
    def put_thing(thing_id: str) -> Any:
        READ[:] = [json_body(api)]
        return ocpi_ok({"id": thing_id}, created=True)

    @api.get("/things/<thing_id>")
    def get_thing(thing_id: str) -> Any:
        READ[:] = [caller(api), request_ids(api)]
        return ocpi_ok({"limit": Decimal("1.23456")})

    @api.delete("/things/<thing_id>")
    def delete_thing(thing_id: str) -> Any:
        raise RAISED[0]

    return rest_handler(api)


HANDLER = make_handler()
CALLER = {"partner_id": "acme", "parties": '[["NL","ACM"]]', "strict": "true", "registered": "true"}


def put(body: str | bytes | None) -> dict[str, Any]:
    answer: dict[str, Any] = HANDLER(rest_event("PUT", "/things/t1", body), CONTEXT)
    return answer


@pytest.mark.parametrize(
    ("error", "http_status", "status"),
    [
        (UnparseableBody("no JSON"), 400, 2001),
        (NotAuthenticated("who?"), 401, 2001),
        (UnknownObject("gone"), 404, 2000),
        (MethodNotAllowed("not now"), 405, 2000),
        (InvalidMessage("a.0.b", "is wrong"), 200, 2001),
        (PeerUnusable(3002, "old"), 200, 3002),
        (PeerUnavailable("slow"), 200, 3001),
        (ConcurrentChange("raced"), 503, 3000),
        (QueueUnavailable("full"), 503, 3000),
    ],
)
def test_each_error_has_its_statuses_and_says_why(error: Exception, http_status: int, status: int) -> None:
    """T6, T7"""
    RAISED[:] = [error]
    answer = HANDLER(rest_event("DELETE", "/things/t1", headers={"x-request-id": "r1"}), CONTEXT)
    assert answer["statusCode"] == http_status
    assert envelope_of(answer)["status_code"] == status
    assert envelope_of(answer)["status_message"] == str(error)
    assert header_of(answer, "X-Request-ID") == "r1"
    assert header_of(answer, "Content-Type") == "application/json"


def test_an_error_of_ours_tells_the_peer_nothing_about_it(log: Log) -> None:
    RAISED[:] = [ZeroDivisionError("in the secret computation")]
    answer = HANDLER(rest_event("DELETE", "/things/t1"), CONTEXT)
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (500, 3000)
    assert "secret" not in answer["body"]
    failure = next(each for each in log() if each["message"] == "request_failed")
    assert "in the secret computation" in failure["exception"]


@pytest.mark.parametrize("names", [("X-Request-ID", "X-Correlation-ID"), ("x-request-id", "x-correlation-id")])
def test_ids_are_echoed_whatever_the_case_of_their_names(names: tuple[str, str]) -> None:
    """T3"""
    headers = dict(zip(names, ("r1", "c1"), strict=True))
    answer = HANDLER(rest_event("GET", "/things/t1", headers=headers, authorizer=CALLER), CONTEXT)
    assert header_of(answer, "X-Request-ID") == "r1"
    assert header_of(answer, "X-Correlation-ID") == "c1"
    assert (READ[1].request_id, READ[1].correlation_id) == ("r1", "c1")


@pytest.mark.parametrize("headers", [{}, {"X-Request-ID": ""}, {"X-Request-ID": "a\nb"}, {"X-Request-ID": "x" * 500}])
def test_ids_that_are_missing_or_unfit_are_made(headers: dict[str, str]) -> None:
    """T3"""
    answer = HANDLER(rest_event("PUT", "/things/t1", "{}", headers=headers), CONTEXT)
    made = header_of(answer, "X-Request-ID")
    assert made is not None
    assert len(made) == 36
    assert made != header_of(answer, "X-Correlation-ID")


ROUTING = {
    "ocpi-to-country-code": "DE",
    "OCPI-To-Party-Id": "OFP",
    "OCPI-from-country-code": "NL",
    "ocpi-from-party-id": "CPO",
}


def test_the_response_goes_back_to_whom_the_request_came_from() -> None:
    """T4"""
    answer = HANDLER(rest_event("GET", "/things/t1", headers=ROUTING, authorizer=CALLER), CONTEXT)
    swapped = {name: header_of(answer, name) for name in ROUTING}
    assert list(swapped.values()) == ["NL", "CPO", "DE", "OFP"]


def test_versions_and_credentials_route_nothing() -> None:
    """T4"""
    handler = make_handler(functional=False)
    answer = handler(rest_event("GET", "/things/t1", headers=ROUTING, authorizer=CALLER), CONTEXT)
    assert not [name for name in answer["multiValueHeaders"] if name.lower().startswith("ocpi-")]


def test_the_authoriser_says_who_is_calling() -> None:
    HANDLER(rest_event("GET", "/things/t1", authorizer=CALLER), CONTEXT)
    assert READ[0] == Caller("acme", (Party("NL", "ACM"),), strict=True, registered=True)


def test_a_request_that_did_not_pass_the_authoriser_is_not_answered() -> None:
    """T1"""
    assert HANDLER(rest_event("GET", "/things/t1"), CONTEXT)["statusCode"] == 401


def test_success_is_1000_with_at_most_four_decimals() -> None:
    """T5, T16"""
    answer = HANDLER(rest_event("GET", "/things/t1", authorizer=CALLER), CONTEXT)
    assert answer["statusCode"] == 200
    assert envelope_of(answer)["data"] == {"limit": 1.2346}


def test_creation_is_201() -> None:
    """T6"""
    answer = put("{}")
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (201, 1000)


@pytest.mark.parametrize(
    ("sent", "received"),
    [("t1", "t1"), ("NL%2FABC%20%2B1", "NL/ABC +1"), ("%C3%BC", "ü"), ("100%25", "100%"), ("a%3Fb%23c", "a?b#c")],
)
def test_ids_in_the_path_are_decoded_once(sent: str, received: str) -> None:
    answer = HANDLER(rest_event("PUT", f"/things/{sent}", "{}"), CONTEXT)
    assert envelope_of(answer)["data"] == {"id": received}


PREFIXED = ocpi_api()


@PREFIXED.get("/ocpi/things/<thing_id>")
def get_prefixed(thing_id: str) -> Any:
    return ocpi_ok({"id": thing_id})


@pytest.mark.parametrize("path", ["/ocpi/things/t1", "/api/ocpi/things/t1", "/a/b/ocpi/things/t1", "/ocpi/things/t1/"])
def test_what_a_deployment_puts_before_the_routes_changes_nothing(path: str) -> None:
    answer = rest_handler(PREFIXED)(rest_event("GET", path), CONTEXT)
    assert (answer["statusCode"], envelope_of(answer)["data"]) == (200, {"id": "t1"})


@pytest.mark.parametrize("path", ["/things/t1", "/api/things/t1", "/ocpi/x/ocpi/things/t1"])
def test_a_path_that_only_ends_like_a_route_is_none(path: str) -> None:
    assert rest_handler(PREFIXED)(rest_event("GET", path), CONTEXT)["statusCode"] == 404


@pytest.mark.parametrize(
    ("method", "path", "http_status"),
    [("GET", "/nothing", 404), ("GET", "/things", 404), ("POST", "/things/t1", 405), ("PATCH", "/things/t1", 405)],
)
def test_no_route_and_a_wrong_method_are_told_apart(method: str, path: str, http_status: int) -> None:
    """T6"""
    answer = HANDLER(rest_event(method, path, headers={"X-Request-ID": "r1"}), CONTEXT)
    assert answer["statusCode"] == http_status
    assert envelope_of(answer)["status_code"] == 2000
    assert header_of(answer, "x-request-id") == "r1"


@pytest.mark.parametrize(
    "body",
    [None, "", "{", "<xml/>", "kwh=1", b"\xff\xfe{}", gzip.compress(b"{}", mtime=0), '{"a": 1,}'],
)
def test_a_body_that_is_no_json_is_answered_400(body: str | bytes | None) -> None:
    """T6"""
    answer = put(body)
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (400, 2001)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"kwh": 1e400}', "kwh"),
        ('{"kwh": NaN}', "kwh"),
        ('{"a": {"b": [0, Infinity]}}', "a.b.1"),
        ('{"kwh": 1, "kwh": 2}', "kwh"),
        ("[" * 100_000 + "]" * 100_000, "body"),
        ('{"a":' * 40_000 + "1" + "}" * 40_000, "body"),
        ('"' + "x" * LARGEST_BODY + '"', "body"),
        (b'"' + b"x" * LARGEST_BODY + b'"', "body"),
        ('"' + "ü" * (LARGEST_BODY // 2) + '"', "body"),
    ],
)
def test_json_out_of_bounds_is_answered_2001_at_http_200_and_names_the_field(body: str | bytes, field: str) -> None:
    """T6, T7"""
    answer = put(body)
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (200, 2001)
    assert envelope_of(answer)["status_message"].startswith(f"{field}: ")


def test_the_largest_body_that_is_allowed_is_read() -> None:
    assert put('"' + "x" * (LARGEST_BODY - 2) + '"')["statusCode"] == 201


def test_a_body_in_base64_is_read_like_any_other() -> None:
    put('{"kwh": 1.50, "name": "ü"}'.encode())
    assert [{"kwh": Decimal("1.50"), "name": "ü"}] == READ


@given(st.text(max_size=200) | st.binary(max_size=200) | st.text('{}[]",:0123456789.eE-ntf\\u', max_size=80))
def test_no_body_whatsoever_makes_a_server_error(body: str | bytes) -> None:
    """T6"""
    answer = put(body)
    assert answer["statusCode"] in (200, 201, 400)
    assert json.loads(answer["body"])["status_code"] in (1000, 2001)


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=200), max_size=5))
def test_no_header_whatsoever_makes_a_server_error(headers: dict[str, str]) -> None:
    assert HANDLER(rest_event("PUT", "/things/t1", "{}", headers=headers), CONTEXT)["statusCode"] == 201


def test_the_log_carries_the_correlation_id_and_no_token(log: Log) -> None:
    """T3"""
    headers = {"Authorization": "Token c2VjcmV0", "X-Correlation-ID": "chain-7"}
    HANDLER(rest_event("PUT", "/things/t1", "{", headers=headers), CONTEXT)
    assert [each["message"] for each in log()] == ["request_refused", "request_answered"]
    assert {each["correlation_id"] for each in log()} == {"chain-7"}
    assert "c2VjcmV0" not in json.dumps(log())


def test_one_request_leaves_nothing_in_the_log_of_the_next(log: Log) -> None:
    for correlation_id in ("chain-1", "chain-2"):
        HANDLER(rest_event("PUT", "/things/t1", "{}", headers={"X-Correlation-ID": correlation_id}), CONTEXT)
    assert [each["correlation_id"] for each in log()] == ["chain-1", "chain-2"]

"""What the edge has noticed of partners: their refused objects, and that figures are kept after each invocation."""

from __future__ import annotations

from typing import Any

import pytest

from offpeak.edge import clock_handler, json_body, ocpi_api, ocpi_ok, queue_handler, rest_handler
from offpeak.errors import InvalidMessage, UnknownObject, UnparseableBody
from tests.functions.events import CONTEXT, rest_event, sqs_event

CALLER = {"partner_id": "acme", "parties": "[]", "strict": "true", "registered": "true"}
ROUTE = "/ocpi/emsp/{version}/sessions/{country_code}/{party_id}/{session_id}"
PATH = "/ocpi/emsp/2.2.1/sessions/NL/ACM/S1"


class Watching:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.refusals: list[tuple[str, str, str, str]] = []
        self.kept = 0

    def refused(self, partner_id: str, call: str, error: Exception, body: str) -> None:
        self.refusals.append((partner_id, call, str(error), body))

    def keep(self) -> None:
        self.kept += 1


def ask(watch: Any, body: str, raised: Exception | None = None, **who: Any) -> int:
    """PUT a session to an API that reads the body and raises what it is told; return the HTTP status."""
    api = ocpi_api()

    @api.put("/ocpi/emsp/<version>/sessions/<country_code>/<party_id>/<session_id>")
    def put(**_: str) -> Any:
        json_body(api)
        if raised:
            raise raised
        return ocpi_ok()

    event = rest_event("PUT", PATH, body, authorizer=who.get("authorizer", CALLER), resource=ROUTE)
    return int(rest_handler(api, watch=lambda: watch)(event, CONTEXT)["statusCode"])


@pytest.mark.parametrize(
    ("body", "raised", "noticed"),
    [
        ('{"kwh": "x"}', InvalidMessage("kwh", "must be a number"), "kwh: must be a number"),
        ("{", None, "the body is not JSON"),
    ],
    ids=["a wrong field", "no JSON"],
)
def test_an_object_that_is_refused_is_noticed_with_its_module(
    body: str, raised: Exception | None, noticed: str
) -> None:
    watch = Watching()
    ask(watch, body, raised)
    [(partner_id, call, problem, seen)] = watch.refusals
    assert (partner_id, call, seen) == ("acme", "PUT sessions", body)
    assert problem.startswith(noticed)
    assert watch.kept == 1


@pytest.mark.parametrize("raised", [None, UnknownObject("no session"), KeyError("a fault of ours")])
def test_what_is_fine_unknown_or_our_fault_is_no_refused_object(raised: Exception | None) -> None:
    watch = Watching()
    ask(watch, "{}", raised)
    assert (watch.refusals, watch.kept) == ([], 1)


def test_a_refusal_does_not_count_again_with_the_next_request() -> None:
    watch, api = Watching(), ocpi_api()
    problems: list[Exception] = [UnparseableBody("no JSON")]

    @api.put("/ocpi/emsp/<version>/sessions/<country_code>/<party_id>/<session_id>")
    def put(**_: str) -> Any:
        if problems:
            raise problems.pop()
        return ocpi_ok()

    handler = rest_handler(api, watch=lambda: watch)  # type: ignore[arg-type, return-value]
    event = rest_event("PUT", PATH, "{}", authorizer=CALLER, resource=ROUTE)
    assert [handler(dict(event), CONTEXT)["statusCode"] for _ in range(2)] == [400, 200]
    assert len(watch.refusals) == 1


def test_figures_are_kept_after_each_batch_and_tick_even_of_one_that_fails() -> None:
    watch = Watching()
    queue_handler(lambda _: None, watch=lambda: watch)(sqs_event("{}"), CONTEXT)  # type: ignore[arg-type, return-value]

    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        clock_handler(fail, watch=lambda: watch)({}, CONTEXT)  # type: ignore[arg-type, return-value]
    assert watch.kept == 2

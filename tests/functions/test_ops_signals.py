"""Signals over the operator API: what is taken, demanded and asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.ops_signals import handler
from functions.sweep_sessions import handler as sweep
from offpeak import wiring
from offpeak.aws.tables import Put
from offpeak.grid.model import Scope
from offpeak.groups.model import Group
from offpeak.groups.store import TreeChange
from offpeak.instants import format_instant
from offpeak.partners.model import PlanningDefaults
from tests.functions.events import CONTEXT, header_of, rest_event
from tests.functions.journey import Journey

ALICE = "arn:aws:sts::111122223333:assumed-role/Operator/alice"
SIGNALS = "/ops/v1/signals"
NOW = datetime.now(UTC).replace(microsecond=0)


def a_cap(first_h: float = 0, last_h: float = 2, **changes: Any) -> dict[str, Any]:
    start_at, end_at = (format_instant(NOW + timedelta(hours=each)) for each in (first_h, last_h))
    cap = {"signal_id": "evening", "zone": "DE-LU", "kind": "CAP", "end_at": end_at}
    return {**cap, "steps": [{"start_at": start_at, "power_w": 4100}], **changes}


class Answer:
    """What the API answered."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw, self.status, self.body = raw, raw["statusCode"], json.loads(raw["body"])

    def header(self, name: str) -> str | None:
        return header_of(self.raw, name)

    @property
    def problem(self) -> tuple[int, str | None]:
        assert self.header("Content-Type") == "application/problem+json"
        return self.status, self.body.get("field")


def call(
    method: str, path: str, body: object = None, *, seen: str | None = None, who: str | None = ALICE, **query: str
) -> Answer:
    """Call the API as API Gateway does it for a signed request."""
    headers = {"If-Match": seen} if seen is not None else {}
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    event = rest_event(method, path, text, headers=headers)
    event["queryStringParameters"] = query or None
    event["requestContext"]["identity"]["userArn"] = who
    return Answer(handler(event, CONTEXT))


def asked_for_plans(journey: Journey) -> set[tuple[str, bool]]:
    """Return the partners whose sessions are to be planned, and whether by nothing older than a change."""
    said = [json.loads(message) for message in journey.waiting("replan")]
    return {(each["partner_id"], each["changed"] is not None) for each in said}


def test_a_signal_is_announced_shown_changed_and_withdrawn_and_each_time_plans_are_asked_for(journey: Journey) -> None:
    journey.change(planning=PlanningDefaults())
    made = call("POST", SIGNALS, a_cap())
    assert (made.status, made.header("ETag")) == (201, '"1"')
    assert made.header("Location") == f"/production{SIGNALS}/evening"
    assert asked_for_plans(journey) == {("acme", True)}

    assert call("GET", f"{SIGNALS}/evening").body == made.body
    shown = {name: made.body[name] for name in ("zone", "group", "kind", "source")}
    assert shown == {"zone": "DE-LU", "group": None, "kind": "CAP", "source": "operator"}

    changed = call("PUT", f"{SIGNALS}/evening", without_id(a_cap(last_h=3)), seen='"1"')
    assert (changed.status, changed.body["revision"]) == (200, 2)
    assert asked_for_plans(journey) == {("acme", True)}

    assert call("DELETE", f"{SIGNALS}/evening", seen=changed.header("ETag")).status == 200
    assert asked_for_plans(journey) == {("acme", True)}
    assert call("GET", f"{SIGNALS}/evening").problem == (404, None)


def without_id(signal: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in signal.items() if name != "signal_id"}


def test_an_announcement_may_be_repeated_and_another_one_of_its_name_is_refused(journey: Journey) -> None:
    first, again = (call("POST", SIGNALS, a_cap()) for _ in range(2))
    assert (again.status, again.body) == (201, first.body)
    assert call("POST", SIGNALS, a_cap(last_h=5)).problem == (409, None)
    assert call("POST", SIGNALS, a_cap(zone="NL")).problem == (409, None)
    made_up = [call("POST", SIGNALS, without_id(a_cap())).body["signal_id"] for _ in range(2)]
    assert len({*made_up, "evening"}) == 3
    assert len(call("GET", "/ops/v1/audit/signals").body["entries"]) == 3


def test_partners_of_another_zone_are_left_alone(journey: Journey) -> None:
    journey.change(planning=PlanningDefaults(bidding_zone="NL"))
    assert call("POST", SIGNALS, a_cap()).status == 201
    assert asked_for_plans(journey) == set()


def test_a_change_needs_the_version_that_was_seen(journey: Journey) -> None:
    call("POST", SIGNALS, a_cap())
    here, body = f"{SIGNALS}/evening", without_id(a_cap(last_h=3))
    for method in ("PUT", "DELETE"):
        assert call(method, here, body).problem == (428, None)
        assert call(method, here, body, seen='"7"').problem == (412, None)
        assert call(method, f"{SIGNALS}/nobody", body, seen="*").problem == (404, None)
    assert call("PUT", here, {**body, "zone": "NL"}, seen="*").problem == (422, "zone")
    assert call("PUT", here, body, seen="*").status == 200
    assert call("POST", SIGNALS, a_cap(), who=None).problem == (403, None)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{", (400, None)),
        ('{"zone": "DE-LU", "kind": "CAP", "steps": [{"start_at": "x", "power_w": NaN}]}', (422, "steps.0.power_w")),
        ([], (422, "body")),
        ({}, (422, "kind")),
        (a_cap(kind="NONSENSE"), (422, "kind")),
        (a_cap(end_at="2999-01-01T00:00:00Z"), (422, "end_at")),
        (a_cap(steps=[{"start_at": format_instant(NOW), "power_w": 1}] * 3000), (422, "steps")),
        (a_cap(note="x" * 300_000), (422, "body")),
        (a_cap(signal_id="feed.carbon.DE-LU"), (422, "signal_id")),
    ],
)
def test_a_problem_names_its_field(journey: Journey, body: object, problem: tuple[int, str | None]) -> None:
    assert call("POST", SIGNALS, body).problem == problem
    assert call("GET", SIGNALS).body == {"signals": [], "next": None}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"zone": "NL", "group": "depot"}, "group"),
        ({"zone": "%"}, "zone"),
        ({"from": "soon"}, "from"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "%%"}, "cursor"),
    ],
)
def test_a_list_that_cannot_be_is_refused(journey: Journey, query: dict[str, str], field: str) -> None:
    assert call("GET", SIGNALS, **query).problem == (422, field)


def test_signals_are_listed_by_scope_and_time_in_pages(journey: Journey) -> None:
    for number in range(3):
        call("POST", SIGNALS, a_cap(first_h=number, last_h=number + 1, signal_id=f"s{number}"))
    depot = a_cap(signal_id="depot", zone=None, group="depot")
    assert call("POST", SIGNALS, depot).problem == (422, "group"), "there is no such group"
    change = TreeChange("depot", None, {"depot": Group("depot", "The depot", limit_w=50_000)})
    wiring.groups().save(change, now=NOW, received_at=NOW)
    assert call("POST", SIGNALS, depot).status == 201
    page = call("GET", SIGNALS, limit="3")
    rest = call("GET", SIGNALS, limit="3", cursor=page.body["next"])
    assert [each["signal_id"] for each in page.body["signals"] + rest.body["signals"]] == ["depot", "s0", "s1", "s2"]
    assert rest.body["next"] is None
    late = format_instant(NOW + timedelta(hours=2))
    assert [each["signal_id"] for each in call("GET", SIGNALS, zone="DE-LU", **{"from": late}).body["signals"]] == [
        "s2"
    ]
    assert [each["signal_id"] for each in call("GET", SIGNALS, zone="DE-LU", until=late).body["signals"]] == [
        "s0",
        "s1",
    ]
    assert [each["signal_id"] for each in call("GET", SIGNALS, group="depot").body["signals"]] == ["depot"]


def test_who_changed_which_signal_is_told_and_hangs_together(journey: Journey) -> None:
    call("POST", SIGNALS, a_cap())
    call("DELETE", f"{SIGNALS}/evening", seen="*")
    first = call("GET", "/ops/v1/audit/signals", limit="1")
    second = call("GET", "/ops/v1/audit/signals", limit="1", cursor=first.body["next"])
    told = first.body["entries"] + second.body["entries"]
    assert [(each["action"], each["who"], each["via"]) for each in told] == [
        ("signal_withdrawn", ALICE, "api"),
        ("signal_announced", ALICE, "api"),
    ]
    verdict = call("GET", "/ops/v1/audit/signals/verification").body
    assert (verdict["is_whole"], verdict["entries"]) == (True, 2)
    assert call("GET", "/ops/v1/audit/signals", cursor="YWJj").problem == (422, "cursor")


def test_the_sweep_asks_for_plans_that_nobody_asked_for(journey: Journey) -> None:
    journey.change(planning=PlanningDefaults())
    call("POST", SIGNALS, a_cap())
    journey.waiting("replan")
    # As whoever dies between the signal's write and its messages leaves it.
    wiring.signals()._table.write(unfinished())
    sweep({}, CONTEXT)
    assert asked_for_plans(journey) == {("acme", True)}
    assert wiring.signals().wanted_of(Scope(zone="DE-LU")) is None


def unfinished() -> Put:
    waited = format_instant(NOW - timedelta(minutes=2))
    key = {"pk": "ZONE#DE-LU", "sk": "REPLAN"}
    return Put({**key, "wanted": 2, "done": 1, "replan_shard": "0", "replan_wanted_at": waited, "wants_all": True})

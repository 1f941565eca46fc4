"""The operators' command on a session: what it shows, what it asks, and what a mistyped one is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.ops_sessions import handler
from offpeak import wiring
from offpeak.partners.model import Endpoint
from offpeak.sessions.model import SessionKey
from tests.functions.events import CONTEXT
from tests.functions.journey import Journey
from tests.profiles.cpo import Says

KEY = SessionKey("acme", "S-1")
SHOW = {"action": "show", "partner_id": "acme", "session_id": "S-1"}


def run(event: dict[str, Any]) -> Any:
    return json.loads(json.dumps(handler(event, CONTEXT)))


def test_a_session_is_shown_with_the_life_of_its_profile(journey: Journey) -> None:
    journey.push_session()
    assert (run(SHOW)["plan"], run(SHOW)["requests"]) == (None, [])
    journey.work()
    [call] = journey.cpo.calls
    journey.post_result(call.response_url, {"result": "ACCEPTED"})
    shown = run(SHOW)
    assert (shown["status"], shown["evse_uid"], shown["time_zone"]) == ("ACTIVE", "E1", "Europe/Berlin")
    assert shown["plan"]["text"]
    [request] = shown["requests"]
    assert (request["kind"], request["state"]) == ("set", "charger_accepted")
    assert set(request["steps"]) == {"received", "planned", "sent", "answered", "confirmed"}


def test_the_cpo_is_asked_for_the_active_profile(journey: Journey) -> None:
    journey.push_session()
    journey.work()
    asked = run(SHOW | {"action": "ask", "session_id": "s-1"})["request_id"]
    assert journey.work() == 1
    assert [call.method for call in journey.cpo.calls] == ["PUT", "GET"]
    assert {each["request_id"]: each["kind"] for each in run(SHOW)["requests"]}[asked] == "get"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"partner_id": "nobody"}, {"error": "there is no partner nobody"}),
        ({"session_id": "S-2"}, {"error": "acme has told nothing of a session S-2"}),
        ({"action": "ask", "session_id": "S-2"}, {"error": "acme has told nothing of a session S-2"}),
    ],
)
def test_what_is_not_known_is_named(journey: Journey, change: dict[str, str], answer: object) -> None:
    journey.push_session()
    assert run(SHOW | change) == answer


@pytest.mark.parametrize(
    ("change", "field"),
    [({"action": "end"}, "action"), ({"session_id": ""}, "session_id"), ({"colour": "blue"}, "colour")],
)
def test_a_wrong_command_is_told_its_field(journey: Journey, change: dict[str, str], field: str) -> None:
    assert run(SHOW | change)["field"] == field


def test_a_session_that_is_over_is_not_asked_about(journey: Journey) -> None:
    journey.push_session(status="COMPLETED")
    assert run(SHOW | {"action": "ask"})["field"] == "session_id"
    assert journey.waiting("send") == []


PREFER = SHOW | {"action": "prefer", "preferences": {"profile_type": "CHEAP"}}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"preferences": None}, "preferences"),
        ({"preferences": {"profile_type": "SLOW"}}, "preferences.profile_type"),
        ({"preferences": {"profile_type": "CHEAP", "energy_need": -1}}, "preferences.energy_need"),
        ({"preferences": {"profile_type": "CHEAP", "departure_time": "noon"}}, "preferences.departure_time"),
        ({}, "partner_id"),
    ],
)
def test_preferences_that_cannot_be_told_name_what_is_wrong(
    journey: Journey, change: dict[str, Any], field: str
) -> None:
    """S7"""
    journey.push_session()
    assert run(PREFER | change)["field"] == field


def sessions_at(journey: Journey, url: str) -> None:
    """Let the partner have a sessions interface."""
    journey.change(endpoints=(*journey.partner.endpoints, Endpoint("sessions", "SENDER", url)))


def test_preferences_of_a_session_that_is_over_are_told_nobody(journey: Journey) -> None:
    sessions_at(journey, journey.cpo.url)
    journey.push_session(status="COMPLETED")
    assert run(PREFER)["field"] == "session_id"
    assert journey.cpo.calls == []


def test_a_cpo_that_does_not_answer_is_named_and_counts_against_its_gate(journey: Journey) -> None:
    """S7"""
    journey.push_session()
    sessions_at(journey, "http://127.0.0.1:9/sessions")
    answers = [run(PREFER)["error"] for _ in range(6)]
    assert "connection" in answers[0]
    assert answers[-1] == "the partner takes no call now", "after five failures the circuit is open"


YES = Says("ACCEPTED")


def discharging(allowed: bool) -> dict[str, Any]:
    return PREFER | {"preferences": {"profile_type": "CHEAP", "discharge_allowed": allowed}}


def test_a_driver_s_yes_to_discharging_is_kept_when_the_cpo_takes_it_and_is_a_cause_of_a_plan(journey: Journey) -> None:
    journey.push_session()
    journey.work()
    sessions_at(journey, journey.cpo.url)
    journey.cpo.next_answers = [YES]
    assert run(discharging(True)) == {"answer": "ACCEPTED"}
    known = wiring.sessions().known(KEY)
    assert known is not None
    assert known.discharge_allowed
    assert known.plan_wanted == known.plan_done + 1
    journey.push_session(kwh=1.5)
    again = wiring.sessions().known(KEY)
    assert again is not None
    assert again.discharge_allowed, "what the session tells later changes nothing of it"


def test_a_driver_s_no_to_discharging_holds_though_the_cpo_cannot_be_told(journey: Journey) -> None:
    journey.push_session()
    sessions_at(journey, journey.cpo.url)
    journey.cpo.next_answers = [YES]
    assert run(discharging(True)) == {"answer": "ACCEPTED"}
    sessions_at(journey, "http://127.0.0.1:9/sessions")
    assert "connection" in run(discharging(False))["error"]
    known = wiring.sessions().known(KEY)
    assert known is not None
    assert not known.discharge_allowed


def test_a_yes_that_the_cpo_was_not_told_is_none(journey: Journey) -> None:
    journey.push_session()
    sessions_at(journey, "http://127.0.0.1:9/sessions")
    run(discharging(True))
    known = wiring.sessions().known(KEY)
    assert known is not None
    assert not known.discharge_allowed

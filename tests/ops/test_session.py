"""`python -m ops session`: a session for a person to read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ops.__main__ import main
from ops.deployed import Deployed
from ops.session import session_text

REQUEST = {
    "request_id": "REQ-1",
    "kind": "set",
    "state": "rejected",
    "detail": "the charger refused",
    "attempts": 1,
    "steps": {"planned": "2026-06-01T14:00:00.250+02:00", "sent": "2026-06-01T14:00:00.300+02:00"},
}
SHOWN: dict[str, Any] = {
    "partner_id": "acme",
    "session_id": "S-1",
    "time_zone": "Europe/Berlin",
    "status": "ACTIVE",
    "evse_uid": "E1",
    "delivered_kwh": 3.2,
    "periods": 1,
    "start_at": "2026-01-15T18:00:00.000+01:00",
    "last_updated": "2026-01-15T18:20:00.000+01:00",
    "charging_state": {
        "state": "SUSPENDED_EVSE",
        "reason": "held_back_by_profile",
        "text": "No power flows and our charging profile allows none.",
        "confidence": "MEDIUM",
        "power_w": 0,
    },
    "charger": {
        "phases": 3,
        "voltage_v": 230,
        "max_power_w": 11040,
        "is_dc": False,
        "takes_profiles": True,
        "text": "takes charging profiles",
    },
    "tariff": "T1",
    "unmanaged": None,
    "limit_group": None,
    "plan": {
        "reason": "CHEAPEST",
        "text": "Charges from 01:15 to 04:30.",
        "facts": {
            "told_at": "2026-01-15T18:20:00.000+01:00",
            "doing": "PAUSED",
            "why_now": "CHEAPER_LATER",
            "next_change_at": "2026-01-16T01:15:00.000+01:00",
            "ready_at": "2026-01-16T04:30:00.000+01:00",
            "limited_by": "NOTHING",
            "need_from": "ASSUMED",
        },
        "blocks": [
            {
                "start_at": "2026-01-16T01:15:00.000+01:00",
                "end_at": "2026-01-16T04:30:00.000+01:00",
                "power_w": 11040,
            }
        ],
        "departure_at": "2026-01-16T07:00:00.000+01:00",
        "cost_eur": 3,
        "saving_eur": 1.42,
        "shortfall_kwh": 0,
    },
    "is_planned": True,
    "overridden": {"since": "2026-01-15T18:05:00.000+01:00", "text": "16 A instead of 0 W", "is_verified": True},
    "backoff": {"until": "2026-01-15T18:30:00.000+01:00", "failures": 3},
    "requests": [REQUEST],
}
TEXT = """\
S-1 of acme: ACTIVE at EVSE E1, 3.2 kWh, 1 charging period
since Thu 2026-01-15 18:00, last update Thu 2026-01-15 18:20 (Europe/Berlin)
state       SUSPENDED_EVSE, 0 W (confidence MEDIUM): No power flows and our charging profile allows none.
charger     3 phases, up to 11040 W: takes charging profiles
tariff      T1, as the CPO told it
plan        Charges from 01:15 to 04:30.
            at Thu 2026-01-15 18:20 PAUSED until Fri 2026-01-16 01:15: CHEAPER_LATER; ready Fri 2026-01-16 04:30; \
limited by NOTHING; need ASSUMED
            Fri 2026-01-16 01:15 to Fri 2026-01-16 04:30  up to 11040 W
            costs 3.00 EUR, saves 1.42 EUR, nothing short; departure Fri 2026-01-16 07:00
overridden  since Thu 2026-01-15 18:05: 16 A instead of 0 W (asked for)
back-off    until Thu 2026-01-15 18:30, after 3 failures in a row
requests, newest first, with the real time of each step
  set   rejected: the charger refused  [REQ-1]
        planned    2026-06-01 14:00:00.250
        sent       2026-06-01 14:00:00.300"""


class Answers(Deployed):
    """A stage that knows one session, and keeps what it is asked."""

    def __init__(self) -> None:
        self.asked = list[Any]()

    def call(self, function: str, event: Any) -> Any:
        self.asked.append((function, event))
        answers = {"ask": {"request_id": "REQ-2"}, "prefer": {"answer": "DEPARTURE_REQUIRED"}, "show": SHOWN}
        return answers[event["action"]]


def test_a_session_is_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answers()
    assert main(["session", "acme", "S-1", "--local"], lambda _: offpeak) == 0
    assert offpeak.asked == [("ops_sessions", {"action": "show", "partner_id": "acme", "session_id": "S-1"})]
    assert capsys.readouterr().out == TEXT + "\n"


def test_a_session_without_anything_says_so() -> None:
    nothing = {
        "charger": None,
        "tariff": None,
        "plan": None,
        "is_planned": False,
        "overridden": None,
        "backoff": None,
        "requests": [],
    }
    assert session_text(SHOWN | nothing).splitlines()[3:] == [
        "plan        none (a new one is being made)",
        "overridden  no",
        "back-off    no",
        "no requests yet",
    ]


def test_a_session_that_is_not_managed_says_why() -> None:
    why = {"reason": "refused", "text": "The newest charging profile was refused."}
    assert "not managed The newest charging profile was refused." in session_text(SHOWN | {"unmanaged": why})


def test_asking_comes_before_showing_and_json_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answers()
    assert main(["session", "acme", "S-1", "--stage", "qa", "--ask", "--json"], lambda _: offpeak) == 0
    assert [event["action"] for _, event in offpeak.asked] == ["ask", "show"]
    printed = capsys.readouterr()
    assert json.loads(printed.out) == SHOWN
    assert "REQ-2" in printed.err


def test_preferences_are_told_as_they_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """S7"""
    offpeak = Answers()
    command = "session acme S-1 --local --preferences profile_type=CHEAP energy_need=22.5 discharge_allowed=false"
    assert main(command.split(), lambda _: offpeak) == 0
    told = {"profile_type": "CHEAP", "energy_need": 22.5, "discharge_allowed": False}
    assert offpeak.asked[0][1] == {
        "action": "prefer",
        "partner_id": "acme",
        "session_id": "S-1",
        "preferences": told,
    }
    assert "DEPARTURE_REQUIRED" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("charger", "text"),
    [
        ({"phases": None, "is_dc": True}, "direct current, up to 11040 W"),
        ({"phases": None}, "phases unknown, up to 11040 W"),
        ({"phases": 1}, "1 phase, up to 11040 W"),
    ],
)
def test_what_is_known_of_the_charger_is_one_line(charger: dict[str, Any], text: str) -> None:
    shown = session_text(SHOWN | {"charger": SHOWN["charger"] | charger})
    assert f"charger     {text}: takes charging profiles" in shown

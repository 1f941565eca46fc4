"""What an operator sees of a session."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from offpeak.locations.model import Charger
from offpeak.planning.plan import Block, Plan, Reason, ReasonCode
from offpeak.profiles.model import Override, ProfileRequest, RequestState, Standing, Step
from offpeak.profiles.show import session_shown
from offpeak.profiles.sites import NOWHERE, Site
from offpeak.sessions.charging_state import REASONS
from offpeak.sessions.model import ChargingState, Confidence, InferredState, KnownSession
from tests.profiles.builders import REAL, a_request, a_standing
from tests.profiles.world import a_partner
from tests.sessions.builders import a_session, at, period

KNOWN = KnownSession(
    session=a_session(period(0, ENERGY=1), period(15, POWER=0), kwh=1),
    state=InferredState(ChargingState.SUSPENDED_EVSE, "held_back_by_profile", Confidence.MEDIUM, 0),
    delivered_kwh=Decimal(1),
    state_of_charge=None,
    plan_wanted=2,
    plan_done=2,
    received_at=REAL,
)
PLAN = Plan(
    made_at=at(0),
    departure_at=at(780),
    need_kwh=Decimal(30),
    max_power_w=Decimal(11040),
    unlimited_from=at(780),
    reason=Reason(
        ReasonCode.CHEAPEST,
        "Charges from 01:15 to 04:30.",
        {"doing": "PAUSED", "need_from": "TOLD", "next_change_at": "2026-01-16T00:15:00.000Z"},
    ),
    blocks=(Block(at(435), at(630), Decimal(11040)),),
    saving_eur=Decimal("1.42"),
)


def shown(
    standing: Standing | None = None, *requests: ProfileRequest, known: KnownSession = KNOWN, minutes: float = 20
) -> dict[str, Any]:
    return session_shown(known, standing or a_standing(), requests, NOWHERE, a_partner(None), now=at(minutes))


def test_what_is_known_of_the_charger_is_shown_and_why_it_gets_no_profile() -> None:
    """P12"""
    site = Site(Charger(takes_profiles=False, phases=1, max_current_a=16))
    seen = session_shown(KNOWN, a_standing(), [], site, a_partner(None), now=at(20))["charger"]
    assert isinstance(seen, dict)
    assert (seen["phases"], seen["max_power_w"], seen["takes_profiles"]) == (1, 3680, False)
    assert "CHARGING_PROFILE_CAPABLE" in str(seen["text"])
    assert shown()["charger"] is None


def test_the_charging_state_comes_with_its_reason_in_words() -> None:
    state = shown()["charging_state"]
    assert (state["state"], state["confidence"]) == ("SUSPENDED_EVSE", "MEDIUM")
    assert state["text"] == REASONS["held_back_by_profile"]


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_has_words(reason: str) -> None:
    known = replace(KNOWN, state=InferredState(ChargingState.UNKNOWN, reason, Confidence.LOW))
    assert shown(known=known)["charging_state"]["text"] == REASONS[reason]


def test_a_plan_is_told_in_the_partners_time() -> None:
    plan = shown(a_standing(plan=PLAN))["plan"]
    [block] = plan["blocks"]
    assert (block["start_at"], block["end_at"]) == ("2026-01-16T01:15:00.000+01:00", "2026-01-16T04:30:00.000+01:00")
    assert plan["departure_at"] == "2026-01-16T07:00:00.000+01:00"
    assert plan["saving_eur"] == Decimal("1.42")
    assert plan["facts"] == {
        "doing": "PAUSED",
        "need_from": "TOLD",
        "next_change_at": "2026-01-16T01:15:00.000+01:00",
    }


def test_without_a_plan_there_is_none_and_one_that_is_still_wanted_shows() -> None:
    assert shown()["plan"] is None
    assert shown()["is_planned"]
    assert not shown(known=replace(KNOWN, plan_wanted=3))["is_planned"]


def test_an_override_says_since_when_and_whether_it_was_verified() -> None:
    assert shown()["overridden"] is None
    standing = a_standing(override=Override(at(5), "16 A instead of 0 W", verified=True))
    assert shown(standing)["overridden"] == {
        "since": "2026-01-15T18:05:00.000+01:00",
        "text": "16 A instead of 0 W",
        "is_verified": True,
    }


def test_a_backoff_shows_while_it_lasts() -> None:
    standing = a_standing(backoff_until=at(30), backoff_steps=3)
    assert shown(standing)["backoff"] == {"until": "2026-01-15T18:30:00.000+01:00", "failures": 3}
    assert shown(standing, minutes=30)["backoff"] is None


def test_a_request_tells_its_steps_in_the_order_in_which_they_came() -> None:
    """P2: a result may overtake its answer."""
    steps = {
        Step.ANSWERED: REAL + timedelta(seconds=2),
        Step.SENT: REAL,
        Step.CONFIRMED: REAL + timedelta(seconds=1),
    }
    newest = a_request(request_id="newest", state=RequestState.CHARGER_ACCEPTED, steps=steps, detail="why")
    before = a_request(request_id="before")
    first, second = shown(None, newest, before)["requests"]
    assert [first["request_id"], second["request_id"]] == ["newest", "before"]
    assert (first["kind"], first["state"], first["detail"]) == ("set", "charger_accepted", "why")
    assert list(first["steps"].items()) == [
        ("sent", "2026-06-01T14:00:00.000+02:00"),
        ("confirmed", "2026-06-01T14:00:01.000+02:00"),
        ("answered", "2026-06-01T14:00:02.000+02:00"),
    ]

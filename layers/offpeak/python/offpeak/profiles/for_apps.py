"""A driver's chargers and sessions as his app sees them: nothing of other EVSEs, of other drivers or of our dealings
with the CPO. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from offpeak.pairing.model import Charger, MoneyUnit
from offpeak.planning.plan import Plan
from offpeak.profiles.driver import Driver
from offpeak.profiles.model import ProfileRequest, RequestKind, Standing
from offpeak.profiles.show import Local, plan_shown
from offpeak.profiles.unmanaged import TEXTS
from offpeak.sessions.charging_state import REASONS
from offpeak.sessions.model import ChargingState, KnownSession

OFFLINE_AFTER = timedelta(hours=1)
"""An open session of which nothing was heard for so long: updates are expected every five minutes, and those CPOs that
tell changes only tell at least the energy of a car that charges."""

OPERATORS_FACTS = ("signals",)
"""Facts of a plan that name what operators keep."""


class ChargerState(StrEnum):
    WAITING_FOR_SESSION = "waiting_for_session"
    """No car was plugged in since the pairing."""
    CHARGING = "charging"
    SUSPENDED = "suspended"
    """A car is plugged in and draws nothing."""
    FINISHED = "finished"
    """The last session is over."""
    OFFLINE = "offline"
    """A session is open, and nothing was heard of it for an hour."""
    UNKNOWN = "unknown"


STATES = {
    ChargingState.CHARGING: ChargerState.CHARGING,
    ChargingState.SUSPENDED_EV: ChargerState.SUSPENDED,
    ChargingState.SUSPENDED_EVSE: ChargerState.SUSPENDED,
    ChargingState.CONNECTED: ChargerState.SUSPENDED,
    ChargingState.FINISHED: ChargerState.FINISHED,
    ChargingState.UNKNOWN: ChargerState.UNKNOWN,
}

WAITING_TEXT = "No session was heard of since the charger was paired."
OFFLINE_TEXT = "A session is open, and nothing was heard of it for an hour."


@dataclass(frozen=True, slots=True)
class Visit:
    """A session at a charger, with what we did about it. `unmanaged` is why it is sent no profile, None where it is."""

    known: KnownSession
    standing: Standing
    unmanaged: str | None = None


def charger_shown(charger: Charger, driver: Driver, newest: Visit | None, now: datetime) -> dict[str, object]:
    """Return a charger with what happens there; `newest` is its open session, or else the last one."""
    local = local_of(driver)
    state, since, code, text = state_of(charger, newest, now)
    return {
        "charger_id": charger.key.charger_id,
        "location_id": charger.location_id,
        "paired_at": local(charger.paired_at),
        "station_uid": charger.station.uid,
        "evses": [
            {
                "uid": evse.uid,
                "evse_id": evse.evse_id,
                "connectors": [
                    {"connector_id": each.connector_id, "standard": each.standard, "max_power_w": each.max_power_w}
                    for each in evse.connectors
                ],
            }
            for evse in charger.station.evses
        ],
        "state": state.value,
        "since": local(since),
        "reason": code,
        "text": text,
        "session_id": newest.known.session.key.session_id if newest else None,
        "smart_charging": charger.settings.smart_charging,
    }


def state_of(charger: Charger, newest: Visit | None, now: datetime) -> tuple[ChargerState, datetime, str, str]:
    """Return what a charger is doing, since when, and why we think so: a code and a sentence."""
    if newest is None:
        return ChargerState.WAITING_FOR_SESSION, charger.paired_at, "no_session_yet", WAITING_TEXT
    session, inferred = newest.known.session, newest.known.state
    if session.is_open and now - session.last_updated > OFFLINE_AFTER:
        return ChargerState.OFFLINE, session.last_updated, "nothing_heard", OFFLINE_TEXT
    since = newest.known.state_since or session.last_updated
    if not session.is_open and session.end_at is not None:
        since = session.end_at
    return STATES[inferred.state], since, inferred.reason, REASONS[inferred.reason]


def visit_in_list(visit: Visit, driver: Driver) -> dict[str, object]:
    """Return a session as one of many."""
    local, known, plan = local_of(driver), visit.known, visit.standing.plan
    session, unit = known.session, driver.charger.settings.money_unit
    return {
        "session_id": session.key.session_id,
        "evse_uid": session.evse_uid,
        "status": session.status.value,
        "start_at": local(session.start_at),
        "end_at": local(session.end_at),
        "last_updated": local(session.last_updated),
        "delivered_kwh": known.delivered_kwh,
        "state": STATES[known.state.state].value,
        "saving": money(plan.saving_eur, unit) if plan else None,
    }


def visit_shown(
    visit: Visit, requests: Iterable[ProfileRequest], driver: Driver, *, limit: int | None = None
) -> dict[str, object]:
    """Return a session with its plan, why that is so, what it saves, and the life of each profile, newest first."""
    local, known, standing = local_of(driver), visit.known, visit.standing
    unmanaged, plan = visit.unmanaged, standing.plan
    profiles = [each for each in requests if each.kind is not RequestKind.GET]
    return {
        **visit_in_list(visit, driver),
        "state_of_charge": known.state_of_charge,
        "charging_state": {
            "state": known.state.state.value,
            "reason": known.state.reason,
            "text": REASONS[known.state.reason],
            "confidence": known.state.confidence.value,
            "power_w": known.state.power_w,
            "since": local(known.state_since),
        },
        "unmanaged": {"reason": unmanaged, "text": TEXTS[unmanaged]} if unmanaged else None,
        "plan": app_plan(plan, driver) if plan else None,
        "is_planned": known.plan_done >= known.plan_wanted,
        "waits_for_room": standing.waits_for is not None,
        "overridden_since": local(standing.override.since) if standing.override else None,
        "profiles": [_profile(each, local) for each in profiles[:limit]],
    }


def app_plan(plan: Plan, driver: Driver) -> dict[str, object]:
    """Return a plan with its money in the driver's unit."""
    unit = driver.charger.settings.money_unit
    shown = plan_shown(plan, local_of(driver))
    facts = shown["facts"]
    assert isinstance(facts, dict)
    kept = {name: value for name, value in shown.items() if name not in ("cost_eur", "saving_eur")}
    return {
        **kept,
        "facts": {name: fact for name, fact in facts.items() if name not in OPERATORS_FACTS},
        "cost": money(plan.cost_eur, unit),
        "saving": money(plan.saving_eur, unit),
    }


def money(eur: Decimal, unit: MoneyUnit) -> dict[str, object]:
    """Return an amount in the unit that the driver wants to read."""
    return {"amount": eur * 100 if unit is MoneyUnit.CENT else eur, "unit": unit.value}


def local_of(driver: Driver) -> Local:
    """Return what writes instants in the time zone of the charging location; in UTC where that is gone."""
    return Local(ZoneInfo(driver.location.time_zone if driver.location else "UTC"))


def _profile(request: ProfileRequest, local: Local) -> dict[str, object]:
    """Return the life of one profile. What the CPO's system wrote about it is for operators."""
    return {
        "request_id": request.request_id,
        "kind": request.kind.value,
        "state": request.state.value,
        "answer": request.answer.value if request.answer else None,
        "result": request.result.value if request.result else None,
        "steps": {step.value: local(at) for step, at in sorted(request.steps.items(), key=lambda step: step[1])},
    }

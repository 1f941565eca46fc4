"""What tenants are told of their drivers' sessions. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from offpeak.events.model import Event, EventKind, Told
from offpeak.instants import format_instant
from offpeak.pairing.model import ChargerKey
from offpeak.planning.plan import Plan, ReasonCode
from offpeak.profiles.events import event_id_of, stream_of
from offpeak.profiles.gather import Gathered
from offpeak.profiles.outcome import Planned
from offpeak.sessions.model import Session

READY = frozenset({ReasonCode.NEED_MET, ReasonCode.NEED_UNKNOWN})
"""Reasons of plans for a car that has what it is known, or was expected, to need."""


def session_events(gathered: Gathered, planned: Planned, now: datetime) -> list[Event]:
    """Return what a plan means for the tenant whose driver's session it is; nothing where it is nobody's."""
    charger = planned.standing.charger
    if charger is None or gathered.holding.driver is None:
        return []
    session = gathered.known.session
    told = _of_session(gathered, charger)
    if planned.is_over:
        is_end = not session.is_open
        return [_event(session, charger, EventKind.SESSION_FINISHED, "", now, told)] if is_end else []
    plan = _of_plan(planned.standing.plan)
    return [
        _event(session, charger, kind, what, now, {**told, "plan": plan, "unmanaged": gathered.unmanaged})
        for kind, what in _happened(gathered, planned)
    ]


def _happened(gathered: Gathered, planned: Planned) -> Iterator[tuple[EventKind, str]]:
    """Yield what is to be told, each with what makes it the only one of its kind."""
    before, after, request = gathered.standing, planned.standing, planned.request
    if before.charger != after.charger:
        yield EventKind.SESSION_STARTED, ""
    if request is not None and before.newest_request_id is None:
        yield EventKind.SESSION_PLANNED, request.request_id
    elif request is not None and planned.intent.why in ("changed", "first", gathered.unmanaged):
        yield EventKind.PLAN_CHANGED, request.request_id
    if _is_ready(after.plan) and not _is_ready(before.plan):
        yield EventKind.SESSION_READY, str(gathered.known.plan_wanted)


def _is_ready(plan: Plan | None) -> bool:
    return plan is not None and plan.reason.code in READY


def _event(
    session: Session, charger: ChargerKey, kind: EventKind, what: str, now: datetime, told: dict[str, Told]
) -> Event:
    return Event(event_id_of(session.key.text, charger, kind, what), stream_of(charger), kind, now, told)


def _of_session(gathered: Gathered, charger: ChargerKey) -> dict[str, Told]:
    known = gathered.known
    session, plan = known.session, gathered.standing.plan
    return {
        "charger_id": charger.charger_id,
        "session_id": session.key.session_id,
        "start_at": format_instant(session.start_at),
        "end_at": format_instant(session.end_at) if session.end_at else None,
        "delivered_kwh": known.delivered_kwh,
        "saving_eur": plan.saving_eur if plan else None,
    }


def _of_plan(plan: Plan | None) -> dict[str, Told] | None:
    if plan is None:
        return None
    return {
        "reason": plan.reason.code.value,
        "text": plan.reason.text,
        "made_at": format_instant(plan.made_at),
        "ready_at": format_instant(plan.ready_at) if plan.ready_at else None,
        "departure_at": format_instant(plan.departure_at),
        "need_kwh": plan.need_kwh,
        "shortfall_kwh": plan.shortfall_kwh,
        "cost_eur": plan.cost_eur,
        "saving_eur": plan.saving_eur,
    }

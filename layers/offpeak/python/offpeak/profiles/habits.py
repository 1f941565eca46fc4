"""Habits of chargers: what a session that is over teaches, and what is expected of one that is not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

from offpeak.habits.model import Arrival, Visit, outlook
from offpeak.habits.store import Charger, HabitStore, Past
from offpeak.partners.model import PlanningDefaults
from offpeak.planning.facts import EARLY
from offpeak.planning.outlook import Outlook
from offpeak.planning.situation import Situation
from offpeak.profiles.model import Standing
from offpeak.profiles.situation import is_idle
from offpeak.sessions.model import ChargingState, KnownSession, Session, SessionStatus
from offpeak.telemetry import logger

SHORTEST, LONGEST = timedelta(minutes=15), timedelta(days=14)
LEAST_KWH = 0.5
"""What is shorter, longer or smaller tells of a fault, not of a habit."""


def teach(known: KnownSession, standing: Standing, planning: PlanningDefaults, by: HabitStore, *, at: datetime) -> None:
    """Learn from a session that is over, before it counts as planned: whoever dies here does it again. `at` is the
    real time."""
    visit, charger = visit_of(known, standing), charger_of(known.session)
    if not planning.learn or visit is None or charger is None:
        return
    by.learn(charger, known.session.key.session_id, visit, planning.time_zone, at=at)
    key = known.session.key
    logger.info("visit_learnt", partner_id=key.partner_id, session_id=key.session_id, is_cut=visit.is_cut)


def visit_of(known: KnownSession, standing: Standing) -> Visit | None:
    """Return the visit that a session was; None where it is not over, or tells of no habit."""
    session, kwh = known.session, float(known.delivered_kwh)
    left_at = session.end_at or session.last_updated
    if session.status is not SessionStatus.COMPLETED or kwh < LEAST_KWH:
        return None
    if not SHORTEST <= left_at - session.start_at <= LONGEST:
        return None
    was_held = standing.plan is not None and standing.plan.unlimited_from > left_at
    return Visit(session.start_at, left_at, kwh, _user_of(session), is_cut=was_held and not standing.is_sated)


def is_sated(known: KnownSession, *, before: bool) -> bool:
    """Say whether the car has what it wants: it takes nothing though it may. That lasts until it draws again."""
    return is_idle(known) or (before and known.state.state is not ChargingState.CHARGING)


def past_of(
    known: KnownSession, planning: PlanningDefaults, by: HabitStore, *, paired_at: datetime | None = None
) -> Past | None:
    """Return the visits by which an open session is planned; None where habits are not to count.

    At a charger that a driver paired then, what came before was somebody else's habit.
    """
    charger = charger_of(known.session)
    if not planning.learn or charger is None:
        return None
    past = by.past(charger, known.session.start_at, planning.time_zone)
    if paired_at is None:
        return past
    return replace(past, own=tuple(each for each in past.own if each.arrived_at >= paired_at))


def outlook_of(known: KnownSession, past: Past | None, planning: PlanningDefaults, drawn_kwh: float) -> Outlook | None:
    """Return what may come of a session that has drawn so much; None where too little is known."""
    if past is None:
        return None
    arrival = Arrival(known.session.start_at, planning.time_zone, _user_of(known.session))
    likely = outlook(arrival, past.own, past.others, miss_eur=float(planning.care_eur))
    return likely.having_drawn(drawn_kwh) if likely else None


def by_habits(situation: Situation, likely: Outlook) -> Situation:
    """Return the situation of a session that is planned by its outlook. What one figure has to stand for is cautious:
    few leave before that departure, and few need more."""
    return replace(
        situation,
        outlook=likely,
        departure_at=likely.departure_at(EARLY, situation.now),
        need_kwh=likely.need_kwh(1 - EARLY),
        need_is_known=False,
    )


def charger_of(session: Session) -> Charger | None:
    return Charger(session.key.partner_id, session.evse_uid) if session.evse_uid else None


def _user_of(session: Session) -> str:
    """Return the mark of whose token a session was begun with, "" where it does not tell."""
    charger = charger_of(session)
    try:
        token = json.loads(session.others.get("cdr_token", "null"))
    except ValueError:
        return ""
    uid = token.get("uid") if isinstance(token, dict) else None
    return charger.user_mark(uid) if charger and isinstance(uid, str) and uid else ""

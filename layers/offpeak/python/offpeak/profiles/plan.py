"""Plan one session: load, decide, save what is to be sent. No CPO is called from here."""

from __future__ import annotations

from datetime import datetime

from offpeak.errors import ConcurrentChange
from offpeak.planning.decide import decide
from offpeak.profiles.gather import Gathered, Planner, asked_of, gather, profile_for, situation_for
from offpeak.profiles.grid import told_of_grid
from offpeak.profiles.outcome import Planned, concluded, intent_for, over, report, settled, up_to_date
from offpeak.profiles.send_queue import ask_to_send
from offpeak.sessions.model import SessionKey
from offpeak.telemetry import logger

MOST_TRIES = 5
"""A session that changes so often while it is planned is left to the next message: each cause of a plan sends one after
it has raised plan_wanted, and the sweep finds what is lost."""


def plan_session(key: SessionKey, by: Planner, *, now: datetime) -> Planned | None:
    """Plan a session if it wants a plan, save the outcome, and ask for what is to be sent.

    `now` is the session's time. The plan, the request and plan_done are written together, on condition that no further
    cause of a plan came in meanwhile; when one did, this plans again. Returns None when there was nothing to plan, and
    when the session kept changing all the time.
    """
    for _ in range(MOST_TRIES):
        gathered = gather(key, by, now)
        if gathered is None or not gathered.wants_plan:
            return None
        planned = _planned(gathered, by.new_id(), now, by.real_now())
        wanted = gathered.known.plan_wanted
        try:
            by.profiles.save(*planned.requests, standing=planned.standing, planned=wanted, is_silent=planned.is_silent)
        except ConcurrentChange:
            continue
        if planned.request:
            ask_to_send(by.send_queue, planned.request)
        report(key, planned)
        return planned
    # To fail would hold up the session's other messages for as long as this one is hidden, three minutes.
    logger.info("plan_left_to_next_message", partner_id=key.partner_id, session_id=key.session_id)
    return None


def _planned(gathered: Gathered, request_id: str, now: datetime, at: datetime) -> Planned:
    ended = over(gathered, now, at)
    if ended:
        return ended
    standing, newest = up_to_date(gathered), settled(gathered, at)
    asked = asked_of(gathered, now)
    decided = decide(situation_for(gathered, standing, asked, now))
    plan = told_of_grid(decided, asked, gathered.partner.planning, now)
    profile = profile_for(gathered, plan, now)
    intent = intent_for(gathered, standing, newest, profile, now)
    return concluded(gathered, standing, newest, plan, profile, intent, request_id, now=now, at=at)

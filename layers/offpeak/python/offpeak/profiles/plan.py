"""Plan one session: load, decide, save what is to be sent. No CPO is called from here.

A session that shares a limit with others is planned with them, and never by itself: its row names their tree from the
moment it is put there, and whoever planned it alone at that moment cannot write it any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from offpeak.errors import ConcurrentChange
from offpeak.planning.decide import decide
from offpeak.profiles.gather import Gathered, Planner, asked_of, gathered_from, part, profile_for, situation_for
from offpeak.profiles.grid import told_of_grid
from offpeak.profiles.membership import Newcomer, enter, root_of
from offpeak.profiles.outcome import Planned, concluded, intent_for, over, report, settled, up_to_date
from offpeak.profiles.plan_group import plan_group
from offpeak.profiles.rows import standing_from
from offpeak.profiles.send_queue import ask_to_send
from offpeak.profiles.tell import session_events
from offpeak.sessions.model import SessionKey
from offpeak.telemetry import logger

MOST_TRIES = 5
"""A session that changes so often while it is planned is left to the next message: each cause of a plan sends one after
it has raised plan_wanted, and the sweep finds what is lost."""


def plan_asked(messages: Sequence[Mapping[str, str | int | None]], by: Planner, *, now: datetime) -> None:
    """Make the plan that messages of one group of the plan queue ask for: a session's, or that of a whole tree.

    Sessions that have just come to a tree are put there first: here, where nobody else is at it.
    """
    root_id = str(messages[0]["root_id"]) if "root_id" in messages[0] else None
    if root_id is None:
        plan_session(_key_in(messages[-1]), by, now=now)
        return
    wants, newcomers = False, dict[SessionKey, Newcomer]()
    for message in messages:
        if "session_id" not in message:
            wants = True
            continue
        found = _to_be_planned_in(root_id, _key_in(message), by, now)
        wants |= found is not None
        if found is not None and found[1].root_id is None:
            newcomers[found[1].key] = found
    if newcomers:
        enter(list(newcomers.values()), root_id, by, now)
    if wants:
        plan_group(root_id, by, now=now)


def plan_session(key: SessionKey, by: Planner, *, now: datetime) -> Planned | None:
    """Plan a session if it wants a plan, save the outcome, and ask for what is to be sent.

    `now` is the session's time. The plan, the request and plan_done are written together, on condition that no further
    cause of a plan came in meanwhile; when one did, this plans again. Returns None when there was nothing to plan, when
    the session kept changing all the time, and for one that is planned with others: that is asked for in their order.
    """
    for _ in range(MOST_TRIES):
        found = by.sessions.newest(key)
        if found is None or found[0].plan_done >= found[0].plan_wanted:
            return None
        wanted = found[0].plan_wanted
        try:
            root_id = root_of(found[0], standing_from(key, found[1]), by, now)
            if root_id is not None:
                by.plan_queue.ask(key, wanted, root_id=root_id)
                return None
            gathered = gathered_from(found, by, now)
            planned = _planned(gathered, by.new_id(), now, by.real_now())
            if planned.is_over:
                part(gathered, planned.standing.charger, by)
            events = session_events(gathered, planned, now)
            by.profiles.save(
                *planned.requests,
                standing=planned.standing,
                planned=wanted,
                is_silent=planned.is_silent,
                also=by.outbox.puts(events, at=by.real_now()),
            )
        except ConcurrentChange:
            continue
        if planned.request:
            ask_to_send(by.send_queue, planned.request)
        by.outbox.wake_all(events)
        report(key, planned)
        return planned
    # To fail would hold up the session's other messages for as long as this one is hidden, three minutes.
    logger.info("plan_left_to_next_message", partner_id=key.partner_id, session_id=key.session_id)
    return None


def _to_be_planned_in(root_id: str, key: SessionKey, by: Planner, now: datetime) -> Newcomer | None:
    """Return a session that wants a plan, where it is to be planned with a tree; else see to it that it is planned
    where it is."""
    found = by.sessions.newest(key)
    if found is None or found[0].plan_done >= found[0].plan_wanted:
        return None
    known, standing = found[0], standing_from(key, found[1])
    try:
        if root_of(known, standing, by, now) == root_id:
            return known, standing
    except ConcurrentChange:
        pass  # It has just left a tree.
    plan_session(key, by, now=now)
    return None


def _planned(gathered: Gathered, request_id: str, now: datetime, at: datetime) -> Planned:
    ended = over(gathered, now, at)
    if ended:
        return ended
    standing, newest = up_to_date(gathered), settled(gathered, at)
    asked = asked_of(gathered, now)
    situation = situation_for(gathered, standing, asked, now)
    plan = told_of_grid(decide(situation), asked, gathered.partner.planning, now)
    profile = profile_for(gathered, plan, now)
    intent = intent_for(gathered, standing, newest, profile, now, is_capped=bool(situation.caps))
    return concluded(gathered, standing, newest, plan, profile, intent, request_id, now=now, at=at)


def _key_in(message: Mapping[str, str | int | None]) -> SessionKey:
    return SessionKey(str(message["partner_id"]), str(message["session_id"]))

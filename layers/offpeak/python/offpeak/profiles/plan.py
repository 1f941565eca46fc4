"""Plan one session: load, decide, save what is to be sent. No CPO is called from here.

A session that shares a limit with others is planned with them, and never by itself: its row names their tree from the
moment it is put there, and whoever planned it alone at that moment cannot write it any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from offpeak.errors import ConcurrentChange, UnknownObject
from offpeak.groups.model import OpenSession, Place
from offpeak.planning.decide import decide
from offpeak.profiles.gather import Gathered, Planner, asked_of, gather, learn, place_of, profile_for, situation_for
from offpeak.profiles.grid import told_of_grid
from offpeak.profiles.outcome import Planned, concluded, intent_for, over, report, settled, up_to_date
from offpeak.profiles.plan_group import plan_group
from offpeak.profiles.send_queue import ask_to_send
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
    asking = ["session_id" not in each or _is_to_be_planned_in(root_id, _key_in(each), by, now) for each in messages]
    if any(asking):
        plan_group(root_id, by, now=now)


def plan_session(key: SessionKey, by: Planner, *, now: datetime) -> Planned | None:
    """Plan a session if it wants a plan, save the outcome, and ask for what is to be sent.

    `now` is the session's time. The plan, the request and plan_done are written together, on condition that no further
    cause of a plan came in meanwhile; when one did, this plans again. Returns None when there was nothing to plan, when
    the session kept changing all the time, and for one that is planned with others: that is asked for in their order.
    """
    for _ in range(MOST_TRIES):
        gathered = gather(key, by, now)
        if gathered is None or not gathered.wants_plan:
            return None
        try:
            root_id = _root_of(gathered, by, now)
            if root_id is not None:
                by.plan_queue.ask(key, gathered.known.plan_wanted, root_id=root_id)
                return None
            learn(gathered, by)
            planned = _planned(gathered, by.new_id(), now, by.real_now())
            wanted = gathered.known.plan_wanted
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


def _is_to_be_planned_in(root_id: str, key: SessionKey, by: Planner, now: datetime) -> bool:
    """Say whether a session that wants a plan is in a tree, where it is put if it has just come; else see to it that it
    is planned where it is."""
    for _ in range(MOST_TRIES):
        gathered = gather(key, by, now)
        if gathered is None or not gathered.wants_plan:
            return False
        try:
            if _root_of(gathered, by, now) != root_id:
                plan_session(key, by, now=now)
                return False
            if gathered.standing.root_id is None:
                _enter(gathered, root_id, by, now)
        except (ConcurrentChange, UnknownObject):
            continue
        return True
    return False


def _root_of(gathered: Gathered, by: Planner, now: datetime) -> str | None:
    """Return the tree of limit groups that a session is planned with; None where it is in none.

    One whose charger has left a tree is taken out of it; one that is over stays until the tree has been planned without
    it. Raises ConcurrentChange.
    """
    standing, session = gathered.standing, gathered.known.session
    place = place_of(gathered)
    if standing.root_id is not None:
        is_there = _has_tree(standing.root_id, by) if not session.is_open else _root_now(place, by) == standing.root_id
        if is_there:
            return standing.root_id
        _leave(gathered, standing.root_id, by, now)
        raise ConcurrentChange(f"session {session.key.session_id} has left its limit group")
    if not session.is_open or place is None:
        return None
    return by.groups.root_of(
        place.partner_id, place.evse_uid, place.connector_id, changed_at=gathered.known.basis_changed_at
    )


def _enter(gathered: Gathered, root_id: str, by: Planner, now: datetime) -> None:
    """Put a session into a tree: there first, so that it is never in none; then on its row, which ends all plans that
    are being made for it alone."""
    tree, place = by.groups.tree_of(root_id), place_of(gathered)
    found = tree.member_at(place) if place else None
    if found is None:
        raise ConcurrentChange(f"session {gathered.known.session.key.session_id} is not in the limit group any more")
    key = gathered.known.session.key
    there = OpenSession(key.text, key.partner_id, key.session_id, found[1].place, gathered.known.session.start_at)
    by.groups.add_session(root_id, there, tree.revision, now=now, received_at=by.real_now())
    by.profiles.save(standing=replace(gathered.standing, root_id=root_id))
    logger.info("session_joined_limit_group", partner_id=key.partner_id, session_id=key.session_id, root_id=root_id)


def _leave(gathered: Gathered, root_id: str, by: Planner, now: datetime) -> None:
    """Take a session out of a tree, whose others may have its share."""
    key = gathered.known.session.key
    wanted = by.groups.remove_session(root_id, key.text, now=now, received_at=by.real_now())
    by.profiles.save(standing=replace(gathered.standing, root_id=None, waits_for=None, is_awaited=False))
    if wanted is not None:
        by.plan_queue.ask_group(root_id, wanted)
    logger.info("session_left_limit_group", partner_id=key.partner_id, session_id=key.session_id, root_id=root_id)


def _root_now(place: Place | None, by: Planner) -> str | None:
    return by.groups.root_now(place.partner_id, place.evse_uid, place.connector_id) if place else None


def _has_tree(root_id: str, by: Planner) -> bool:
    try:
        by.groups.tree_of(root_id)
    except UnknownObject:
        return False
    return True


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


def _key_in(message: Mapping[str, str | int | None]) -> SessionKey:
    return SessionKey(str(message["partner_id"]), str(message["session_id"]))

"""In which tree of limit groups a session is planned, and how it comes there and leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from offpeak.aws.tables import Table, Write
from offpeak.errors import ConcurrentChange, UnknownObject
from offpeak.groups.model import OpenSession, Place
from offpeak.profiles.gather import Planner
from offpeak.profiles.model import Standing
from offpeak.sessions.model import KnownSession, Session
from offpeak.telemetry import logger


def place_of(session: Session) -> Place | None:
    """Return the charger that a session is at; None where it does not tell."""
    if session.evse_uid is None:
        return None
    return Place(session.key.partner_id, session.evse_uid, session.connector_id)


def root_of(known: KnownSession, standing: Standing, by: Planner, now: datetime) -> str | None:
    """Return the tree of limit groups that a session is planned with; None where it is in none.

    One whose charger has left a tree is taken out of it; one that is over stays until the tree has been planned without
    it. Raises ConcurrentChange.
    """
    place = place_of(known.session)
    if standing.root_id is not None:
        if known.session.is_open:
            is_there = place is not None and _root_now(place, by) == standing.root_id
        else:
            is_there = by.groups.has_tree(standing.root_id)
        if is_there:
            return standing.root_id
        _leave(standing, standing.root_id, by, now)
        raise ConcurrentChange(f"session {known.session.key.session_id} has left its limit group")
    if not known.session.is_open or place is None:
        return None
    since = known.basis_changed_at
    return by.groups.root_of(place.partner_id, place.evse_uid, place.connector_id, changed_at=since)


Newcomer = tuple[KnownSession, Standing]


def enter(newcomers: Sequence[Newcomer], root_id: str, by: Planner, now: datetime) -> None:
    """Put sessions into a tree, together if nobody else is at one of them: on their rows, which ends all plans that are
    being made for them alone, and on the tree's. One that cannot be put there now is left to its next message."""
    try:
        _enter(newcomers, root_id, by, now)
    except (ConcurrentChange, UnknownObject):
        for each in newcomers if len(newcomers) > 1 else ():
            enter([each], root_id, by, now)


def _enter(newcomers: Sequence[Newcomer], root_id: str, by: Planner, now: datetime) -> None:
    tree = by.groups.tree_of(root_id)
    known_there = {each.key for each in tree.sessions}
    there, rows = list[OpenSession](), list[tuple[Table, Write]]()
    for known, standing in newcomers:
        place, key = place_of(known.session), known.session.key
        found = tree.member_at(place) if place else None
        if found is None:
            raise ConcurrentChange(f"session {key.session_id} is not in the limit group any more")
        rows += by.profiles.writes(standing=replace(standing, root_id=root_id))
        if key.text not in known_there:
            start_at = known.session.start_at
            there.append(OpenSession(key.text, key.partner_id, key.session_id, found[1].place, start_at))
    by.groups.add_sessions(root_id, there, tree.revision, now=now, received_at=by.real_now(), also=rows)
    for known, _ in newcomers:
        key = known.session.key
        logger.info("session_joined_limit_group", partner_id=key.partner_id, session_id=key.session_id, root_id=root_id)


def _leave(standing: Standing, root_id: str, by: Planner, now: datetime) -> None:
    """Take a session out of a tree, whose others may have its share."""
    key = standing.key
    wanted = by.groups.remove_session(root_id, key.text, now=now, received_at=by.real_now())
    by.profiles.save(standing=replace(standing, root_id=None, waits_for=None, is_awaited=False))
    if wanted is not None:
        by.plan_queue.ask_group(root_id, wanted)
    logger.info("session_left_limit_group", partner_id=key.partner_id, session_id=key.session_id, root_id=root_id)


def _root_now(place: Place, by: Planner) -> str | None:
    return by.groups.root_now(place.partner_id, place.evse_uid, place.connector_id)

"""Take out of a user's sessions what says whose they were: the CPO keeps its books, and nobody is named in ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from offpeak.aws.tables import Table, Update
from offpeak.errors import ConcurrentChange
from offpeak.instants import format_instant
from offpeak.sessions.store import SessionStore

POINTERS = ("charger", "begun_at", "user_key", "charger_start")
"""By these a session is listed as one of a user's charger."""


def pseudonymise(sessions: Table, user_key: str) -> int:
    """Remove the driver's token (cdr_token) and the pointers to him from all sessions that are listed as a user's;
    return how many there were. May be repeated. Who read a session before does not write him back, be it a planner
    (`profile_revision` goes up) or who takes in a message (`version` does)."""
    rows = sessions.query("user_key = :user", {":user": user_key}, index="by_user")
    return sum(_name_nobody(sessions, row["pk"], "user_key = :user", {":user": user_key}) for row in rows)


def pseudonymise_unlisted(sessions: Table, had: Mapping[tuple[str, str], datetime]) -> int:
    """Do the same to sessions that were heard of and not planned, or not as a user's, and so are listed as nobody's:
    those at EVSEs, as (partner, uid), that began before somebody `had` these last."""
    store, found = SessionStore(sessions), 0
    unlisted = "attribute_not_exists(user_key) AND attribute_exists(#fields.cdr_token)"
    for evse, until in had.items():
        condition, values = f"{unlisted} AND #fields.start_date_time.v < :until", {":until": format_instant(until)}
        for is_open in (True, False):
            keys = store.at_evse(*evse, is_open=is_open)
            found += sum(_name_nobody(sessions, key.text, condition, values) for key in keys)
    return found


def _name_nobody(sessions: Table, pk: str, condition: str, values: Mapping[str, Any]) -> bool:
    """Take a session's driver out of it where a condition holds; say whether it did."""
    update = Update(
        {"pk": pk, "sk": "SESSION"},
        f"REMOVE {', '.join(POINTERS)}, #fields.cdr_token SET version = version + :one, "
        "profile_revision = if_not_exists(profile_revision, :none) + :one",
        condition,
        {**values, ":none": 0, ":one": 1},
        {"#fields": "fields"},
    )
    try:
        sessions.write(update)
    except ConcurrentChange:
        return False  # The index is behind: it was done already.
    return True

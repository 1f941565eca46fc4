"""Take out of a user's sessions what says whose they were: the CPO keeps its books, and nobody is named in ours."""

from __future__ import annotations

from offpeak.aws.tables import Table, Update
from offpeak.errors import ConcurrentChange

POINTERS = ("charger", "begun_at", "user_key", "charger_start")
"""By these a session is listed as one of a user's charger."""


def pseudonymise(sessions: Table, user_key: str) -> int:
    """Remove the driver's token (cdr_token) and the pointers to him from all sessions that are listed as a user's;
    return how many there were. May be repeated. Who read a session before does not write him back, be it a planner
    (`profile_revision` goes up) or who takes in a message (`version` does)."""
    found = 0
    for row in sessions.query("user_key = :user", {":user": user_key}, index="by_user"):
        gone = ", ".join(POINTERS)
        update = Update(
            {"pk": row["pk"], "sk": row["sk"]},
            f"REMOVE {gone}, #fields.cdr_token SET version = version + :one, "
            "profile_revision = if_not_exists(profile_revision, :none) + :one",
            "user_key = :user",
            {":user": user_key, ":none": 0, ":one": 1},
            {"#fields": "fields"},
        )
        try:
            sessions.write(update)
        except ConcurrentChange:
            continue  # The index is behind: it was done already.
        found += 1
    return found

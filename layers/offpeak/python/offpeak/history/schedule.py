"""When a partner's lists are pulled, and from when on (CONFORMANCE T11). Pure; all times are the sessions' time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zlib import crc32

from offpeak.history.model import Module, Run, RunState

EVERY = timedelta(hours=6)
"""Pushes are not repeated by their senders, so this is how long a lost one may stay unknown."""
OVERLAP = timedelta(hours=1)
"""Clocks differ by minutes, and a CPO may write an update later than it stamps it."""
FIRST_LOOK_BACK = timedelta(days=7)
"""Of a partner whose sessions were never pulled. Operators can order more. Other lists are taken whole then: what has
not changed for years still holds."""
LONGEST_LOOK_BACK = timedelta(days=31)
"""Through sessions."""

AROUND_A_PATCH = timedelta(minutes=5)
LONGEST_WAY_TO_A_PATCH = timedelta(days=2)
"""A PATCH that tells of a time before is not worth a walk through all that came since: the schedule brings it."""

SHORTEST_COOLDOWN_S = 10
LONGEST_COOLDOWN_S = 3600

STALLED_AFTER = timedelta(minutes=10)
FORSAKEN_AFTER = timedelta(minutes=1)

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def is_due(before: Run | None, partner_id: str, module: Module, now: datetime) -> bool:
    """Say whether the scheduled run through one of a partner's lists is to begin.

    Each list has its own moments, EVERY apart and spread evenly over that time, so that partners do not come at once.
    One that has no run yet comes at once.
    """
    if before is None:
        return True
    return not before.is_running and before.began_at < last_moment(partner_id, module, now) <= now


def last_moment(partner_id: str, module: Module, now: datetime) -> datetime:
    """Return the latest of a list's moments that is not after `now`."""
    offset = EVERY * (crc32(f"{partner_id}/{module.value}".encode()) / 2**32)
    return now - (now - _EPOCH - offset) % EVERY


def scheduled_since(before: Run | None, module: Module, now: datetime) -> datetime | None:
    """Return from when on a scheduled run asks: the last success minus an overlap; None: for the whole list."""
    synced_until = before.synced_until if before else None
    since = synced_until - OVERLAP if synced_until else None
    if module is not Module.SESSIONS:
        return since
    return max(since or now - FIRST_LOOK_BACK, now - LONGEST_LOOK_BACK)


def unknown_since(patched_at: datetime, now: datetime) -> datetime:
    """Return from when on to ask for a session that a PATCH stamped `patched_at` told of: at its CPO it is at least as
    new as that. To the minute, so that a swarm of PATCHes has few answers."""
    since = max(min(patched_at, now) - AROUND_A_PATCH, now - LONGEST_WAY_TO_A_PATCH)
    return since.replace(second=0, microsecond=0)


def cooldown_s(run: Run) -> int:
    """Return how long after `run` the next search for unknown sessions waits.

    Each that brought nothing new doubles it: whoever patches sessions that its own list lacks gets few calls for that.
    """
    brought_something = run.state is RunState.DONE and run.tally.created > 0
    doubled = SHORTEST_COOLDOWN_S if brought_something else 2 * run.cooldown_s
    return min(max(doubled, SHORTEST_COOLDOWN_S), LONGEST_COOLDOWN_S)


def is_stalled(run: Run, at: datetime) -> bool:
    """Say whether the message for a run's next page must have been lost; `at` is real time."""
    return run.is_running and max(run.due_at, run.touched_at) + STALLED_AFTER < at


def is_forsaken(run: Run, at: datetime) -> bool:
    """Say whether nobody has begun with a run's page that is due. Sooner than `is_stalled`, for whoever has a reason to
    ask: a message for the page before it that comes again so late was never finished with."""
    return run.is_running and run.attempts == 0 and max(run.due_at, run.touched_at) + FORSAKEN_AFTER < at

"""A subscription's lane: what waits for one receiver goes out in order, and where that fails, waits. Pure.

    ACTIVE --failure--> ACTIVE, next try later: after a minute, then two, four, ... an hour
    ACTIVE --failures for a day, or HTTP 410--> PAUSED, until somebody resumes it
    ACTIVE --success--> ACTIVE, as if nothing had been

Times are the house's, which may be simulated; only the lease, which a process holds that may die, ends in real time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.webhooks.model import Try

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=1)
GONE = 410
"""The HTTP status by which a receiver says that it wants no more."""
LOOKED_AFTER_WITHIN = timedelta(minutes=1)
"""A lane with something to deliver that nobody has looked at for so long has lost its message."""


@dataclass(frozen=True, slots=True)
class Lane:
    """`wanted` counts how often something came to wait, `resumes` how often somebody let it go on at once; `due_at` is
    when the sweep must look, None for never."""

    wanted: int = 0
    resumes: int = 0
    due_at: datetime | None = None
    failures: int = 0
    """In a row."""
    failing_since: datetime | None = None
    last_problem: str | None = None
    paused_at: datetime | None = None

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None

    def may_go(self, now: datetime) -> bool:
        """Say whether a delivery may be tried now."""
        return not self.is_paused and (self.failures == 0 or self.due_at is None or self.due_at <= now)


def after(lane: Lane, tried: Try, now: datetime) -> Lane:
    """Return the lane after a try."""
    if tried.is_success:
        return replace(lane, failures=0, failing_since=None, last_problem=None, due_at=now + LOOKED_AFTER_WITHIN)
    since = lane.failing_since or now
    failed = replace(lane, failures=lane.failures + 1, failing_since=since, last_problem=tried.problem)
    if tried.http_status == GONE or now - since >= GIVE_UP_AFTER:
        return replace(failed, paused_at=now, due_at=None)
    return replace(failed, due_at=now + wait_after(failed.failures))


def resumed(now: datetime) -> Lane:
    """Return what a lane becomes that is to go on at once, as if it had never failed; its counts stand in its row."""
    return Lane(due_at=now + LOOKED_AFTER_WITHIN)


def wait_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row, one at least."""
    doublings: int = 2 ** min(failures - 1, 10)
    return min(FIRST_WAIT * doublings, LONGEST_WAIT)

"""How an EVSE that refused or was silent is left alone: longer each time, until something succeeds. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from offpeak.profiles.model import Standing

FIRST = timedelta(minutes=1)
LONGEST = timedelta(minutes=30)


def backed_off(standing: Standing, now: datetime, *, wakes: bool) -> Standing:
    """Return the standing after one more failure; `wakes` asks for a new try when the time is over (CONFORMANCE
    P10)."""
    until = now + min(FIRST * 2 ** min(standing.backoff_steps, 10), LONGEST)
    return replace(
        standing,
        backoff_until=until,
        backoff_steps=standing.backoff_steps + 1,
        wake_at=until if wakes else standing.wake_at,
    )


def recovered(standing: Standing) -> Standing:
    """Return the standing after a success."""
    return replace(standing, backoff_until=None, backoff_steps=0)

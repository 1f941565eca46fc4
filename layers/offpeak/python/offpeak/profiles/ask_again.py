"""How often the sweep takes up a row that waits: the longer in vain, the rarer. Pure.

What got lost is mended by the first time or the second. A row that still waits after that fails every time, and each
time costs a message, five deliveries and a dead letter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

OFTEN = timedelta(minutes=5)
"""Until this age a row is taken up by every sweep, ..."""
SELDOM = timedelta(hours=1)
"""... until this age in the minutes that 5 divides, later in the first minute of an hour."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = timedelta(milliseconds=1)
"""The step of stored time: windows that meet share no row."""

Window = tuple[datetime, datetime]


def windows(now: datetime) -> Iterator[Window]:
    """Yield the spans of time, both ends included, since when a row must have waited to be taken up at `now`.

    The youngest rows come first, and each span is for a limit of its own: the old rows, which fail, hide no young ones.
    """
    yield now - OFTEN, now
    if now.minute % 5 == 0:
        yield now - SELDOM, now - OFTEN - INSTANT
    if now.minute == 0:
        yield EVER, now - SELDOM - INSTANT

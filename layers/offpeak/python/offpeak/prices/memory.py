"""Published prices as a process remembers them: thousands of sessions are planned by the same two days."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from offpeak.memory import Memory
from offpeak.prices.gather import PublishedPrices
from offpeak.prices.model import QUARTER, PriceCurve, market_date, quarter_hours

REMEMBERED_S = 60.0
MOST = 50
"""Spans of days, of all zones; a span of two weeks takes about 300 KB."""


class PriceMemory:
    """`published` as it was at most REMEMBERED_S ago. `now_s` tells real epoch seconds."""

    def __init__(self, published: PublishedPrices, now_s: Callable[[], float] = time.time) -> None:
        self._published = published
        self._memory: Memory[tuple[str, date, date], PriceCurve] = Memory(REMEMBERED_S, now_s, MOST)

    def since(self, changed_at: datetime | None) -> PublishedPrices:
        """Return the prices with all changes up to the real time `changed_at`."""
        return _Since(self, changed_at)

    def curve(self, zone: str, start: datetime, end: datetime, changed_at: datetime | None) -> PriceCurve:
        first, last = market_date(start), market_date(end)

        def load() -> PriceCurve:
            return self._published.curve(zone, quarter_hours(first)[0], quarter_hours(last)[-1] + QUARTER)

        days = self._memory.get((zone, first, last), load, changed_at=changed_at)
        slots = tuple(slot for slot in days.slots if slot.end_at > start and slot.start_at < end)
        return PriceCurve(zone, slots, days.source)


@dataclass(frozen=True, slots=True)
class _Since:
    memory: PriceMemory
    changed_at: datetime | None

    def curve(self, zone: str, start: datetime, end: datetime) -> PriceCurve:
        return self.memory.curve(zone, start, end, self.changed_at)

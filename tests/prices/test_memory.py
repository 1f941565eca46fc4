"""Prices as a process remembers them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from offpeak.prices.memory import PriceMemory
from offpeak.prices.model import QUARTER, PriceCurve, PriceSlot

MIDNIGHT = datetime(2026, 3, 27, 23, tzinfo=UTC)


class Published:
    """Prices that tell how often they were read; there is none at quarter-hours that 7 divides."""

    def __init__(self) -> None:
        self.reads = 0

    def curve(self, zone: str, start: datetime, end: datetime) -> PriceCurve:
        self.reads += 1
        first = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0)
        starts = [first + n * QUARTER for n in range((end - first) // QUARTER + 1)]
        slots = (
            PriceSlot(at, at + QUARTER, Decimal(int(at.timestamp()) // 900 % 97))
            for at in starts
            if at < end and int(at.timestamp()) // 900 % 7
        )
        return PriceCurve(zone, tuple(slots), "made up")


@given(st.integers(0, 3 * 86_400), st.integers(1, 2 * 86_400))
def test_a_remembered_curve_is_the_published_one(from_s: int, for_s: int) -> None:
    start = MIDNIGHT + timedelta(seconds=from_s)
    end = start + timedelta(seconds=for_s)
    remembered = PriceMemory(Published()).since(None).curve("NL", start, end)
    assert remembered == Published().curve("NL", start, end)


def test_sessions_of_the_same_night_read_prices_once_until_they_change() -> None:
    published, now_s = Published(), [1000.0]
    memory = PriceMemory(published, now_s=lambda: now_s[0])
    for minutes in (0, 10, 300):
        memory.since(None).curve("NL", MIDNIGHT + timedelta(minutes=minutes), MIDNIGHT + timedelta(hours=8))
    assert published.reads == 1
    memory.since(None).curve("DE-LU", MIDNIGHT, MIDNIGHT + timedelta(hours=8))
    assert published.reads == 2, "another zone has other prices"
    now_s[0] += 20
    memory.since(datetime.fromtimestamp(1010, UTC)).curve("NL", MIDNIGHT, MIDNIGHT + timedelta(hours=8))
    assert published.reads == 3

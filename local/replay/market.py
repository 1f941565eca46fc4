"""What a kWh cost, and what was known of it at an instant: tomorrow's prices come out at 13:00."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate

from local.recorded import RecordedPrices
from offpeak.partners.model import PlanningDefaults
from offpeak.planning.situation import PricedSlot
from offpeak.prices.gather import effective_prices
from offpeak.prices.model import MARKET_TIME, QUARTER, PriceCurve, PriceSlot, market_date, quarter_hours

PUBLISHED_AT = time(13)
"""Market time: from then on the next day's prices are known."""
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WHOLESALE = PlanningDefaults()
"""The wholesale price: a dynamic tariff without factor or adder."""


def published_until(now: datetime) -> datetime:
    """Return until when prices are published at `now`: to the end of the market day, from 13:00 on of the next."""
    local = now.astimezone(MARKET_TIME)
    days = 2 if local.time() >= PUBLISHED_AT else 1
    return datetime.combine(local.date() + days * DAY, time(), MARKET_TIME).astimezone(UTC)


class Market:
    """Recorded prices of one zone. What planning may see of them is `slots`; all else is what came true."""

    def __init__(self, prices: RecordedPrices) -> None:
        quarters = prices.slot // QUARTER
        eur = [price / 1000 for price in prices.eur_per_mwh.values() for _ in range(quarters)]
        self.start_at = prices.start_at
        self.eur_per_kwh = [float(each) for each in eur]
        starts = [prices.start_at + place * QUARTER for place in range(len(eur))]
        self.curve = [PriceSlot(at, at + QUARTER, each) for at, each in zip(starts, eur, strict=True)]
        self._slots = [PricedSlot(each.start_at, each.end_at, float(each.eur_per_kwh)) for each in self.curve]
        self._sums = [0.0, *accumulate(each / 4 for each in self.eur_per_kwh)]
        self._ahead: dict[tuple[datetime, datetime, int], tuple[PricedSlot, ...]] = {}

    @property
    def end_at(self) -> datetime:
        return self.curve[-1].end_at

    def slots(self, now: datetime, until: datetime) -> tuple[PricedSlot, ...]:
        """Return the prices from `now` to `until` as planning gets them at `now`: published ones, and forecasts.

        What is not published depends on the market day and on what is published alone: it is worked out once for each.
        """
        first, end = self.place(now), self.place(until - timedelta(microseconds=1)) + 1
        if until <= published_until(now) and end <= len(self._slots):
            return tuple(self._slots[first:end])
        midnight = quarter_hours(market_date(now))[0]
        known = midnight, published_until(now), -((now - until) // DAY)
        if known not in self._ahead:
            self._ahead[known] = seen_at(self, now, midnight, midnight + (known[-1] + 1) * DAY)
        day = self.place(midnight)
        return self._ahead[known][first - day : end - day]

    def place(self, at: datetime) -> int:
        """Return the number of the quarter-hour that holds `at`."""
        return (at - self.start_at) // QUARTER

    def eur(self, kw: float, start_at: datetime, end_at: datetime) -> float:
        """Return what it cost to draw `kw` from `start_at` to `end_at`, EUR."""
        return kw * (self._sum_until(end_at) - self._sum_until(start_at))

    def cut(self, start_at: datetime, end_at: datetime) -> tuple[list[datetime], list[float]]:
        """Return the edges of the quarter-hours from `start_at` to `end_at`, first and last cut, and their prices."""
        first, last = self.place(start_at), self.place(end_at - timedelta(microseconds=1))
        edges = [start_at, *(self.start_at + place * QUARTER for place in range(first + 1, last + 1)), end_at]
        return edges, self.eur_per_kwh[first : last + 1]

    def _sum_until(self, at: datetime) -> float:
        place, rest = divmod(at - self.start_at, QUARTER)
        if not rest:
            return self._sums[place]
        return self._sums[place] + self.eur_per_kwh[place] * (rest / HOUR)


class Published:
    """A market at an instant, as a store of published prices."""

    def __init__(self, curve: Sequence[PriceSlot], now: datetime) -> None:
        self._curve, self._until = curve, published_until(now)

    def curve(self, zone: str, start: datetime, end: datetime) -> PriceCurve:
        end = min(end, self._until)
        first = bisect_left(self._curve, start, key=lambda slot: slot.end_at - timedelta(microseconds=1))
        last = bisect_left(self._curve, end, key=lambda slot: slot.start_at)
        return PriceCurve(zone, tuple(self._curve[first:last]), "")


def seen_at(market: Market, now: datetime, start_at: datetime, until: datetime) -> tuple[PricedSlot, ...]:
    """Return the prices from `start_at` to `until` as they are seen at `now`, by the way that production takes."""
    found = effective_prices(Published(market.curve, now), WHOLESALE, start_at, until)
    return tuple(
        PricedSlot(each.start_at, each.end_at, float(each.eur_per_kwh), each.is_forecast) for each in found.slots
    )

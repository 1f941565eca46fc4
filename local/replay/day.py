"""The mean day: what happens at each quarter-hour of the market's clock. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from local.replay.stay import HOUR, Stretch
from offpeak.prices.model import MARKET_TIME, QUARTER, market_date

QUARTERS = 96


@dataclass(slots=True)
class Day:
    """Sums and counts by quarter-hour of the clock."""

    sums: list[float] = field(default_factory=lambda: [0.0] * QUARTERS)
    counts: list[int] = field(default_factory=lambda: [0] * QUARTERS)

    def add(self, at: datetime, value: float) -> None:
        place = quarter_of_day(at)
        self.sums[place] += value
        self.counts[place] += 1

    def means(self) -> list[float]:
        return [total / count if count else 0.0 for total, count in zip(self.sums, self.counts, strict=True)]


@dataclass(frozen=True, slots=True)
class Load:
    """Mean power at each quarter-hour of the clock, over `days` days, kW."""

    kw: list[float]
    days: int


def mean_day(drawn: Iterable[Stretch]) -> Load:
    """Return what all of it draws in the mean over the days from the first to the last of it."""
    kwh = [0.0] * QUARTERS
    dates = []
    for each in drawn:
        dates += [market_date(each.start_at), market_date(each.end_at)]
        at = each.start_at
        while at < each.end_at:
            until = min(each.end_at, at - (at - datetime.min.replace(tzinfo=at.tzinfo)) % QUARTER + QUARTER)
            kwh[quarter_of_day(at)] += each.kw * ((until - at) / HOUR)
            at = until
    days = (max(dates) - min(dates)) // timedelta(days=1) + 1 if dates else 1
    return Load([each * 4 / days for each in kwh], days)


def quarter_of_day(at: datetime) -> int:
    local = at.astimezone(MARKET_TIME)
    return local.hour * 4 + local.minute // 15

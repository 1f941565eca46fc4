"""A forecast for the hours whose prices are not published yet: what the same quarter-hour cost on recent days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from statistics import fmean, median

from offpeak.prices.model import MARKET_TIME, QUARTER, PriceCurve, PriceSlot

RECENT_DAYS = 7
ENOUGH_DAYS = 3
"""From this many weekdays or weekend days on, only days of the same kind are looked at."""

STEP = Decimal("0.00001")
SATURDAY = 5

_Seen = dict[time, list[tuple[date, Decimal]]]
"""Prices by local time of day, newest day first."""


def extended(known: PriceCurve, start: datetime, end: datetime) -> PriceCurve:
    """Return the quarter-hours from `start` to `end` without a gap: known prices, and where there is none a forecast.

    The forecast is the median of the same quarter-hour (market time) on up to seven days before, of weekdays for a
    weekday and weekend days for a weekend day where there are three of them. A quarter-hour that was never seen gets
    the mean of all known prices. Every forecast is marked; without any known price the curve is empty.
    """
    if not known.slots:
        return known
    prices = {slot.start_at: slot.eur_per_kwh for slot in known.slots}
    seen = _by_time_of_day(prices)
    mean = _rounded(fmean(prices.values()))
    slots = []
    at = _quarter_of(start)
    while at < end:
        price = prices.get(at)
        if price is None:
            slots.append(PriceSlot(at, at + QUARTER, _typical(seen, at, mean), is_forecast=True))
        else:
            slots.append(PriceSlot(at, at + QUARTER, price))
        at += QUARTER
    return PriceCurve(known.zone, tuple(slots), known.source)


def is_complete(known: PriceCurve, start: datetime, end: datetime) -> bool:
    """Say whether every quarter-hour from `start` to `end` is known."""
    return len(known.slots) >= -((_quarter_of(start) - end) // QUARTER)


def _typical(seen: _Seen, at: datetime, mean: Decimal) -> Decimal:
    local = at.astimezone(MARKET_TIME)
    before = [each for each in seen.get(local.time(), ()) if each[0] < local.date()]
    alike = [each for each in before if _is_weekend(each[0]) == _is_weekend(local.date())]
    chosen = (alike if len(alike) >= ENOUGH_DAYS else before)[:RECENT_DAYS]
    return _rounded(median(price for _, price in chosen)) if chosen else mean


def _by_time_of_day(prices: Mapping[datetime, Decimal]) -> _Seen:
    seen: _Seen = {}
    for at in sorted(prices, reverse=True):
        local = at.astimezone(MARKET_TIME)
        seen.setdefault(local.time(), []).append((local.date(), prices[at]))
    return seen


def _is_weekend(day: date) -> bool:
    return day.weekday() >= SATURDAY


def _quarter_of(instant: datetime) -> datetime:
    return instant - (instant - datetime.min.replace(tzinfo=instant.tzinfo)) % QUARTER


def _rounded(price: Decimal | float) -> Decimal:
    return Decimal(price).quantize(STEP)

"""Prices for tests: market days of DE-LU, made of quarter-hours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from offpeak.prices.model import MARKET_TIME, PriceCurve, PriceDay, PriceSlot, quarter_hours

ZONE = "DE-LU"
THURSDAY = date(2026, 1, 15)
SPRING = date(2026, 3, 29)
"""Summer time begins: 23 hours."""
AUTUMN = date(2026, 10, 25)
"""Summer time ends: 25 hours."""
SOURCE = "licence of the feed"


def market(day: date, hour: int, minute: int = 0, *, fold: int = 0) -> datetime:
    """The instant at which clocks in the market's time show this."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=MARKET_TIME, fold=fold).astimezone(UTC)


def a_day(day: date = THURSDAY, price: str | Callable[[datetime], str] = "0.1") -> PriceDay:
    """A whole day at one price, or at that of a function of the instant."""
    prices = {at: Decimal(price if isinstance(price, str) else price(at)) for at in quarter_hours(day)}
    return PriceDay(day, prices, SOURCE)


def days_before(day: date, count: int) -> list[date]:
    """The days before `day`, the oldest first."""
    return [day - timedelta(days=n) for n in range(count, 0, -1)]


def curve_of(days: Iterable[PriceDay]) -> PriceCurve:
    slots = [PriceSlot(at, at + timedelta(minutes=15), price) for day in days for at, price in day.eur_per_kwh.items()]
    return PriceCurve(ZONE, tuple(slots), SOURCE)

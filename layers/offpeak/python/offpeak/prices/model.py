"""Prices: what a kWh costs in each slot of time, and the tariffs that turn market prices into a driver's price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)

HISTORY = timedelta(days=14)
"""What a forecast looks back on."""

MARKET_TIME = ZoneInfo("Europe/Berlin")
"""Europe's coupled day-ahead auction trades days of Central European Time, whatever a bidding zone's own clock says."""


@dataclass(frozen=True, slots=True)
class PriceSlot:
    """A price that holds from `start_at` to `end_at`. A forecast is marked: it may still change."""

    start_at: datetime
    end_at: datetime
    eur_per_kwh: Decimal
    is_forecast: bool = False


@dataclass(frozen=True, slots=True)
class PriceCurve:
    """Slots without overlap, ascending. `source` is an attribution fit to print.

    Published curves may have gaps where a feed had none to give; an extended curve has none.
    """

    zone: str
    slots: tuple[PriceSlot, ...]
    source: str


@dataclass(frozen=True, slots=True)
class PriceDay:
    """The published prices of one market day, by the start of each quarter-hour (UTC), ascending.

    A day has 96 quarter-hours, 92 when summer time begins and 100 when it ends; one without a price is absent.
    """

    date: date
    eur_per_kwh: Mapping[datetime, Decimal]
    source: str


def market_date(instant: datetime) -> date:
    """Return the market day that holds `instant`."""
    return instant.astimezone(MARKET_TIME).date()


def quarter_hours(day: date) -> tuple[datetime, ...]:
    """Return the starts, in UTC, of the 92, 96 or 100 quarter-hours of a market day."""
    start = _midnight(day)
    return tuple(start + QUARTER * n for n in range((_midnight(day + timedelta(days=1)) - start) // QUARTER))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), MARKET_TIME).astimezone(UTC)


class TariffKind(StrEnum):
    DYNAMIC = "DYNAMIC"
    """The day-ahead price of the bidding zone, times `factor`, plus `adder_eur_per_kwh`."""
    FIXED = "FIXED"
    """`fixed_eur_per_kwh` at all times."""
    TIME_OF_USE = "TIME_OF_USE"
    """The price of the first window that holds the local time, else `fixed_eur_per_kwh`."""


@dataclass(frozen=True, slots=True)
class TariffWindow:
    """Local time from `start` to `end` (over midnight when end <= start) on `weekdays` (Monday is 0)."""

    start: time
    end: time
    eur_per_kwh: Decimal
    weekdays: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a kWh costs the driver, as a rule that becomes a price curve."""

    kind: TariffKind = TariffKind.DYNAMIC
    factor: Decimal = Decimal(1)
    adder_eur_per_kwh: Decimal = Decimal(0)
    fixed_eur_per_kwh: Decimal = Decimal(0)
    windows: tuple[TariffWindow, ...] = ()

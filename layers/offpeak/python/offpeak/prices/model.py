"""Price curves: what a kWh costs in each slot of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class PriceSlot:
    """A price that holds from `start_at` to `end_at`. A forecast is marked: it may still change."""

    start_at: datetime
    end_at: datetime
    eur_per_kwh: Decimal
    is_forecast: bool = False


@dataclass(frozen=True, slots=True)
class PriceCurve:
    """Slots without gap or overlap, ascending. `source` is an attribution fit to print."""

    zone: str
    slots: tuple[PriceSlot, ...]
    source: str

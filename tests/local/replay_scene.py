"""What tests of the replay begin with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from local.recorded import RecordedPrices
from local.replay.stay import Stay
from offpeak.prices.model import QUARTER

START = datetime(2026, 1, 29, 23, tzinfo=UTC)
"""A midnight of the market."""


def prices_of(*eur_per_mwh: float) -> RecordedPrices:
    """Quarter-hours from START on."""
    return RecordedPrices({START + n * QUARTER: Decimal(str(each)) for n, each in enumerate(eur_per_mwh)}, QUARTER)


def varied_prices(days: int, seed: int = 1) -> RecordedPrices:
    random = Random(seed)
    return prices_of(*(round(random.uniform(-50, 300), 2) for _ in range(days * 96)))


def a_stay(start_min: float = 0, lasts_min: float = 600, kwh: float = 11.04, **more: object) -> Stay:
    """A car at 11.04 kW that arrives so many minutes after START."""
    arrives_at = START + timedelta(minutes=start_min)
    return Stay("1", arrives_at, arrives_at + timedelta(minutes=lasts_min), kwh, **more)  # type: ignore[arg-type]

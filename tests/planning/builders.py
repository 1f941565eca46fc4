"""Situations for tests: a car plugs in at 18:00 UTC and leaves at 06:00 unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from offpeak.planning.situation import Calm, PricedSlot, Situation

NOW = datetime(2026, 1, 15, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)

RESTLESS = Calm(start_eur=0.0, threshold_eur=0.0, threshold_share=0.0, energy_kwh=0.0)
"""Only the price of energy counts."""


def after(hours: float) -> datetime:
    return NOW + hours * HOUR


def priced(*eur_per_kwh: float, start_at: datetime = NOW, length: timedelta = HOUR) -> tuple[PricedSlot, ...]:
    """One slot after the other, an hour each."""
    return tuple(
        PricedSlot(start_at + n * length, start_at + (n + 1) * length, price) for n, price in enumerate(eur_per_kwh)
    )


NIGHT = priced(0.40, 0.38, 0.30, 0.28, 0.24, 0.20, 0.10, 0.08, 0.09, 0.12, 0.25, 0.35)
"""Twelve hours; the cheapest are the seventh to the tenth, from 00:00 to 04:00."""


def a_situation(**changes: Any) -> Situation:
    """A car of 10 kW that is assumed to need 20 kWh: two hours."""
    said: dict[str, Any] = {
        "now": NOW,
        "slots": NIGHT,
        "need_kwh": 20.0,
        "departure_at": after(12),
        "max_power_w": 10_000.0,
    }
    return Situation(**{**said, **changes})


def spans(blocks: Sequence[Any]) -> list[tuple[float, float]]:
    """Blocks as hours after NOW."""
    return [((each.start_at - NOW) / HOUR, (each.end_at - NOW) / HOUR) for each in blocks]

"""Signals for tests: of DE-LU, from 17:00 to 19:00 UTC on a day in January, unless a test says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from offpeak.grid.model import Scope, Signal, SignalKind, SignalStep

DAY = datetime(2026, 1, 15, tzinfo=UTC)
NOON = DAY + timedelta(hours=12)
ZONE, DEPOT = Scope(zone="DE-LU"), Scope(group="depot")


def at(hour: float) -> datetime:
    """An hour of the day, UTC; from 24 on it is tomorrow."""
    return DAY + timedelta(hours=hour)


def a_signal(
    signal_id: str = "evening",
    kind: SignalKind = SignalKind.CAP,
    *values: float | str,
    hours: tuple[float, ...] = (17,),
    end: float | None = 19,
    scope: Scope = ZONE,
) -> Signal:
    """One step at each of `hours`; values are of the kind's unit."""
    steps = tuple(
        SignalStep(at(hour), Decimal(str(value))) for hour, value in zip(hours, values or (4100,), strict=True)
    )
    return Signal(signal_id, scope, kind, steps, None if end is None else at(end), "operator")

"""Charging profiles: a plan in OCPI form (OCPI 2.2.1, 14.4; CONFORMANCE P7, P8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ProfilePeriod:
    """From `start_period_s` after the profile's start: at most `limit`, in the profile's unit."""

    start_period_s: int
    limit: Decimal


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """An absolute charging profile. `unit` is "W" (total) or "A" (per phase); limits have at most one decimal;
    the first period starts at 0 and periods ascend."""

    start_at: datetime
    duration_s: int | None
    unit: str
    periods: tuple[ProfilePeriod, ...]
    min_charging_rate: Decimal | None = None

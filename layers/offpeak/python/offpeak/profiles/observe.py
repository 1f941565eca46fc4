"""Does the session's power follow the profile? Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from offpeak.planning.profile import ChargingProfile, limit_at
from offpeak.sessions.charging_state import IDLE_W
from offpeak.sessions.energy import mean_power_w
from offpeak.sessions.model import Session

TOLERANCE = Decimal("1.05")
"""Meters and chargers differ by a few per cent from what they are told."""


def is_followed(
    profile: ChargingProfile, session: Session, in_force_at: datetime, *, phases: int | None, voltage_v: int
) -> bool:
    """Say whether the newest charging period that tells its power, and lies under one limit, is within the profile.

    Only periods that began after the charger took the profile count. A pause shows by no power, a limit by some: a car
    that draws nothing although it may shows neither.
    """
    seen = _seen(profile, session, in_force_at, phases or 3, voltage_v)
    if seen is None:
        return False
    power_w, limit_w = seen
    return power_w <= limit_w * TOLERANCE + IDLE_W and (limit_w == 0 or power_w > IDLE_W)


def is_exceeded(
    profile: ChargingProfile, session: Session, in_force_at: datetime, *, phases: int | None, voltage_v: int
) -> bool:
    """Say whether that period shows more power than the profile allows: the charger does not hold the car to it."""
    seen = _seen(profile, session, in_force_at, phases or 3, voltage_v)
    return seen is not None and seen[0] > max(seen[1], Decimal(0)) * TOLERANCE + IDLE_W


def _seen(
    profile: ChargingProfile, session: Session, in_force_at: datetime, phases: int, voltage_v: int
) -> tuple[Decimal, Decimal] | None:
    """Return power and limit of the newest charging period that tells both, watts; None where none does."""
    for place in reversed(range(len(session.periods))):
        start_at = session.periods[place].start_at
        if start_at < in_force_at:
            return None
        is_newest = place + 1 == len(session.periods)
        end_at = (session.end_at or session.last_updated) if is_newest else session.periods[place + 1].start_at
        power_w = mean_power_w(session, place)
        limit = _only_limit(profile, start_at, end_at)
        if power_w is not None and limit is not None:
            return power_w, limit * voltage_v * phases if profile.unit == "A" else limit
    return None


def _only_limit(profile: ChargingProfile, start_at: datetime, end_at: datetime) -> Decimal | None:
    """Return the limit of the whole time from `start_at` to `end_at`; None where it changes or there is none."""
    changes = (profile.start_at + timedelta(seconds=each.start_period_s) for each in profile.periods)
    if any(start_at < change < end_at for change in changes):
        return None
    return limit_at(profile, start_at)

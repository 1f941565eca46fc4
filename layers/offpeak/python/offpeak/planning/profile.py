"""Charging profiles: a plan in OCPI form (OCPI 2.2.1, 14.4; CONFORMANCE P7, P8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from offpeak.planning.plan import Plan
from offpeak.planning.problem import seconds_after

TENTH = Decimal("0.1")


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


def encode(plan: Plan, *, unit: str, phases: int | None, voltage_v: int, now: datetime) -> ChargingProfile:
    """Return the plan from `now` on, as an absolute profile that starts at `now`, cut to the second.

    The last period has no end: from `plan.unlimited_from` on the car may draw the plan's maximum, or what the plan says
    is left to it then, so that nobody who leaves late is stranded. Limits are rounded down; a plan made with
    `limit_step_w` of the same unit loses nothing.
    In "A" an unknown number of phases counts as three (P8).
    """
    start_at = now.replace(microsecond=0)
    steps = [(start_at, Decimal(0))]
    for block in plan.blocks:
        steps += [(block.start_at, block.power_w), (block.end_at, Decimal(0))]
    rest_w = plan.max_power_w if plan.rest_power_w is None else plan.rest_power_w
    steps.append((plan.unlimited_from, rest_w))
    for cap in plan.caps:
        steps += [(cap.start_at, min(cap.power_w, rest_w)), (cap.end_at, rest_w)]
    limits = {max(0, seconds_after(start_at, at)): in_unit(power_w, unit, phases, voltage_v) for at, power_w in steps}
    periods: list[ProfilePeriod] = []
    for start_s, limit in sorted(limits.items()):
        if not periods or periods[-1].limit != limit:
            periods.append(ProfilePeriod(start_s, limit))
    return ChargingProfile(start_at, None, unit, tuple(periods))


def in_unit(power_w: Decimal, unit: str, phases: int | None, voltage_v: int) -> Decimal:
    """Return a power as a limit in "W" or in "A" per phase, rounded towards 0 to one decimal."""
    value = power_w / ((phases or 3) * voltage_v) if unit == "A" else power_w
    return value.quantize(TENTH, rounding=ROUND_DOWN)


def limit_step_w(unit: str, phases: int | None, voltage_v: int) -> float:
    """Return the step between two limits that a profile can tell, in watts."""
    return 0.1 * (phases or 3) * voltage_v if unit == "A" else 0.1


def same_effect(
    a: ChargingProfile,
    b: ChargingProfile,
    from_now: datetime,
    *,
    limit: Decimal = TENTH,
    for_s: int = 30,
) -> bool:
    """Say whether two profiles ask the same of a car from `from_now` on.

    They do when their limits never differ by more than `limit` for longer than `for_s` seconds on end. Before a
    profile starts and after it ends there is no limit. Profiles in different units are never the same.
    """
    if a.unit != b.unit:
        return False
    apart_since: datetime | None = None
    for at in _instants(a, b, from_now):
        differ = _apart(limit_at(a, at), limit_at(b, at), limit)
        if apart_since is not None and (at - apart_since).total_seconds() > for_s:
            return False
        apart_since = (apart_since or at) if differ else None
    return apart_since is None


def is_lower(a: ChargingProfile, b: ChargingProfile, from_now: datetime) -> bool:
    """Say whether `a`, from `from_now` on, ever allows a car less than `b` does; both are in the same unit."""
    return any(
        low is not None and (high is None or low < high)
        for at in _instants(a, b, from_now)
        for low, high in [(limit_at(a, at), limit_at(b, at))]
    )


def limit_at(profile: ChargingProfile, at: datetime) -> Decimal | None:
    """Return the limit at an instant, None where the profile sets none."""
    offset_s = (at - profile.start_at).total_seconds()
    if offset_s < 0 or (profile.duration_s is not None and offset_s >= profile.duration_s):
        return None
    found = None
    for period in profile.periods:
        if period.start_period_s <= offset_s:
            found = period.limit
    return found


def _instants(a: ChargingProfile, b: ChargingProfile, from_now: datetime) -> list[datetime]:
    """Return `from_now` and the later instants at which one of the two changes, ascending."""
    return sorted({from_now, *(at for each in (a, b) for at in _changes(each) if at > from_now)})


def _changes(profile: ChargingProfile) -> Iterator[datetime]:
    yield profile.start_at
    for period in profile.periods:
        yield profile.start_at + timedelta(seconds=period.start_period_s)
    if profile.duration_s is not None:
        yield profile.start_at + timedelta(seconds=profile.duration_s)


def _apart(a: Decimal | None, b: Decimal | None, limit: Decimal) -> bool:
    if a is None or b is None:
        return a is not b
    return abs(a - b) > limit

"""Power over time as a step function, and the little arithmetic that limits need: pure.

Whole seconds: a cap that changes within one counts as the lower of both until the next, so that no rounding lets
chargers draw more than it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias

from offpeak.partners.model import PlanningDefaults
from offpeak.planning.problem import into_slot_s
from offpeak.planning.profile import ChargingProfile, ProfilePeriod, in_unit
from offpeak.profiles.likeness import in_watts

PowerSteps: TypeAlias = tuple[tuple[datetime, float], ...]
"""(from when, watts), ascending and never empty; the first holds before its instant too."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)


def flat(power_w: float) -> PowerSteps:
    """Return the same power for ever."""
    return ((EVER, power_w),)


def at_most(profile: ChargingProfile, planning: PlanningDefaults, max_power_w: int, unmanaged_w: int) -> PowerSteps:
    """Return the most that can be drawn while a profile is in force, by a charger that gives `max_power_w`, and
    `unmanaged_w` before the profile starts and after it ends.

    `planning` says what its amperes are in watts; an unknown number of phases counts as three. A car that may give
    energy makes no room for others: it may as well give none.
    """
    steps: list[tuple[datetime, float]] = [(EVER, unmanaged_w)]
    end_at = None if profile.duration_s is None else profile.start_at + timedelta(seconds=profile.duration_s)
    for period in profile.periods:
        start_at = profile.start_at + timedelta(seconds=period.start_period_s)
        if end_at is None or start_at < end_at:
            limit_w = float(in_watts(period.limit, profile.unit, planning))
            steps.append((start_at, min(max_power_w, max(limit_w, 0.0))))
    if end_at is not None:
        steps.append((end_at, unmanaged_w))
    return merged(steps)


def profile_of(steps: PowerSteps, unit: str, planning: PlanningDefaults, now: datetime) -> ChargingProfile:
    """Return steps from `now` on as a charging profile without an end; limits are rounded down."""
    start_at = now.replace(microsecond=0)
    periods: list[ProfilePeriod] = []
    for at, power_w in from_now(steps, start_at):
        limit = in_unit(Decimal(str(round(power_w, 3))), unit, planning.phases, planning.voltage_v)
        if not periods or periods[-1].limit != limit:
            periods.append(ProfilePeriod(int((at - start_at).total_seconds()), limit))
    return ChargingProfile(start_at, None, unit, tuple(periods))


def merged(steps: Iterable[tuple[datetime, float]]) -> PowerSteps:
    """Return ascending steps without those that change nothing; of two at one instant the later counts."""
    kept: list[tuple[datetime, float]] = []
    for step in steps:
        if kept and kept[-1][0] == step[0]:
            kept.pop()
        if not kept or kept[-1][1] != step[1]:
            kept.append(step)
    return tuple(kept)


def highest(functions: Sequence[PowerSteps]) -> PowerSteps:
    """Return the larger of all at each instant."""
    return _pointwise(functions, max)


def lowest(functions: Sequence[PowerSteps]) -> PowerSteps:
    """Return the smaller of all at each instant."""
    return _pointwise(functions, min)


def power_at(steps: PowerSteps, at: datetime) -> float:
    place = bisect_right(steps, at, key=lambda step: step[0])
    return steps[max(place - 1, 0)][1]


def from_now(steps: PowerSteps, now: datetime) -> PowerSteps:
    """Return the steps from `now` on, the first one at `now`."""
    return merged([(now, power_at(steps, now)), *(step for step in steps if step[0] > now)])


def sampled(steps: PowerSteps, instants: Sequence[datetime]) -> list[float]:
    """Return the power at each of the ascending `instants`."""
    values: list[float] = []
    for (_, power_w), (next_at, _) in pairwise(steps):
        values += [power_w] * (bisect_left(instants, next_at) - len(values))
    return values + [steps[-1][1]] * (len(instants) - len(values))


def instants_of(functions: Iterable[PowerSteps], now: datetime) -> list[datetime]:
    """Return `now` and every later instant at which one of the functions changes, ascending."""
    return sorted({now, *(at for steps in functions for at, _ in steps if at > now)})


def slot_start(at: datetime, slot_s: int) -> datetime:
    """Return when the slot begins that an instant is in."""
    return at.replace(microsecond=0) - timedelta(seconds=into_slot_s(at, slot_s))


def held_in_slots(steps: PowerSteps, slot_s: int) -> PowerSteps:
    """Return what may be drawn by a charger that changes its power at the edges of slots only: a fall within a slot
    waits until it ends. A rise counts from where it is told."""
    slot = timedelta(seconds=slot_s)
    ends = {slot_start(at, slot_s) + slot for at, _ in steps if at > EVER}
    instants = sorted({*(at for at, _ in steps), *ends})
    held: list[tuple[datetime, float]] = []
    for at, power_w in zip(instants, sampled(steps, instants), strict=True):
        begun = slot_start(at, slot_s)
        carried = held[-1][1] if held and begun < at else power_w
        if held and begun < at and held[-1][0] < begun:
            carried = power_at(steps, begun)
        held.append((at, max(power_w, carried)))
    return merged(held)


def cap_steps(steps: Iterable[tuple[datetime, float]]) -> PowerSteps:
    """Return a cap in whole seconds: it falls at the beginning of a second, and rises at the next one's."""
    whole: list[tuple[datetime, float]] = []
    for at, cap_w in steps:
        second = at.replace(microsecond=0)
        if at != second and whole and cap_w > whole[-1][1]:
            second += timedelta(seconds=1)
        whole.append((second, cap_w))
    return merged(whole)


def _pointwise(functions: Sequence[PowerSteps], choose: Callable[[Iterable[float]], float]) -> PowerSteps:
    if len(functions) == 1:
        return functions[0]
    instants = sorted({at for steps in functions for at, _ in steps})
    columns = zip(*(sampled(steps, instants) for steps in functions), strict=True)
    return merged((at, choose(values)) for at, values in zip(instants, columns, strict=True))

"""Is the charger's active profile ours? Step functions compared as far as both can be known: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from offpeak.partners.model import PlanningDefaults
from offpeak.planning.profile import ChargingProfile, limit_at

TOLERANCE_W = 700
"""An ampere on three phases: chargers round limits to whole amperes, up or down."""
FOR_S = 60
"""Clocks differ; limits that are apart for no longer than this are not."""

Watts = Callable[[datetime], float]


class Likeness(StrEnum):
    SAME = "same"
    WIDER = "wider"
    """The active profile allows more than ours somewhere: ours is not in force."""
    TIGHTER = "tighter"
    """It allows less and never more: somebody has put another limit on top of ours."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`what` says for a person where the two differ first, "" where they do not."""

    likeness: Likeness
    what: str = ""


def compare(ours: ChargingProfile, active: ChargingProfile, planning: PlanningDefaults, now: datetime) -> Comparison:
    """Compare two profiles from `now` on, as far as `active` reaches.

    More than the session's car may be granted is as good as no limit, which shows as the EVSE's maximum (CONFORMANCE
    P9). Watts and amperes compare where the phases are known; else only a pause tells from its opposite.
    """
    only_pauses = ours.unit != active.unit and planning.phases is None
    ours_w, active_w = (_watts(each, planning, only_pauses=only_pauses) for each in (ours, active))
    apart = {Likeness.WIDER: 0.0, Likeness.TIGHTER: 0.0}
    what = ""
    for start_at, end_at in _stretches(ours, active, now):
        difference_w = active_w(start_at) - ours_w(start_at)
        if abs(difference_w) <= TOLERANCE_W:
            continue
        apart[Likeness.WIDER if difference_w > 0 else Likeness.TIGHTER] += (end_at - start_at).total_seconds()
        what = what or _difference(ours, active, start_at)
    for likeness, apart_s in apart.items():
        if apart_s > FOR_S:
            return Comparison(likeness, what)
    return Comparison(Likeness.SAME)


def _stretches(ours: ChargingProfile, active: ChargingProfile, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the times between changes of either, from `now` to the end of `active`; without an end, an hour beyond
    the last change stands for all that follows."""
    begin_at = max(now, active.start_at)
    changes = {
        at
        for each in (ours, active)
        for at in (each.start_at + timedelta(seconds=period.start_period_s) for period in each.periods)
        if at > begin_at
    }
    end_at = max({begin_at, *changes}) + timedelta(hours=1)
    if active.duration_s is not None:
        end_at = active.start_at + timedelta(seconds=active.duration_s)
    instants = [begin_at, *sorted(at for at in changes if at < end_at), end_at]
    yield from pairwise(instants)


def _watts(profile: ChargingProfile, planning: PlanningDefaults, *, only_pauses: bool) -> Watts:
    def at(instant: datetime) -> float:
        limit = limit_at(profile, instant)
        if limit is None or (only_pauses and limit > 0):
            return float(planning.max_power_w)
        return min(float(in_watts(limit, profile.unit, planning)), float(planning.max_power_w))

    return at


def in_watts(limit: Decimal, unit: str, planning: PlanningDefaults) -> Decimal:
    """Return a limit in watts; an unknown number of phases counts as three."""
    return limit * planning.voltage_v * (planning.phases or 3) if unit == "A" else limit


def limit_in_words(profile: ChargingProfile, at: datetime) -> str:
    limit = limit_at(profile, at)
    return "no limit" if limit is None else f"{limit.normalize():f} {profile.unit}"


def _difference(ours: ChargingProfile, active: ChargingProfile, at: datetime) -> str:
    return f"{limit_in_words(active, at)} instead of {limit_in_words(ours, at)} at {at:%Y-%m-%dT%H:%M:%SZ}"

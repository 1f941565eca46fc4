"""What signals of the grid make of one session's situation, and of what its plan tells: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from offpeak.grid.fold import grid_holds, session_caps, steer_told, steered
from offpeak.grid.model import Conditions
from offpeak.partners.model import PlanningDefaults
from offpeak.planning.plan import Plan
from offpeak.planning.reasons import with_grid
from offpeak.planning.situation import Situation

HELD_AFTER_DEPARTURE = timedelta(days=1)
"""At least so long: who is still there after his departure is not limited by us, but by the grid."""


def held_until(departure_at: datetime, now: datetime) -> datetime:
    """Return until when a plan of now looks at signals: a midnight, so that a cap without an end, which the plan cuts
    there, makes another profile once a day and not with every plan."""
    later = max(departure_at, now) + HELD_AFTER_DEPARTURE + timedelta(days=1)
    return later.replace(hour=0, minute=0, second=0, microsecond=0)


def under_grid(situation: Situation, asked: Conditions, planning: PlanningDefaults) -> Situation:
    """Return a situation in which the grid's conditions count."""
    if not asked.spans:
        return situation
    return replace(
        situation,
        slots=steered(situation.slots, asked, planning.carbon_weight_eur_per_kg),
        caps=(*situation.caps, *session_caps(asked, planning.max_power_w)),
    )


def told_of_grid(plan: Plan, asked: Conditions, planning: PlanningDefaults, now: datetime) -> Plan:
    """Return a plan whose reason tells of the grid: while the car is expected, or is still there."""
    before_departure = Conditions(tuple(each for each in asked.spans if each.start_at < plan.departure_at))
    reason = with_grid(
        plan,
        grid_holds(asked, planning.max_power_w),
        steer_told(before_departure, planning.carbon_weight_eur_per_kg),
        now=now,
        until=max(plan.departure_at, now + timedelta(hours=1)),
        time_zone=planning.time_zone,
    )
    return plan if reason is plan.reason else replace(plan, reason=reason)

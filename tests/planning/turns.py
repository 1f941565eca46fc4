"""A few cars that take turns under a tight cap: what the planner makes of it beside a mixed-integer program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from offpeak.planning.captree import CapNode, CapStep
from offpeak.planning.facts import spans_of
from offpeak.planning.group import decide_group
from offpeak.planning.plan import Plan
from offpeak.planning.situation import PricedSlot, Situation
from tests.planning.builders import NOW, QUARTER, RESTLESS
from tests.planning.oracles import turns_optimum

FLOOR_W, MOST_W, STEP_W = 4_140.0, 11_040.0, 69.0
MISSING_EUR = 2.0
"""What each kWh counts as that is not delivered."""
START_EUR = 0.01
PARTS = 3
"""The program may change power every five minutes."""


@dataclass(frozen=True, slots=True)
class Turned:
    """Energy and what is missing of it, EUR, and starts of charging, of all cars together."""

    eur: float
    starts: int
    fits_all: bool = True


@dataclass(frozen=True, slots=True)
class Tight:
    """Cars that leave after so many quarter-hours, under a cap of half a car to two and a half."""

    situations: dict[str, Situation]
    caps_w: list[float]
    leaves: list[int]


def tight(seed: int) -> Tight:
    random = Random(seed)
    quarters = random.randint(3, 5)
    slots = tuple(
        PricedSlot(NOW + t * QUARTER, NOW + (t + 1) * QUARTER, round(random.uniform(0.05, 0.5), 3))
        for t in range(quarters)
    )
    caps = [random.choice((0.4, 0.6, 1.0, 1.3, 1.7, 2.4)) * MOST_W for _ in range(quarters)]
    leaves = [random.randint(1, quarters) for _ in range(random.randint(2, 4))]
    situations = {
        f"car-{number}": Situation(
            now=NOW,
            slots=slots,
            need_kwh=round(random.uniform(0.1, 0.8) * 2.76 * stays, 2),
            departure_at=NOW + stays * QUARTER,
            max_power_w=MOST_W,
            min_power_w=FLOOR_W,
            limit_step_w=STEP_W,
            calm=replace(RESTLESS, start_eur=START_EUR),
        )
        for number, stays in enumerate(leaves)
    }
    return Tight(situations, caps, leaves)


def tree_over(group: Tight) -> CapNode:
    steps = tuple(CapStep(NOW + t * QUARTER, cap) for t, cap in enumerate(group.caps_w))
    return CapNode("connection", steps, members=tuple(group.situations))


def plans_for(group: Tight) -> dict[str, Plan]:
    return decide_group(group.situations, tree_over(group), now=NOW)


def by_planner(group: Tight) -> Turned:
    plans = plans_for(group)
    eur, starts = 0.0, 0
    for key, situation in group.situations.items():
        drawn = sum(
            float(block.power_w) * (block.end_at - block.start_at) / timedelta(hours=1) / 1000
            for block in plans[key].blocks
        )
        eur += float(plans[key].cost_eur) + MISSING_EUR * max(0.0, situation.need_kwh - drawn)
        starts += len(spans_of(plans[key]))
    return Turned(eur, starts, fits_all=not any(plan.shortfall_kwh for plan in plans.values()))


def by_program(group: Tight) -> Turned:
    cars = list(group.situations.values())
    eur, starts = turns_optimum(
        [slot.eur_per_kwh for slot in cars[0].slots for _ in range(PARTS)],
        [each.need_kwh for each in cars],
        [stays * PARTS for stays in group.leaves],
        [cap for cap in group.caps_w for _ in range(PARTS)],
        [FLOOR_W] * len(cars),
        [MOST_W] * len(cars),
        slot_h=0.25 / PARTS,
        missing_eur=MISSING_EUR,
        start_eur=START_EUR,
    )
    return Turned(eur, starts)

"""Many sessions under a tree of caps, from their situations to the profiles that are sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from offpeak.planning.captree import CapNode, CapStep, cap_at, nodes_of
from offpeak.planning.group import decide_group
from offpeak.planning.plan import Plan, ReasonCode
from offpeak.planning.profile import ChargingProfile, encode
from offpeak.planning.situation import Situation
from tests.planning.builders import a_situation, spans
from tests.planning.instances_group import NOW, garage

SEEDS = range(200)


def under(cap_w: float, *keys: str) -> CapNode:
    return CapNode("connection", (CapStep(NOW, cap_w),), members=keys)


def watts_of(profile: ChargingProfile, phases: int) -> list[tuple[datetime, float]]:
    scale = phases * 230.0 if profile.unit == "A" else 1.0
    return [
        (profile.start_at + timedelta(seconds=period.start_period_s), float(period.limit) * scale)
        for period in profile.periods
    ]


def profiles_of(
    situations: Mapping[str, Situation], plans: Mapping[str, Plan]
) -> dict[str, list[tuple[datetime, float]]]:
    profiles = {}
    for key, plan in plans.items():
        step = situations[key].limit_step_w
        phases = 1 if step == 23.0 else 3
        unit = "W" if step == 0.1 else "A"
        profiles[key] = watts_of(encode(plan, unit=unit, phases=phases, voltage_v=230, now=NOW), phases)
    return profiles


def power_at(steps: list[tuple[datetime, float]], at: datetime) -> float:
    return next(power for begun_at, power in reversed(steps) if begun_at <= at)


def members_below(node: CapNode) -> list[str]:
    return [key for each in nodes_of(node) for key in each.members]


def check(situations: Mapping[str, Situation], tree: CapNode, plans: Mapping[str, Plan]) -> None:
    profiles = profiles_of(situations, plans)
    instants = {at for steps in profiles.values() for at, _ in steps}
    instants |= {max(NOW, step.start_at) for node in nodes_of(tree) for step in node.steps}
    for at in instants:
        powers = {key: power_at(steps, at) for key, steps in profiles.items()}
        for node in nodes_of(tree):
            assert sum(powers[key] for key in members_below(node)) <= cap_at(node, at) + 1e-6, (node.name, at)
        for key, power in powers.items():
            assert power == 0.0 or power >= situations[key].min_power_w - 1e-6, (key, at)
            assert power <= situations[key].max_power_w + 1e-6
            for cap in situations[key].caps:
                assert not cap.start_at <= at < cap.end_at or power <= cap.power_w + 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_sent_passes_no_cap_at_any_second_and_leaves_no_car_below_its_floor(seed: int) -> None:
    situations, tree = garage(Random(seed))
    check(situations, tree, decide_group(situations, tree, now=NOW))


def test_two_cars_that_want_the_same_hours_share_the_cheapest_and_say_so() -> None:
    situations = {"a": a_situation(), "b": a_situation()}
    plans = decide_group(situations, under(10_000.0, "a", "b"), now=NOW)
    hours = sorted(span for plan in plans.values() for span in spans(plan.blocks))
    assert (hours[0][0], hours[-1][1]) == (6.0, 10.0)
    assert all(a[1] == b[0] for a, b in pairwise(hours))
    moved = [plan for plan in plans.values() if plan.reason.code is ReasonCode.SHARED_LIMIT]
    assert moved
    assert all("where the limit it shares with others leaves room; saves" in plan.reason.text for plan in moved)


def test_a_shortfall_is_shared_in_proportion_to_need_and_said() -> None:
    situations = {"a": a_situation(need_kwh=80.0), "b": a_situation(need_kwh=40.0)}
    plans = decide_group(situations, under(5_000.0, "a", "b"), now=NOW)
    assert [float(plans[key].shortfall_kwh) for key in ("a", "b")] == pytest.approx([40.0, 20.0], abs=0.1)
    assert plans["a"].reason.text.startswith("The limit it shares with others leaves 40.0 of the 80.0 kWh needed")

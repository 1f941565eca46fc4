"""Many sessions under a tree of caps, from their situations to the profiles that are sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

import pytest

from offpeak.planning.captree import CapNode, cap_at, nodes_of
from offpeak.planning.group import decide_group
from offpeak.planning.plan import Plan
from offpeak.planning.profile import ChargingProfile, encode
from offpeak.planning.situation import Situation
from tests.planning.instances_group import NOW, garage

SEEDS = range(200)


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

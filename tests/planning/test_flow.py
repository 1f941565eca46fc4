"""The cheapest flow of many sessions' energy under a tree of caps, against linear programs (docs/planning.md)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from offpeak.planning.flow import share
from tests.planning.instances_group import GroupInstance, small
from tests.planning.oracles import group_optimum, sessions_below

CLOSE = {"rel": 1e-6, "abs": 1e-6}
SEEDS = range(300)


def shared(instance: GroupInstance) -> list[list[float]]:
    return share(instance.prices, instance.rooms, instance.needs, instance.caps, branches=instance.branches)


def cost_of(instance: GroupInstance, drawn: Sequence[Sequence[float]]) -> float:
    return sum(price * energy for row in drawn for price, energy in zip(instance.prices, row, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_it_delivers_the_most_and_costs_what_the_linear_program_costs(seed: int) -> None:
    instance = small(Random(seed))
    drawn = shared(instance)
    energy, cost = group_optimum(instance)
    assert sum(map(sum, drawn)) == pytest.approx(energy, **CLOSE)
    assert cost_of(instance, drawn) == pytest.approx(cost, **CLOSE)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_room_need_or_cap_is_passed(seed: int) -> None:
    instance = small(Random(seed))
    drawn = shared(instance)
    for row, room, need in zip(drawn, instance.rooms, instance.needs, strict=True):
        assert all(-1e-9 <= energy <= most + 1e-9 for energy, most in zip(row, room, strict=True))
        assert sum(row) <= need + 1e-7
    for slot, cap in enumerate(instance.caps):
        assert sum(row[slot] for row in drawn) <= cap + 1e-7
        for place, branch in enumerate(instance.branches):
            assert (
                sum(drawn[each][slot] for each in sessions_below(instance.branches, place)) <= branch.caps[slot] + 1e-7
            )

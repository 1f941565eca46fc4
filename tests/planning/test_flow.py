"""The cheapest flow of many sessions' energy under a tree of caps, against linear programs (docs/planning.md)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from offpeak.planning.bulk import BulkFlow
from offpeak.planning.flow import Branch, Flow, Tier, share, tiers_of
from tests.planning.instances_group import GroupInstance, small
from tests.planning.oracles import group_optimum, sessions_below

CLOSE = {"rel": 1e-6, "abs": 1e-6}
SEEDS = range(200)


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


@pytest.mark.parametrize("seed", SEEDS)
def test_a_column_at_a_time_it_costs_the_same(seed: int) -> None:
    instance = small(Random(seed))
    if not instance.rooms:
        return
    tiers = tiers_of(instance.prices, instance.caps)
    flows = [kind(instance.rooms, instance.caps, instance.branches) for kind in (Flow, BulkFlow)]
    for flow in flows:
        flow.pour(instance.needs, tiers)
    plain, bulk = (flow.drawn() for flow in flows)
    assert sum(map(sum, bulk)) == pytest.approx(sum(map(sum, plain)), **CLOSE)
    assert cost_of(instance, bulk) == pytest.approx(cost_of(instance, plain), **CLOSE)
    assert flows[0].bound(tiers) == flows[1].bound(tiers)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_of_the_sessions_gives_the_same_cost(seed: int) -> None:
    random = Random(seed)
    instance = small(random)
    order = list(range(len(instance.rooms)))
    random.shuffle(order)
    place = {session: new for new, session in enumerate(order)}
    other = replace(
        instance,
        rooms=[instance.rooms[session] for session in order],
        needs=[instance.needs[session] for session in order],
        branches=[replace(each, members=[place[session] for session in each.members]) for each in instance.branches],
    )
    assert cost_of(other, shared(other)) == pytest.approx(cost_of(instance, shared(instance)), **CLOSE)


def test_numpy_is_not_imported_for_a_small_group() -> None:
    code = "import sys, offpeak.planning.group as g; assert 'numpy' not in sys.modules; print(len(sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "layers/offpeak/python"})


@pytest.mark.parametrize("seed", SEEDS)
def test_several_prices_in_one_slot_are_used_the_cheapest_first(seed: int) -> None:
    """As where PV feeds in: the slot is cut into two for the linear program, with the room of a session over both."""
    random = Random(seed)
    instance = small(random)
    tiers, columns = [], []
    for slot, (price, cap) in enumerate(zip(instance.prices, instance.caps, strict=True)):
        sun = round(cap * random.random(), 4)
        for tier_price, energy in ((0.04, sun), (price + 0.05, cap - sun)):
            tiers.append((tier_price, slot, energy))
            columns.append((slot, tier_price, energy))
    flow = Flow(instance.rooms, instance.caps, instance.branches)
    flow.pour(instance.needs, sorted(tiers))
    drawn = flow.drawn()
    totals = [sum(row[slot] for row in drawn) for slot in range(len(instance.prices))]
    energy, cost = group_optimum(instance, tiers=columns)
    assert sum(totals) == pytest.approx(energy, **CLOSE)
    assert sum(_tiered(total, slot, tiers) for slot, total in enumerate(totals)) == pytest.approx(cost, **CLOSE)


def _tiered(total: float, slot: int, tiers: Sequence[Tier]) -> float:
    cost = 0.0
    for price, _, energy in sorted(tier for tier in tiers if tier[1] == slot):
        cost += price * min(total, energy)
        total -= min(total, energy)
    return cost


@pytest.mark.parametrize("seed", SEEDS)
def test_levels_that_are_due_come_first_and_cost_no_more_than_they_must(seed: int) -> None:
    """A source for what is due and one for the rest of a need share the session's room: a branch of their own."""
    random = Random(seed)
    instance = replace(small(random), branches=[])
    tiers = tiers_of(instance.prices, instance.caps)
    rooms, stages, branches, levels = [], [list[float](), list[float]()], [], []
    for session, (room, need) in enumerate(zip(instance.rooms, instance.needs, strict=True)):
        count = random.randint(0, len(room))
        level = need * random.choice((0.0, 0.3, 1.0))
        branches.append(Branch(room, [len(rooms), len(rooms) + 1]))
        rooms += [[*room[:count], *([0.0] * (len(room) - count))], room]
        stages[0] += [level, 0.0]
        stages[1] += [0.0, need - level]
        levels.append((session, count, level))
    flow = Flow(rooms, instance.caps, branches)
    flow.pour(stages[0], tiers)
    if any(flow.left()):
        return
    flow.pour(stages[1], tiers)
    rows = flow.drawn()
    drawn = [[a + b for a, b in zip(*rows[at : at + 2], strict=True)] for at in range(0, len(rows), 2)]
    energy, cost = group_optimum(instance, levels=levels)
    assert sum(map(sum, drawn)) == pytest.approx(energy, **CLOSE)
    assert cost_of(instance, drawn) == pytest.approx(cost, **CLOSE)
    for session, count, level in levels:
        assert sum(drawn[session][:count]) >= level - 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_more_is_drawn_where_that_pays_and_nowhere_else(seed: int) -> None:
    random = Random(seed)
    instance = small(random)
    tiers = tiers_of(instance.prices, instance.caps)
    more = [random.choice((0.0, 2.0)) for _ in instance.needs]
    flow = Flow(instance.rooms, instance.caps, instance.branches)
    flow.pour(instance.needs, tiers)
    if any(flow.left()):
        return
    flow.pour(more, [tier for tier in tiers if tier[0] < 0])
    most = [need + each for need, each in zip(instance.needs, more, strict=True)]
    assert cost_of(instance, flow.drawn()) == pytest.approx(group_optimum(instance, most=most)[1], **CLOSE)

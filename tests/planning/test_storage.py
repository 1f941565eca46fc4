"""Charging and discharging a battery against a linear program (docs/planning.md, 6)."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from offpeak.planning.storage import Battery, store
from tests.planning import instances
from tests.planning.oracles import least_cost_of_storage

IDEAL = Battery(energy=10.0, low=0.0, high=20.0)


def cost_of(problem: dict[str, Any], net: list[float]) -> float:
    wear = problem["battery"].wear
    return sum(price * energy + wear * max(0.0, -energy) for price, energy in zip(problem["prices"], net, strict=True))


def held_after(battery: Battery, net: list[float]) -> list[float]:
    held = [battery.energy]
    for energy in net:
        inside = energy * battery.charging_efficiency if energy > 0 else energy / battery.discharging_efficiency
        held.append(held[-1] + inside)
    return held[1:]


def test_it_costs_what_the_linear_program_costs_also_where_the_target_is_out_of_reach() -> None:
    for seed in range(300):
        problem = instances.storage(Random(seed))
        cost = cost_of(problem, store(**problem))
        assert cost == pytest.approx(least_cost_of_storage(**problem), rel=1e-6, abs=1e-6), seed


def test_the_battery_stays_within_its_bounds_and_meets_what_is_due_as_far_as_it_can() -> None:
    for seed in range(1000):
        problem = instances.storage(Random(seed))
        battery, due = problem["battery"], dict(problem["levels"])
        net = store(**problem)
        most = battery.energy
        for t, held in enumerate(held_after(battery, net)):
            most = min(max(battery.high, battery.energy), most + problem["takes"][t] * battery.charging_efficiency)
            assert held <= max(battery.high, battery.energy) + 1e-9, seed
            assert held >= min(most, max(battery.low, due.get(t + 1, 0.0))) - 1e-9, seed
            assert -problem["gives"][t] - 1e-9 <= net[t] <= problem["takes"][t] + 1e-9, seed
        assert held_after(battery, net)[-1] >= min(most, problem["target"]) - 1e-9, seed


def test_without_discharging_it_is_the_cheapest_energy() -> None:
    assert store([0.3, 0.1, 0.2], [2.0] * 3, [0.0] * 3, IDEAL, 13.0) == [0.0, 2.0, 1.0]


def test_dear_energy_is_given_and_cheap_energy_taken_when_that_pays_for_losses_and_wear() -> None:
    lossy = IDEAL._replace(charging_efficiency=0.9, discharging_efficiency=0.9)
    assert store([0.4, 0.1], [5.0, 5.0], [3.6, 3.6], lossy, 10.0) == pytest.approx([-3.6, 4 / 0.9])
    assert store([0.12, 0.1], [5.0, 5.0], [3.6, 3.6], lossy, 10.0) == [0.0, 0.0]
    worn = store([0.4, 0.1], [5.0, 5.0], [3.6, 3.6], IDEAL._replace(wear=0.31), 10.0)
    assert worn == pytest.approx([0.0, 0.0], abs=1e-9)


def test_what_is_held_beyond_the_target_is_sold_where_it_sells_best() -> None:
    assert store([0.25, 0.4, 0.2], [0.0] * 3, [2.0] * 3, IDEAL, 7.0) == [-1.0, -2.0, 0.0]


def test_a_battery_below_its_lowest_level_is_filled_at_once_whatever_the_price() -> None:
    low = Battery(energy=1.0, low=4.0, high=20.0)
    assert store([0.9, 0.1, 0.1], [2.0] * 3, [2.0] * 3, low, 4.0) == [2.0, 1.0, 0.0]


def test_nothing_is_given_where_wasting_energy_would_pay() -> None:
    lossy = Battery(energy=20.0, low=0.0, high=20.0, charging_efficiency=0.8, discharging_efficiency=0.8)
    assert store([-0.1, -0.5], [2.0] * 2, [2.0] * 2, lossy, 0.0) == [0.0, 0.0]


def test_a_full_battery_that_is_paid_to_take_makes_room_before() -> None:
    assert store([0.1, -0.5], [2.0] * 2, [2.0] * 2, IDEAL._replace(energy=20.0), 20.0) == [-2.0, 2.0]


def test_equal_prices_take_early_and_give_late() -> None:
    assert store([0.1, 0.1, 0.1], [2.0] * 3, [0.0] * 3, IDEAL, 13.0) == [2.0, 1.0, 0.0]
    assert store([0.3, 0.3, 0.3], [0.0] * 3, [2.0] * 3, IDEAL, 7.0) == [0.0, -1.0, -2.0]


def test_nothing_to_plan_is_an_empty_plan() -> None:
    assert store([], [], [], IDEAL, 5.0) == []

"""A least power in every slot that is used, against a mixed-integer program (docs/planning.md, 4)."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from offpeak.planning.floor import at_least
from tests.planning import instances
from tests.planning.oracles import least_cost_with_floor


def cost_of(problem: dict[str, Any], drawn: list[float]) -> float:
    return sum(price * energy for price, energy in zip(problem["prices"], drawn, strict=True))


def assert_it_fits(problem: dict[str, Any], drawn: list[float]) -> None:
    slots = zip(drawn, problem["least"], problem["room"], strict=True)
    assert all(energy == 0 or low - 1e-9 <= energy <= high + 1e-9 for energy, low, high in slots)
    for count, level in (*problem.get("milestones", ()), (len(drawn), problem["need"])):
        assert sum(drawn[:count]) >= min(level, sum(problem["room"][:count])) - 1e-6


def test_no_other_way_to_use_the_slots_costs_less() -> None:
    for seed in range(120):
        problem = instances.floor(Random(seed))
        drawn = at_least(**problem)
        assert_it_fits(problem, drawn)
        assert cost_of(problem, drawn) == pytest.approx(least_cost_with_floor(**problem), rel=1e-6, abs=1e-6), seed


def test_under_caps_and_with_levels_it_is_near_the_best() -> None:
    """Not exact (docs/planning.md, 4): all together cost half a percent more than the best, at most."""
    cost = least = 0.0
    for seed in range(100):
        problem = instances.uneven_floor(Random(seed))
        drawn = at_least(**problem)
        assert_it_fits(problem, drawn)
        cost += cost_of(problem, drawn)
        least += least_cost_with_floor(**problem)
    assert least - 1e-6 <= cost <= 1.005 * least


def test_as_many_slots_as_it_takes_are_used_and_the_cheapest_give_most() -> None:
    drawn = at_least([0.4, 0.1, 0.3, 0.2], [1.0] * 4, [2.75] * 4, 6.0)
    assert drawn == pytest.approx([0.0, 2.75, 1.0, 2.25])


def test_less_than_the_least_of_a_slot_is_the_least_of_the_cheapest() -> None:
    assert at_least([0.4, 0.1, 0.3], [1.0] * 3, [2.75] * 3, 0.5) == [0.0, 1.0, 0.0]


def test_a_short_slot_is_left_out_where_it_is_not_needed() -> None:
    assert at_least([0.1, 0.2, 0.2], [0.1, 1.0, 1.0], [0.3, 2.75, 2.75], 2.75) == pytest.approx([0.3, 2.45, 0.0])
    assert at_least([0.3, 0.2, 0.2], [0.1, 1.0, 1.0], [0.3, 2.75, 2.75], 2.75) == pytest.approx([0.0, 2.75, 0.0])


def test_prices_below_zero_are_used_beyond_the_need() -> None:
    drawn = at_least([0.1, -0.2, -0.1], [1.0] * 3, [2.75] * 3, 1.0, most=4.0)
    assert drawn == pytest.approx([0.0, 2.75, 1.25])


def test_nothing_is_needed_and_nothing_is_drawn() -> None:
    assert at_least([0.1, 0.2], [1.0] * 2, [2.75] * 2, 0.0) == [0.0, 0.0]
    assert at_least([], [], [], 5.0) == []

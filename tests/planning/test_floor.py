"""A least power in every slot that is used, against a mixed-integer program (docs/planning.md, 4)."""

from __future__ import annotations

from collections.abc import Callable
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


@pytest.mark.parametrize("kind", [instances.floor, instances.uneven_floor])
def test_no_other_way_to_use_the_slots_costs_less(kind: Callable[[Random], dict[str, Any]]) -> None:
    for seed in range(120):
        problem = kind(Random(seed))
        drawn = at_least(**problem)
        assert_it_fits(problem, drawn)
        assert cost_of(problem, drawn) == pytest.approx(least_cost_with_floor(**problem), rel=1e-6, abs=1e-6), seed


def test_no_other_way_that_a_battery_takes_earns_more() -> None:
    """Nobody is paid for what is beyond that, and no more is than the minimums make it."""
    for seed in range(200):
        problem = instances.paid_floor(Random(seed))
        drawn = at_least(**problem)
        assert_it_fits(problem, drawn)
        fits = max(problem["most"], min(problem["need"], sum(problem["room"])))
        beyond = max(0.0, sum(drawn) - fits)
        assert beyond <= max(problem["least"])
        unpaid = beyond * min((price for price, each in zip(problem["prices"], drawn, strict=True) if each), default=0)
        cost, least = cost_of(problem, drawn), least_cost_with_floor(**{**problem, "most": fits})
        assert cost - min(0.0, unpaid) <= least + 1e-6
        assert beyond > 1e-6 or min(problem["prices"]) >= 0 or cost >= least - 1e-6


def test_a_night_of_unlike_slots_is_exact_too() -> None:
    """Ninety-six quarter-hours under changing caps: few ways need to be looked at."""
    for seed in range(12):
        random = Random(seed)
        kw = [random.choice([11.04, 11.04, 9.0, 7.0, 6.0, 4.5, 0.0]) for _ in range(96)]
        problem = {
            "prices": [random.uniform(0.0, 0.6) for _ in kw],
            "least": [1.035 if power else 0.0 for power in kw],
            "room": [power / 4 for power in kw],
            "need": random.uniform(5.0, 60.0),
            "milestones": [(30, 5.0 * random.random()), (60, 20.0 * random.random())],
        }
        drawn = at_least(**problem)
        assert_it_fits(problem, drawn)
        assert cost_of(problem, drawn) == pytest.approx(least_cost_with_floor(**problem), rel=1e-6), seed


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

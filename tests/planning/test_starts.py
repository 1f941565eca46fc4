"""The dynamic program over starts against programs that look at everything (docs/planning.md, 4 and 5)."""

from __future__ import annotations

from math import inf
from random import Random
from typing import Any

import pytest

from offpeak.planning.starts import Level, count_starts, fewer_starts
from tests.planning import instances
from tests.planning.oracles import least_cost_by_steps, least_cost_with_starts, starts_in

MANY_STARTS = 9
"""More than there are slots: `starts` is a bound, and says nothing of the answer."""


def cost_of(problem: dict[str, Any], drawn: list[int]) -> float:
    starts = starts_in(problem["units"], drawn, is_on=problem["is_on"])
    return sum(price * part for price, part in zip(problem["prices"], drawn, strict=True)) + (
        problem["start_cost"] * starts
    )


def assert_it_fits(problem: dict[str, Any], drawn: list[int]) -> None:
    assert all(0 <= part <= held for part, held in zip(drawn, problem["units"], strict=True))
    assert problem["need"] <= sum(drawn) <= problem["most"]
    assert all(sum(drawn[:slots]) >= level for slots, level in problem["levels"])


def test_no_other_way_to_fill_the_slots_costs_less() -> None:
    for seed in range(120):
        problem = instances.starts(Random(seed))
        drawn = fewer_starts(**problem, starts=MANY_STARTS)
        assert drawn is not None
        assert_it_fits(problem, drawn)
        assert cost_of(problem, drawn) == pytest.approx(least_cost_with_starts(**problem), rel=1e-6, abs=1e-6), seed


def test_no_other_way_to_run_long_enough_costs_less() -> None:
    for seed in range(600):
        problem = instances.minimum_runs(Random(seed))
        drawn = fewer_starts(**problem, starts=MANY_STARTS)
        if drawn is None:
            assert least_cost_by_steps(**problem) == inf, seed
            continue
        assert_it_fits(problem, drawn)
        assert cost_of(problem, drawn) == pytest.approx(least_cost_by_steps(**problem), rel=1e-6, abs=1e-6), seed


def test_where_powers_differ_a_minimum_run_is_kept_at_a_small_loss() -> None:
    """Not exact (docs/planning.md, 5): nine plans of ten and more are the best, and all together lose 2 %."""
    costs, losses = 0.0, []
    for seed in range(400):
        problem = instances.uneven_minimum_runs(Random(seed))
        least = least_cost_by_steps(**problem)
        drawn = fewer_starts(**problem, starts=MANY_STARTS)
        if drawn is not None and least < inf:
            assert_it_fits(problem, drawn)
            losses.append(cost_of(problem, drawn) - least)
            costs += abs(least)
    assert len(losses) > 300
    assert sum(loss > 1e-6 for loss in losses) <= 0.1 * len(losses)
    assert sum(losses) <= 0.02 * costs


def quarters(costs: list[float], seconds: int, start_cost: float, **more: Any) -> list[int] | None:
    """Quarter-hours of one power, priced by the quarter-hour."""
    return fewer_starts(
        [cost / 900 for cost in costs], [900] * len(costs), [900] * len(costs), seconds, start_cost, 2, **more
    )


def test_a_short_dear_pause_is_charged_through() -> None:
    assert quarters([0.1, 0.12, 0.1, 0.5], 1800, 0.05, is_on=False) == [900, 900, 0, 0]


def test_a_pause_that_saves_more_than_a_start_is_kept() -> None:
    assert quarters([0.1, 0.4, 0.1, 0.5], 1800, 0.05, is_on=False) == [900, 0, 900, 0]


def test_an_earlier_slot_gives_way_to_an_equal_one_beside_a_cheap_one() -> None:
    assert quarters([0.3, 0.3, 0.12], 1800, 0.02, is_on=False) == [0, 900, 900]


def test_a_car_that_is_charging_goes_on_rather_than_start_again() -> None:
    assert quarters([0.12, 0.1], 900, 0.05, is_on=True) == [900, 0]
    assert quarters([0.12, 0.1], 900, 0.05, is_on=False) == [0, 900]


def test_equal_ways_begin_early() -> None:
    assert quarters([0.3, 0.1, 0.1, 0.1], 1200, 0.05, is_on=False) == [0, 900, 300, 0]


def test_what_is_due_earlier_is_charged_earlier_in_one_run_where_a_start_is_dear() -> None:
    due = [Level(2, 900)]
    assert quarters([0.4, 0.3, 0.3, 0.1], 1800, 0.01, is_on=False, levels=due) == [0, 900, 0, 900]
    assert quarters([0.4, 0.3, 0.3, 0.1], 1800, 0.50, is_on=False, levels=due) == [0, 900, 900, 0]


def test_a_start_is_not_paid_for_a_little_gained_beyond_the_need() -> None:
    assert quarters([-0.3, 0.2, -0.01], 900, 0.05, is_on=False, most=2700) == [900, 0, 0]
    assert quarters([-0.3, 0.2, -0.10], 900, 0.05, is_on=False, most=2700) == [900, 0, 900]


def test_a_run_is_not_shorter_than_it_has_to_be() -> None:
    assert quarters([0.2, 0.4, 0.1, 0.1], 2700, 0.0, is_on=False, minimum_run_s=1800) == [0, 900, 900, 900]
    assert quarters([0.1, 0.4, 0.1], 900, 0.0, is_on=False, minimum_run_s=1800) is None


def test_a_run_that_goes_on_is_no_start() -> None:
    assert count_starts([(0, 900), (1800, 2700)], is_on=True) == 1
    assert count_starts([(0, 900), (1800, 2700)], is_on=False) == 2

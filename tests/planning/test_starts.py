"""The dynamic program over starts against trying everything (docs/planning.md, 4 and 5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.planning.cheapest import cheapest
from offpeak.planning.starts import count_starts, fewer_starts
from tests.planning.oracles import cost_with_starts, least_cost_with_starts


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    """Up to seven slots, cut short at both ends."""
    count = draw(st.integers(1, 7))
    lengths = [draw(st.integers(1, 900)), *[900] * count, draw(st.sampled_from([300, 900]))][-count:]
    costs = [draw(st.one_of(st.just(0.2), st.floats(-0.3, 1.0))) for _ in lengths]
    return {
        "costs": costs,
        "lengths_s": lengths,
        "seconds": draw(st.integers(1, sum(lengths))),
        "start_cost": draw(st.sampled_from([0.0, 0.01, 0.1, 0.5])),
        "is_on": draw(st.booleans()),
    }


def starts_of_the_cheapest(problem: dict[str, Any]) -> int:
    """How often the cheapest way starts, when a start costs nothing."""
    costs, lengths = problem["costs"], problem["lengths_s"]
    prices = [cost / length for cost, length in zip(costs, lengths, strict=True)]
    way = [round(part) for part in cheapest(prices, lengths, problem["seconds"])]
    return round(cost_with_starts([0.0] * len(costs), lengths, way, 1.0, is_on=problem["is_on"]))


@given(problems())
def test_no_other_way_to_fill_the_slots_costs_less(problem: dict[str, Any]) -> None:
    seconds = fewer_starts(**problem, starts=starts_of_the_cheapest(problem))
    assert sum(seconds) == problem["seconds"]
    assert all(0 <= part <= length for part, length in zip(seconds, problem["lengths_s"], strict=True))
    rest = {name: problem[name] for name in ("start_cost", "is_on")}
    cost = cost_with_starts(problem["costs"], problem["lengths_s"], seconds, **rest)
    assert cost == pytest.approx(least_cost_with_starts(**problem), abs=1e-7)


def test_a_short_dear_pause_is_charged_through() -> None:
    assert fewer_starts([0.1, 0.12, 0.1, 0.5], [900] * 4, 1800, 0.05, 2, is_on=False) == [900, 900, 0, 0]


def test_a_pause_that_saves_more_than_a_start_is_kept() -> None:
    assert fewer_starts([0.1, 0.4, 0.1, 0.5], [900] * 4, 1800, 0.05, 2, is_on=False) == [900, 0, 900, 0]


def test_an_earlier_slot_gives_way_to_an_equal_one_beside_a_cheap_one() -> None:
    assert fewer_starts([0.3, 0.3, 0.12], [900] * 3, 1800, 0.02, 2, is_on=False) == [0, 900, 900]


def test_a_car_that_is_charging_goes_on_rather_than_start_again() -> None:
    assert fewer_starts([0.12, 0.1], [900, 900], 900, 0.05, 1, is_on=True) == [900, 0]
    assert fewer_starts([0.12, 0.1], [900, 900], 900, 0.05, 1, is_on=False) == [0, 900]


def test_equal_ways_begin_early() -> None:
    assert fewer_starts([0.3, 0.1, 0.1, 0.1], [900] * 4, 1200, 0.05, 1, is_on=False) == [0, 900, 300, 0]


def test_a_run_that_goes_on_is_no_start() -> None:
    assert count_starts([(0, 900), (1800, 2700)], is_on=True) == 1
    assert count_starts([(0, 900), (1800, 2700)], is_on=False) == 2

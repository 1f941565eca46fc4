"""Power at every second: no cap is passed, no car is below its floor, and little is lost by it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from offpeak.planning.facts import spans_of
from offpeak.planning.rotate import Car, Timeline
from tests.planning.turns import FLOOR_W, MOST_W, STEP_W, by_planner, by_program, plans_for, tight


def three_phase(slots: int = 1) -> Car:
    return Car(FLOOR_W, [MOST_W] * slots, STEP_W, MOST_W, (0,))


def filled(cap_w: float, *kwh: float) -> tuple[Timeline, list[float]]:
    """A quarter-hour under a cap, and what did not fit."""
    timeline = Timeline([0, 900], [[cap_w]], [three_phase() for _ in kwh])
    return timeline, timeline.fill([[each] for each in kwh])


def test_weak_cars_take_turns_and_all_of_it_fits() -> None:
    """Five cars of 2.2 kW on average, where all of them have 11.04 kW together."""
    timeline, left = filled(11_040.0, *[0.55] * 5)
    assert sum(left) == pytest.approx(0.0, abs=0.01)
    assert [len(row) for row in timeline.stretches()] == [1] * 5


def test_lanes_wrap_around_where_a_car_cannot_use_all_that_is_spare() -> None:
    """16.56 kW is one and a half cars: two lanes of 8.28 kW hold three cars of two thirds of a quarter-hour each."""
    timeline, left = filled(16_560.0, 1.38, 1.38, 1.38)
    assert sum(left) == pytest.approx(0.0, abs=0.02)
    assert all(power >= FLOOR_W for row in timeline.stretches() for _, _, power in row)


def test_a_strong_car_makes_way_where_a_weak_one_could_not_run_beside_it() -> None:
    _, left = filled(11_040.0, 2.56, 0.2)
    assert sum(left) == pytest.approx(0.0, abs=0.02)


def test_below_its_floor_no_car_runs_and_that_is_said() -> None:
    timeline, left = filled(4_000.0, 0.5, 0.5)
    assert timeline.stretches() == [[], []]
    assert left == [0.5, 0.5]


def test_a_car_that_goes_on_in_the_next_slot_comes_last() -> None:
    timeline = Timeline([0, 900, 1800], [[11_040.0] * 2], [three_phase(2), three_phase(2)])
    timeline.fill([[0.92, 2.76], [0.92, 0.0]])
    assert timeline.stretches() == [[(600, 1800, MOST_W)], [(0, 300, MOST_W)]]


def test_a_car_whose_energy_is_due_at_once_does_not_wait_to_go_on_into_the_next_slot() -> None:
    timeline = Timeline([0, 900, 1800], [[11_040.0] * 2], [three_phase(2), three_phase(2)])
    timeline.fill([[0.92, 2.76], [0.92, 0.0]], at_once=[0.92, 0.0])
    assert timeline.stretches()[0] == [(0, 300, MOST_W), (900, 1800, MOST_W)]


def test_a_car_that_was_on_before_and_goes_on_after_its_turn_pauses_once() -> None:
    timeline = Timeline([0, 900, 1800, 2700], [[11_040.0, 6_624.0, 11_040.0]], [three_phase(3), three_phase(3)])
    timeline.fill([[0.0, 0.91, 0.0], [2.76, 0.38, 2.76]])
    assert timeline.stretches() == [
        [(900, 1395, 6_624.0)],
        [(0, 900, MOST_W), (1593, 1800, 6_624.0), (1800, 2700, MOST_W)],
    ]


def test_a_board_holds_at_every_second_though_its_connection_has_more() -> None:
    cars = [Car(FLOOR_W, [MOST_W], STEP_W, MOST_W, path) for path in ((1, 0), (1, 0), (0,))]
    timeline = Timeline([0, 900], [[30_000.0], [12_000.0]], cars)
    left = timeline.fill([[1.5], [1.5], [2.7]])
    assert sum(left) == pytest.approx(0.0, abs=0.05)
    first, second, _ = timeline.stretches()
    for at in range(900):
        on = [power for begin, end, power in (*first, *second) if begin <= at < end]
        assert sum(on) <= 12_000.0


def test_turns_lose_little_against_a_mixed_integer_program() -> None:
    """In energy, what is missing of it, and starts. A shortfall is shared, which the program has no reason to do: it
    lets a car go without, and saves its start."""
    for fits_all, most_starts in ((True, 1.15), (False, 1.4)):
        pairs = [
            (ours, by_program(group))
            for group in map(tight, range(16))
            if (ours := by_planner(group)).fits_all is fits_all
        ]
        assert len(pairs) > 5
        ours_eur, theirs_eur = (sum(each.eur for each in way) for way in zip(*pairs, strict=True))
        our_starts, their_starts = (sum(each.starts for each in way) for way in zip(*pairs, strict=True))
        assert ours_eur <= 1.03 * theirs_eur, (ours_eur, theirs_eur)
        assert our_starts <= most_starts * their_starts, (our_starts, their_starts)


def test_what_rounding_costs_is_worth_no_start_of_its_own() -> None:
    """Three cars fill a slot but for a few Wh that steps of 69 W leave over."""
    for seed in range(30):
        plans = plans_for(tight(seed))
        assert all(end - start > timedelta(seconds=5) for plan in plans.values() for start, end in spans_of(plan))


def test_grants_of_one_car_never_overlap() -> None:
    random = Random(3)
    cars = [Car(FLOOR_W, [MOST_W] * 6, STEP_W, MOST_W, (0,)) for _ in range(7)]
    timeline = Timeline([0, 900, 1800, 2700, 3600, 4500, 5400], [[20_000.0] * 6], cars)
    timeline.fill([[random.uniform(0.0, 1.5) for _ in range(6)] for _ in cars])
    for row in timeline.stretches():
        assert all(a[1] <= b[0] for a, b in pairwise(row))

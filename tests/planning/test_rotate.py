"""Power at every second: no cap is passed, no car is below its floor, and little is lost by it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from offpeak.planning.captree import CapNode, CapStep
from offpeak.planning.group import decide_group
from offpeak.planning.rotate import Car, Timeline
from offpeak.planning.situation import PricedSlot, Situation
from tests.planning.builders import NOW, QUARTER, RESTLESS
from tests.planning.oracles import turns_optimum

FLOOR_W, MOST_W, STEP_W = 4_140.0, 11_040.0, 69.0
MISSING_EUR = 2.0
PARTS = 3


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


def test_a_board_holds_at_every_second_though_its_connection_has_more() -> None:
    cars = [Car(FLOOR_W, [MOST_W], STEP_W, MOST_W, path) for path in ((1, 0), (1, 0), (0,))]
    timeline = Timeline([0, 900], [[30_000.0], [12_000.0]], cars)
    left = timeline.fill([[1.5], [1.5], [2.7]])
    assert sum(left) == pytest.approx(0.0, abs=0.05)
    first, second, _ = timeline.stretches()
    for at in range(900):
        on = [power for begin, end, power in (*first, *second) if begin <= at < end]
        assert sum(on) <= 12_000.0


def tight(random: Random) -> tuple[dict[str, Situation], list[float], list[int]]:
    """A few cars under a cap of half a car to two and a half."""
    quarters = random.randint(3, 5)
    slots = tuple(
        PricedSlot(NOW + t * QUARTER, NOW + (t + 1) * QUARTER, round(random.uniform(0.05, 0.5), 3))
        for t in range(quarters)
    )
    caps = [random.choice((0.4, 0.6, 1.0, 1.3, 1.7, 2.4)) * MOST_W for _ in range(quarters)]
    leaves = [random.randint(1, quarters) for _ in range(random.randint(2, 4))]
    situations = {
        f"car-{number}": Situation(
            now=NOW,
            slots=slots,
            need_kwh=round(random.uniform(0.1, 0.8) * 2.76 * stays, 2),
            departure_at=NOW + stays * QUARTER,
            max_power_w=MOST_W,
            min_power_w=FLOOR_W,
            limit_step_w=STEP_W,
            calm=RESTLESS,
        )
        for number, stays in enumerate(leaves)
    }
    return situations, caps, leaves


def test_turns_lose_little_against_a_mixed_integer_program() -> None:
    """Cost, and 2 EUR for each kWh that is missing; the program may change power every five minutes."""
    ours = theirs = 0.0
    for seed in range(25):
        situations, caps, leaves = tight(Random(seed))
        steps = tuple(CapStep(NOW + t * QUARTER, cap) for t, cap in enumerate(caps))
        plans = decide_group(situations, CapNode("connection", steps, members=tuple(situations)), now=NOW)
        cars = list(situations.values())
        for key, situation in situations.items():
            drawn = sum(
                float(block.power_w) * (block.end_at - block.start_at) / timedelta(hours=1) / 1000
                for block in plans[key].blocks
            )
            ours += float(plans[key].cost_eur) + MISSING_EUR * max(0.0, situation.need_kwh - drawn)
        theirs += turns_optimum(
            [slot.eur_per_kwh for slot in cars[0].slots for _ in range(PARTS)],
            [each.need_kwh for each in cars],
            [stays * PARTS for stays in leaves],
            [cap for cap in caps for _ in range(PARTS)],
            [FLOOR_W] * len(cars),
            [MOST_W] * len(cars),
            slot_h=0.25 / PARTS,
            missing_eur=MISSING_EUR,
        )
    assert ours <= 1.03 * theirs, (ours, theirs)


def test_grants_of_one_car_never_overlap() -> None:
    random = Random(3)
    cars = [Car(FLOOR_W, [MOST_W] * 6, STEP_W, MOST_W, (0,)) for _ in range(7)]
    timeline = Timeline([0, 900, 1800, 2700, 3600, 4500, 5400], [[20_000.0] * 6], cars)
    timeline.fill([[random.uniform(0.0, 1.5) for _ in range(6)] for _ in cars])
    for row in timeline.stretches():
        assert all(a[1] <= b[0] for a, b in pairwise(row))

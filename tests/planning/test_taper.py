"""Charging a car nearly full, against trying everything (docs/planning.md, 7)."""

from __future__ import annotations

from random import Random

import pytest

from offpeak.planning.taper import Curve, tapered
from tests.planning import instances
from tests.planning.oracles import cost_tapered, least_cost_tapered

CURVE = Curve(power_kw=10.0, knee=5.0, full=10.0, end_kw=2.0)


def test_no_other_choice_of_slots_costs_less() -> None:
    for seed in range(300):
        problem = instances.taper(Random(seed))
        way = tapered(**problem)
        assert sum(way) == problem["seconds"]
        assert all(0 <= part <= length for part, length in zip(way, problem["lengths_s"], strict=True))
        rest = {name: problem[name] for name in ("drawn_after", "start_cost", "is_on")}
        cost = cost_tapered(problem["prices"], problem["lengths_s"], way, **rest)
        assert cost == pytest.approx(least_cost_tapered(**problem), rel=1e-6, abs=1e-9), seed


@pytest.mark.parametrize(
    "curve", [CURVE, CURVE._replace(knee=-3.0), CURVE._replace(knee=12.0), CURVE._replace(end_kw=10.0)]
)
def test_the_energy_of_so_much_time_is_what_small_steps_add_up_to(curve: Curve) -> None:
    drawn, step_s = 0.0, 0.5
    for n in range(1, 2 * 7200):
        share = max(0.0, drawn - curve.knee) / (curve.full - curve.knee) if curve.full > curve.knee else 0.0
        drawn = min(curve.full, drawn + (curve.power_kw - share * (curve.power_kw - curve.end_kw)) * step_s / 3600)
        if n % 1200 == 0:
            assert curve.drawn_after(n * step_s) == pytest.approx(drawn, abs=0.01)
    for energy in (0.0, 2.0, 5.0, 7.5, 9.9):
        assert curve.drawn_after(curve.seconds_for(energy)) == pytest.approx(energy)


def test_more_than_full_takes_for_ever() -> None:
    assert CURVE.seconds_for(10.1) == float("inf")


def test_the_late_kwh_get_more_time() -> None:
    """Nine kWh would take 54 minutes at full power."""
    assert 66 * 60 < CURVE.seconds_for(9.0) < 90 * 60


def test_the_dear_slot_comes_when_it_holds_least() -> None:
    curve = Curve(power_kw=4.0, knee=1.0, full=2.0, end_kw=0.4)
    way = tapered([0.3, 0.1, 0.1, 0.31], [900] * 4, 2700, curve.drawn_after)
    assert way == [0, 900, 900, 900], "its third quarter of an hour holds so little that a dear one does"

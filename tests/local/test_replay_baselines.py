"""Other ways to charge: by hand, against trying everything, and against a linear program."""

from __future__ import annotations

from itertools import pairwise

import highspy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.replay.baselines import at_once, best_block, best_hours, optimum
from local.replay.market import Market
from local.replay.stay import Stay
from tests.local.replay_scene import a_stay, prices_of, varied_prices

MARKET = Market(varied_prices(days=2))
HOUR_OF_PRICES = Market(prices_of(*[100] * 4, 40, 80, 200, 40, *[90] * 4))


def test_at_once_pays_the_prices_after_plug_in() -> None:
    assert at_once(a_stay(30, 120), HOUR_OF_PRICES) == pytest.approx(2.76 * (0.1 + 0.1 + 0.04 + 0.08))


def test_the_best_block_is_one_piece_wherever_it_is_cheapest() -> None:
    assert best_block(a_stay(0, 180, 5.52), HOUR_OF_PRICES) == pytest.approx(2.76 * (0.04 + 0.08))
    assert best_block(a_stay(0, 180, 4.14), HOUR_OF_PRICES) == pytest.approx(2.76 * (0.04 + 0.04))


def test_an_hourly_planner_sees_the_mean_of_each_hour_only() -> None:
    hours = Market(prices_of(*[80] * 4, 40, 80, 20, 220, *[95] * 4))
    assert best_hours(a_stay(0, 180, 5.52), hours) == pytest.approx(5.52 * 0.08)
    assert best_hours(a_stay(0, 180, 13.8), hours) == pytest.approx(11.04 * 0.08 + 2.76 * 0.04)


def test_the_optimum_takes_the_cheapest_quarter_hours_of_all() -> None:
    assert optimum(a_stay(0, 180, 8.28), HOUR_OF_PRICES) == pytest.approx(2.76 * (0.04 + 0.04 + 0.08))


stays = st.builds(
    lambda start, lasts, share: a_stay(start, lasts, max(0.5, share * lasts / 60 * 11.04)),
    st.integers(0, 1440),
    st.integers(15, 1400),
    st.floats(0.01, 1.0),
)


@given(stays)
def test_no_way_to_charge_costs_less_than_the_optimum_nor_more_than_the_best_of_its_kind(stay: Stay) -> None:
    least = optimum(stay, MARKET)
    assert least <= best_block(stay, MARKET) + 1e-9
    assert least <= best_hours(stay, MARKET) + 1e-9
    assert best_block(stay, MARKET) <= at_once(stay, MARKET) + 1e-9


@settings(max_examples=20)
@given(stays)
def test_no_block_of_any_minute_costs_less_than_the_best_one(stay: Stay) -> None:
    spare_min = (stay.leaves_at - stay.arrives_at).total_seconds() / 60 - stay.hours_needed * 60
    best = best_block(stay, MARKET)
    for minute in range(0, int(spare_min) + 1, 3):
        late = a_stay((stay.arrives_at - a_stay().arrives_at).total_seconds() / 60 + minute, 1400, stay.kwh)
        assert best <= at_once(late, MARKET) + 1e-9


@settings(max_examples=50)
@given(stays)
def test_the_optimum_is_that_of_a_linear_program(stay: Stay) -> None:
    edges, prices = MARKET.cut(stay.arrives_at, stay.leaves_at)
    room = [11.04 * (end - start).total_seconds() / 3600 for start, end in pairwise(edges)]
    solver = highspy.Highs()
    solver.silent()
    drawn = [solver.addVariable(lb=0.0, ub=each, obj=price) for each, price in zip(room, prices, strict=True)]
    solver.addConstr(sum(drawn[1:], drawn[0]) == min(stay.kwh, sum(room)))
    solver.minimize()
    assert optimum(stay, MARKET) == pytest.approx(solver.getObjectiveValue(), rel=1e-6, abs=1e-9)

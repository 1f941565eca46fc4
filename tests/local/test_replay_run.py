"""Rolling operation: deterministic, never ahead of its time, and as good as what it may know."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.replay.managed import ManagedSession, Needs, Rules, instants
from local.replay.market import Market, published_until
from local.replay.run import Played, play, play_all
from local.replay.stay import Stay
from offpeak.planning.decide import decide
from offpeak.planning.plan import Plan
from offpeak.planning.situation import Calm
from tests.local.replay_scene import START, a_stay, prices_of, varied_prices
from tests.local.test_replay_market import changed_from

RESTLESS = Rules(calm=Calm(start_eur=0, threshold_eur=0, threshold_share=0, energy_kwh=0, drift_share=0))
MINUTE = timedelta(minutes=1)


def some_stays(count: int) -> list[Stay]:
    random = Random(1)
    found = []
    for number in range(count):
        lasts_min = random.randint(20, 1200)
        kwh = random.uniform(0.05, 0.8) * lasts_min / 60 * 11.04
        found.append(replace(a_stay(random.randint(0, 1600), lasts_min, kwh), session_id=str(number)))
    return found


def test_messages_come_every_five_minutes_and_the_clock_ticks_every_quarter_hour() -> None:
    told = [(at - START, message, tick) for at, message, tick in instants(a_stay(7, 20))]
    assert told == [
        (7 * MINUTE, True, False),
        (12 * MINUTE, True, False),
        (15 * MINUTE, False, True),
        (17 * MINUTE, True, False),
        (22 * MINUTE, True, False),
    ]


@pytest.mark.parametrize("seed", range(8))
def test_with_all_prices_known_and_no_rest_wanted_it_costs_what_the_optimum_costs(seed: int) -> None:
    market = Market(varied_prices(days=2, seed=seed))
    random = Random(seed)
    # Messages come with the clock: of energy that it has not heard of, no planner can know.
    lasts_min = random.randint(30, 20 * 60)
    stay = a_stay(15 * random.randint(0, 12), lasts_min, random.uniform(0.05, 0.9) * lasts_min / 60 * 11.04)
    assert stay.leaves_at <= published_until(stay.arrives_at)
    played = play(stay, market, RESTLESS)
    assert played.missing_kwh == pytest.approx(0, abs=1e-9)
    # Profiles are told in whole seconds: a slot that is partly used may lose one to the next best.
    assert played.cost_eur == pytest.approx(played.baselines.optimum, abs=0.001)


def test_with_need_and_departure_told_no_car_leaves_with_less_by_production_s_rules() -> None:
    market = Market(varied_prices(days=3))
    random = Random(5)
    for _ in range(15):
        lasts_min = random.randint(120, 900)
        stay = a_stay(random.randint(0, 600), lasts_min, random.uniform(0.1, 0.7) * lasts_min / 60 * 11.04)
        assert play(stay, market, Rules()).missing_kwh == pytest.approx(0, abs=0.001)


def test_a_night_by_hand() -> None:
    night = Market(prices_of(*[300] * 8, *[50] * 4, *[200] * 8, *[60] * 4))
    played = play(a_stay(0, 360, 11.04), night, Rules())
    assert played.cost_eur == pytest.approx(11.04 * 0.05)
    assert (played.starts, played.missing_kwh) == (1, 0.0)
    assert played.baselines.at_once == pytest.approx(11.04 * 0.3)


def test_the_same_stays_come_to_the_same_on_any_number_of_processes() -> None:
    prices, stays = varied_prices(days=4), some_stays(3)
    first = list(play_all(stays, stays, prices, Rules(), 1))
    assert list(play_all(stays, stays, prices, Rules(), 2)) == first


def test_who_stays_beyond_an_assumed_departure_is_not_stranded() -> None:
    dear_then_cheap = Market(prices_of(*[300] * 48, *[50] * 96))
    played = play(a_stay(0, 24 * 60, 60), dear_then_cheap, Rules(Needs.ASSUMED))
    assert played.missing_kwh == 0.0


def plans_of(stay: Stay, market: Market, rules: Rules, until: datetime) -> list[Plan]:
    """Return the plans of a stay that the replay makes before `until`."""
    session, plans = ManagedSession(stay, market, rules), list[Plan]()
    for at, has_message, _ in instants(stay):
        if at >= until:
            break
        session.car.wait_until(at)
        if has_message:
            session.hear()
        plans.append(decide(session.situation(at)))
        session.adopt(plans[-1], at)
    return plans


@settings(max_examples=8)
@given(st.integers(0, 720), st.integers(60, 2000), st.floats(0.05, 0.9), st.sampled_from(Needs), st.integers(0, 1))
def test_prices_not_yet_published_never_change_a_plan_made_before(
    start_min: int, lasts_min: int, share: float, needs: Needs, day: int
) -> None:
    stay = a_stay(start_min, lasts_min, share * lasts_min / 60 * 11.04)
    told_at = START + timedelta(days=day, hours=13)
    prices = varied_prices(days=5)
    other = changed_from(prices, published_until(told_at - MINUTE))
    one = plans_of(stay, Market(prices), Rules(needs), told_at)
    assert one == plans_of(stay, Market(other), Rules(needs), told_at)


def test_prices_that_are_published_change_the_next_plan() -> None:
    stay = a_stay(12 * 60, 24 * 60, 20)
    told_at = START + timedelta(hours=13)
    prices = varied_prices(days=4)
    other = changed_from(prices, START + timedelta(days=1))
    one = plans_of(stay, Market(prices), Rules(), told_at + MINUTE)
    two = plans_of(stay, Market(other), Rules(), told_at + MINUTE)
    assert one[:-1] == two[:-1]
    assert one[-1] != two[-1]


def test_what_is_missing_is_told() -> None:
    market = Market(prices_of(*[300] * 8, *[50] * 40))
    late = Rules(Needs.ASSUMED)
    played: Played = play(a_stay(0, 60, 11.04), market, late)
    assert played.missing_kwh == pytest.approx(11.04)
    assert played.cost_eur == 0.0

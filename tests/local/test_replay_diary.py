"""What is known of past visits when a car comes: those that are over, as they went."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from local.replay.diary import EXAMPLES, Diary
from local.replay.managed import ManagedSession, Needs, Rules
from local.replay.market import Market
from local.replay.run import Scene, play_user
from local.replay.stay import Stay
from offpeak.habits.model import Visit
from offpeak.planning.decide import decide
from tests.local.replay_scene import START, a_stay, prices_of, varied_prices

DAY_MIN = 24 * 60
EVENING = timedelta(hours=18)


def nightly(day: int, user: str = "anna", kwh: float = 8.0, lasts_min: float = 600) -> Stay:
    stay = a_stay(day * DAY_MIN + 18 * 60, lasts_min, kwh, user=user)
    return replace(stay, session_id=f"{user}-{day}")


def test_only_visits_that_are_over_are_known() -> None:
    stays = [nightly(0), nightly(1), nightly(2), nightly(0, "ben"), nightly(1, "ben")]
    past = Diary(stays).past(replace(nightly(1), session_id="now"))
    assert [each.arrived_at for each in past.own] == [nightly(0).arrives_at]
    assert [each.arrived_at for each in past.others] == [nightly(0, "ben").arrives_at]


def test_a_visit_counts_as_it_went_not_as_it_was_recorded() -> None:
    went = {"anna-0": Visit(nightly(0).arrives_at, nightly(0).leaves_at, 3.0, is_cut=True)}
    past = Diary([nightly(0), nightly(1)]).past(nightly(2), went)
    assert [(each.kwh, each.is_cut) for each in past.own] == [(3.0, True), (8.0, False)]


def test_of_others_the_newest_that_came_at_such_an_hour_are_looked_at() -> None:
    many = [replace(nightly(0, f"user {n}", lasts_min=600 + n / 2), arrives_at=START + EVENING) for n in range(100)]
    at_noon = replace(nightly(0, "noon"), arrives_at=START + EVENING / 2)
    others = Diary([*many, at_noon]).past(nightly(1)).others
    assert [each.left_at for each in others] == [each.leaves_at for each in many[-EXAMPLES:]]


def test_who_always_comes_and_goes_alike_is_ready_and_saves() -> None:
    prices = varied_prices(days=16)
    stays = [nightly(day) for day in range(14)]
    rules = Rules(Needs.LEARNT, care_eur=4.0)
    played = play_user(stays, Scene(Market(prices), Diary(stays)), rules)
    learnt = played[10:]
    assert all(each.missing_kwh <= 0.01 * each.stay.kwh for each in learnt)
    assert sum(each.cost_eur for each in learnt) < sum(each.baselines.at_once for each in learnt)


def test_who_leaves_while_a_plan_holds_the_car_back_may_have_wanted_more() -> None:
    dear_now = Market(prices_of(*[300] * 8, *[50] * 88))
    held, free = a_stay(0, 30, 5.0), a_stay(0, 30, 5.0, phases=1, amperes=5.0)
    visits = []
    for stay in (held, free):  # What a charger of 5 A could give is too little to plan: the car is not limited.
        session = ManagedSession(stay, dear_now, Rules(Needs.ASSUMED))
        session.hear()
        session.adopt(decide(session.situation(stay.arrives_at)), stay.arrives_at)
        session.car.wait_until(stay.leaves_at)
        visits.append(session.visit)
    assert [each.is_cut for each in visits] == [True, False]
    assert visits[0].kwh == 0.0

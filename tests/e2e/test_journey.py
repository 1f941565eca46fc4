"""The main job, from the invitation to the end of a session."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

import pytest

from local.cpo.charging_profile import Profile
from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.profiles.model import RequestState, Step
from offpeak.sessions.model import ChargingState
from tests.e2e.market import QUARTER, Market
from tests.e2e.scene import Scene
from tests.e2e.stage import DEPARTURE, EVENING, FULL_W


def limit_at(profile: Profile, at: datetime) -> Decimal:
    assert profile.start_at is not None
    return [limit for after_s, limit in profile.periods if profile.start_at + timedelta(seconds=after_s) <= at][-1]


def test_within_a_second_of_its_session_a_charger_has_a_profile(scene: Scene) -> None:
    """B: a session comes in, a charging profile goes out."""
    partner = scene.partner()
    took = []
    for session_id in ("warm-up", "S1", "S2", "S3", "S4", "S5"):
        partner.plug_in(session_id)
        scene.settle()
        [push], [call] = partner.cpo.log(session_id).pushes, partner.profile_calls(session_id)
        assert push.sent_at is not None
        took.append((call.received_at - push.sent_at).total_seconds())
    assert median(took[1:]) < 1


def test_a_profile_follows_the_published_prices(scene: Scene, market: Market) -> None:
    """P7, P8: absolute, from 0 on, ascending, watts where the phases are not known."""
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()

    [call] = partner.profile_calls("S1")
    profile = call.profile
    assert profile is not None
    assert (profile.start_at, profile.unit, profile.duration_s) == (EVENING, "W", None)
    assert limit_at(profile, DEPARTURE) == FULL_W, "whoever leaves late is not stranded"
    prices = market.between(EVENING, DEPARTURE)
    dearest, cheapest = max(prices, key=prices.__getitem__), min(prices, key=prices.__getitem__)
    assert limit_at(profile, dearest) == 0
    assert limit_at(profile, cheapest) == FULL_W

    minutes = [EVENING + timedelta(minutes=n) for n in range(int((DEPARTURE - EVENING) / timedelta(minutes=1)))]
    assert {limit_at(profile, at) for at in minutes} == {Decimal(0), FULL_W}
    plan = partner.standing("S1").plan
    assert plan is not None
    charging = [at for at in minutes if any(each.start_at <= at < each.end_at for each in plan.blocks)]
    assert len(charging) == pytest.approx(30 / (float(FULL_W) / 60_000), abs=2), "the default need of 30 kWh"
    assert all(limit_at(profile, at) == FULL_W for at in charging)
    paid = sum(prices[_quarter(at)] for at in charging)
    least = sum(sorted(prices[_quarter(at)] for at in minutes)[: len(charging)])
    at_once = sum(prices[_quarter(at)] for at in minutes[: len(charging)])
    assert least <= paid < least * Decimal("1.05"), "few starts cost little more than the cheapest minutes"
    assert paid < at_once * Decimal("0.6")


def _quarter(at: datetime) -> datetime:
    return at - timedelta(minutes=at.minute % (QUARTER / timedelta(minutes=1)))


def test_a_profile_is_followed_from_the_message_to_the_power_of_the_car(scene: Scene) -> None:
    """P2, P3: requested, cpo_accepted, charger_accepted, observed, with the time of each step."""
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    request = partner.newest("S1")
    assert request.state is RequestState.CHARGER_ACCEPTED
    assert (request.answer, request.result) == (AnswerType.ACCEPTED, ResultType.ACCEPTED)

    scene.pass_time(minutes=5)
    scene.pass_time(minutes=5)
    request = partner.newest("S1")
    assert request.state is RequestState.OBSERVED
    steps = request.steps
    assert set(steps) == set(Step)
    assert steps[Step.RECEIVED] <= steps[Step.PLANNED] <= steps[Step.SENT] <= steps[Step.ANSWERED]
    assert steps[Step.SENT] <= steps[Step.CONFIRMED] <= steps[Step.OBSERVED]
    assert len(partner.profile_calls("S1")) == 1, "nothing changed, nothing was sent"


def test_an_evening_ends_with_a_charged_car_and_a_session_that_is_over(scene: Scene) -> None:
    """S3: the plan, the car and the books agree in the end."""
    partner = scene.partner(planning={"departure": "22:00", "need_kwh": 10})
    partner.plug_in("S1", soc=0.5, target_soc=0.65)
    scene.settle()
    while scene.now < EVENING + timedelta(hours=3):
        scene.pass_time(minutes=5)
    partner.cpo.unplug("S1")
    partner.cpo.advance(scene.now)
    scene.settle()

    log, known = partner.cpo.log("S1"), partner.known("S1")
    charged = [each for each in log.drawn if each.energy_kwh]
    assert sum(each.energy_kwh for each in charged) == pytest.approx(10, abs=0.01)
    assert charged[0].start_at >= EVENING + timedelta(hours=1), "not in the dearest hour"
    assert float(known.delivered_kwh) == pytest.approx(10, abs=0.01)
    assert known.state.state is ChargingState.FINISHED
    assert partner.newest("S1").state is RequestState.OBSERVED
    assert len(partner.profile_calls("S1")) <= 3, "a plan that is followed is left alone"


def test_a_session_is_given_back_as_its_partner_told_it(scene: Scene) -> None:
    """GET of the receiver interface: T12, T16."""
    partner = scene.partner()
    period = {"start_date_time": "2025-10-02T17:00:00.000Z", "dimensions": [{"type": "ENERGY", "volume": 1.2345}]}
    told = partner.session("S1", kwh=1.2345, charging_periods=[period], meter_id="M-7")
    assert partner.put(told).codes == (201, 1000)

    given = partner.get("S1")
    assert given.codes == (200, 1000)
    instants = dict.fromkeys(("start_date_time", "last_updated"), "2025-10-02T17:00:00.000Z")
    assert given.data == {**told, **instants}


def test_a_reason_and_a_saving_come_with_each_plan(scene: Scene) -> None:
    """E: a plan that explains itself, in the partner's own time."""
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    plan = partner.standing("S1").plan
    assert plan is not None
    assert plan.saving_eur > 1
    assert "before 07:00" in plan.reason.text
    assert "EUR" in plan.reason.text

"""What makes a plan of a session that has not changed, and what does not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from local.price_feed import FeedFault
from offpeak.profiles.model import RequestState
from tests.e2e.market import Market
from tests.e2e.scene import Scene
from tests.e2e.stage import DEPARTURE, EVENING, FULL_W


def turn(market: Market) -> None:
    """Make the cheap night dear and the dear evening cheap."""
    market.change(EVENING, DEPARTURE, lambda price: 300 - price)


def test_new_prices_plan_unchanged_sessions_anew(scene: Scene, market: Market) -> None:
    partner = scene.partner()
    partner.plug_in("S1", "S2")
    scene.settle()
    turn(market)
    scene.cloud.invoke("fetch_prices")
    scene.settle()
    for each in ("S1", "S2"):
        before, after = (call.profile for call in partner.profile_calls(each))
        assert before is not None
        assert after is not None
        assert (before.periods[0], after.periods[0]) == ((0, Decimal(0)), (0, FULL_W))
        assert partner.newest(each).state is RequestState.CHARGER_ACCEPTED


def test_unchanged_prices_and_the_passing_of_time_send_nothing(scene: Scene) -> None:
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    scene.cloud.invoke("fetch_prices")
    scene.settle()
    assert partner.known("S1").plan_wanted == 1, "the same prices are no cause"
    for _ in range(4):
        scene.later(minutes=15)
        scene.cloud.invoke("replan_sessions")
        scene.settle()
    assert partner.known("S1").plan_done == 5
    assert len(partner.profile_calls("S1")) == 1


def test_changed_settings_plan_unchanged_sessions_anew(scene: Scene) -> None:
    """Within seconds; smart charging switched off takes our profile away with a DELETE."""
    hungry, switched_off, unchanged = (scene.partner() for _ in range(3))
    for partner in scene.partners:
        partner.plug_in("S1")
    scene.settle()
    hungry.change(planning={"need_kwh": 200})
    switched_off.change(planning={"smart_charging": False})
    scene.settle()

    newest = hungry.profile_calls("S1")[-1].profile
    assert newest is not None
    assert newest.periods[0] == (0, FULL_W), "so much needs all the time there is"

    [cleared] = switched_off.profile_calls("S1", "clear")
    assert cleared.was_put_in_force
    assert switched_off.cpo.state("S1").limit_w == float("inf")
    assert switched_off.newest("S1").state is RequestState.CHARGER_ACCEPTED

    scene.cloud.invoke("replan_sessions")
    scene.settle()
    assert [len(each.cpo.profile_calls) for each in (hungry, switched_off, unchanged)] == [2, 2, 1]


def test_a_session_that_says_nothing_new_is_not_planned_anew(scene: Scene) -> None:
    """It is planned until it has shown that its profile is followed; then its car only waits on."""
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    for _ in range(6):
        scene.pass_time(minutes=5)
    assert partner.newest("S1").state is RequestState.OBSERVED
    assert len(partner.cpo.log("S1").pushes) >= 6
    assert partner.known("S1").plan_done <= 3
    assert len(partner.profile_calls("S1")) == 1, "P10: identical profiles are not sent again"


@pytest.mark.parametrize("fault", [*FeedFault])
def test_a_price_feed_that_fails_takes_no_price_away(scene: Scene, market: Market, fault: FeedFault) -> None:
    partner = scene.partner()
    market.feed.misbehave(fault)
    scene.cloud.invoke("fetch_prices")
    scene.settle()
    partner.plug_in("S1")
    scene.settle()
    plan = partner.standing("S1").plan
    assert plan is not None
    assert plan.saving_eur > 1
    assert not plan.uses_forecast


def test_where_tomorrow_is_not_published_the_plan_says_that_it_uses_a_forecast(scene: Scene) -> None:
    scene.cloud.clock.set(EVENING - timedelta(hours=10) + timedelta(days=1))
    partner = scene.partner(planning={"departure": "06:00", "shortest_stay_s": 12 * 3600})
    partner.plug_in("S1")
    scene.settle()
    plan = partner.standing("S1").plan
    assert plan is not None
    assert plan.uses_forecast
    assert "forecast" in plan.reason.text

"""From a session to a saved request, in the real embedded database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

from offpeak.errors import ConcurrentChange
from offpeak.ocpi.profile_types import ResultType
from offpeak.partners.model import Flags, PartnerStatus, PlanningDefaults
from offpeak.prices.memory import PriceMemory
from offpeak.profiles.ask_again import EVER
from offpeak.profiles.lifecycle import given_up
from offpeak.profiles.model import RequestKind, RequestState, Step
from offpeak.profiles.outcome import Planned
from offpeak.profiles.plan import MOST_TRIES
from offpeak.profiles.show import session_shown
from offpeak.profiles.sites import NOWHERE
from offpeak.profiles.store import ProfileStore
from offpeak.profiles.unmanaged import TEXTS
from offpeak.sessions.model import SessionKey
from offpeak.sessions.store import SHARDS, shard_of
from tests.profiles.world import REAL_START, World, never_remembered
from tests.sessions.builders import KEY, a_patch, a_put, at, period


def planned(world: World) -> Planned:
    outcome = world.plan()
    assert outcome is not None
    return outcome


def confirm(world: World) -> None:
    """Send what waits, and have the charger take it."""
    world.deliver()
    world.results()


def is_wanted(world: World) -> bool:
    return any(list(world.sessions.wanting(shard, EVER, world.now, 9)) for shard in range(SHARDS))


def test_a_new_session_gets_a_plan_and_a_request_that_waits_to_be_sent(world: World) -> None:
    """P2: the request is saved before it is sent"""
    world.receive()
    world.pass_time(seconds=1)
    world.plan()
    request = world.newest
    assert (request.kind, request.state) == (RequestKind.SET, RequestState.REQUESTED)
    assert request.profile is not None
    assert [each.limit for each in request.profile.periods] == [Decimal(0), Decimal(11040)]
    assert request.steps == {Step.RECEIVED: REAL_START, Step.PLANNED: REAL_START + timedelta(seconds=1)}
    assert world.waiting("send") == [{"request_id": request.request_id}]
    assert world.cpo.calls == []
    assert world.standing.plan is not None
    assert world.standing.plan.saving_eur > 0


def test_what_is_planned_is_no_longer_wanted(world: World) -> None:
    world.receive()
    assert is_wanted(world)
    world.plan()
    assert not is_wanted(world)
    assert world.plan() is None


def test_an_unknown_session_is_not_planned(world: World) -> None:
    assert world.plan() is None


def test_an_update_that_changes_nothing_for_the_plan_sends_nothing(world: World) -> None:
    """P10: identical profiles are not sent again"""
    world.receive()
    confirm(world)
    world.pass_time(minutes=5)
    world.receive(a_patch(5, period(0, POWER=0)))
    outcome = planned(world)
    assert (outcome.intent.why, outcome.request) == ("same", None)
    assert not is_wanted(world)


def test_new_prices_move_an_unchanged_session(world: World) -> None:
    world.receive()
    confirm(world)
    before = world.newest
    world.prices.cheap_hours = {20, 21, 22}
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    assert planned(world).intent.why == "changed"
    assert world.newest.request_id != before.request_id
    assert world.request(before.request_id).state is RequestState.CHARGER_ACCEPTED


def test_a_request_that_was_not_confirmed_yet_is_superseded_by_the_next(world: World) -> None:
    """P11"""
    world.receive()
    world.plan()
    first = world.newest
    world.prices.cheap_hours = {20, 21, 22}
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.plan()
    assert world.request(first.request_id).state is RequestState.SUPERSEDED
    assert world.newest.after is None


def test_a_request_waits_for_the_one_that_may_still_be_on_its_way(world: World) -> None:
    world.receive()
    world.deliver()
    sent = world.newest
    for hour in (20, 22):
        world.prices.cheap_hours = {hour, hour + 1}
        world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
        world.plan()
    assert world.newest.after == sent.request_id


@pytest.mark.parametrize("status", ["PENDING", "RESERVATION"])
def test_a_session_that_is_not_active_gets_no_profile(world: World, status: str) -> None:
    world.receive(a_put(0, status=status))
    assert planned(world).request is None
    assert world.standing.newest_request_id is None
    assert not is_wanted(world)


def test_a_pending_session_gets_its_profile_when_it_becomes_active(world: World) -> None:
    world.receive(a_put(0, status="PENDING"))
    world.plan()
    world.receive(a_put(1))
    assert planned(world).request is not None


@pytest.mark.parametrize("status", ["COMPLETED", "INVALID"])
def test_profiles_end_with_their_session(world: World, status: str) -> None:
    """P12"""
    world.receive()
    world.plan()
    world.receive(a_patch(60, status=status))
    world.plan()
    assert world.newest.state is RequestState.SUPERSEDED
    assert world.newest.detail == "session_over"
    assert not is_wanted(world)
    world.deliver()
    assert world.cpo.calls == []


def test_a_session_that_never_ends_is_forgotten_until_it_is_heard_of_again(world: World) -> None:
    """S3"""
    world.receive(a_put(0, status="PENDING"))
    world.deliver()
    world.pass_time(days=8)
    assert world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.plan()
    assert world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now) is None, "nothing wakes it"
    assert world.sessions.active(KEY.partner_id, shard_of(KEY), None, 10) == ([], None)
    world.receive(a_patch(8 * 24 * 60, status="ACTIVE"))
    world.deliver()
    assert world.newest.state is RequestState.CPO_ACCEPTED


def test_a_confirmed_profile_stays_confirmed_when_its_session_ends(world: World) -> None:
    world.receive()
    confirm(world)
    world.receive(a_patch(60, status="COMPLETED"))
    world.plan()
    assert world.newest.state is RequestState.CHARGER_ACCEPTED
    assert world.standing.limit_w_steps == ()


def test_smart_charging_switched_off_takes_the_profile_away_once(world: World) -> None:
    world.receive()
    confirm(world)
    world.change_partner(planning=PlanningDefaults(smart_charging=False))
    for _ in range(2):
        world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
        confirm(world)
        world.plan()
    confirm(world)
    assert [call.method for call in world.cpo.calls] == ["PUT", "DELETE"]
    assert world.newest.kind is RequestKind.CLEAR
    assert world.newest.state is RequestState.CHARGER_ACCEPTED
    assert world.standing.plan is None
    assert world.standing.limit_w_steps == ()


def test_smart_charging_switched_on_again_sends_a_profile_again(world: World) -> None:
    world.receive()
    confirm(world)
    for is_on in (False, True):
        world.change_partner(planning=PlanningDefaults(smart_charging=is_on))
        world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
        world.plan()
        confirm(world)
    assert [call.method for call in world.cpo.calls] == ["PUT", "DELETE", "PUT"]


@pytest.mark.parametrize("change", [{"status": PartnerStatus.LEFT}, {"suspended_at": REAL_START}])
def test_a_partner_that_has_left_or_is_suspended_gets_nothing(world: World, change: dict[str, Any]) -> None:
    world.change_partner(**change)
    world.receive()
    assert planned(world).intent.why == "no_receiver"


def test_a_partner_s_settings_are_those_of_the_plan(world: World) -> None:
    """P8"""
    world.change_partner(planning=PlanningDefaults(phases=1, max_power_w=7360))
    world.receive()
    world.plan()
    profile = world.newest.profile
    assert profile is not None
    assert (profile.unit, [each.limit for each in profile.periods]) == ("A", [Decimal(0), Decimal(32)])


def test_after_the_departure_the_car_is_not_limited(world: World) -> None:
    world.receive()
    world.pass_time(hours=14)
    outcome = planned(world)
    assert outcome.request is not None
    assert outcome.request.profile is not None
    assert [each.limit for each in outcome.request.profile.periods] == [Decimal(11040)]


def test_the_power_of_later_updates_shows_that_a_profile_is_followed(world: World) -> None:
    """P3"""
    world.receive()
    confirm(world)
    world.pass_time(minutes=10)
    world.receive(a_patch(10, period(5, POWER=0)))
    world.plan()
    assert world.newest.state is RequestState.OBSERVED
    assert world.newest.steps[Step.OBSERVED] == world.real_now
    world.pass_time(minutes=5)
    world.receive(a_patch(15, period(10, POWER=0)))
    assert not is_wanted(world), "nothing more is to be seen of a car that waits"


def test_a_cause_that_comes_in_while_planning_is_planned_too(world: World) -> None:
    """The plan is saved on condition that nothing came in between; else all is read again."""
    world.receive()
    prices = world.prices

    class PricesThatTakeAWhile:
        asked = 0

        def curve(self, *arguments: object) -> object:
            self.asked += 1
            if self.asked == 1:
                world.receive(a_patch(5, kwh=Decimal(3)))
            return prices.curve(*arguments)  # type: ignore[arg-type]

    slow = PricesThatTakeAWhile()
    world.price_memory = never_remembered(slow)
    world.plan()
    assert slow.asked == 2
    assert world.standing.plan is not None
    assert world.standing.plan.need_kwh == Decimal(27)
    assert not is_wanted(world)


def test_a_session_that_changes_all_the_time_is_left_to_its_next_message(world: World) -> None:
    """A message that failed would hold up those behind it."""
    world.receive()
    prices = world.prices

    class PricesWhileSessionsChange:
        asked = 0

        def curve(self, *arguments: object) -> object:
            self.asked += 1
            if self.asked <= MOST_TRIES:
                world.receive(a_patch(self.asked, kwh=Decimal(self.asked)))
            return prices.curve(*arguments)  # type: ignore[arg-type]

    world.price_memory = never_remembered(PricesWhileSessionsChange())
    world.plan()
    assert is_wanted(world)
    world.plan()
    assert not is_wanted(world)
    assert world.standing.plan is not None


def test_planners_of_one_session_at_the_same_moment_make_one_request(world: World) -> None:
    world.receive()
    planners = [Thread(target=world.plan) for _ in range(4)]
    for each in planners:
        each.start()
    for each in planners:
        each.join()
    requests = list(world.profiles.requests_of(KEY))
    assert [each.request_id for each in requests] == [world.newest.request_id]


def test_two_changes_of_a_request_at_the_same_moment_are_not_mixed(world: World) -> None:
    world.receive()
    world.plan()
    loaded = world.newest
    world.profiles.save(given_up(loaded, detail="first"))
    with pytest.raises(ConcurrentChange):
        world.profiles.save(given_up(loaded, detail="second"))
    assert world.newest.detail == "first"


def test_what_is_stored_is_what_comes_back(world: World) -> None:
    world.receive()
    world.plan()
    full = replace(
        world.newest,
        claimed_until=REAL_START,
        result=ResultType.UNKNOWN,
        in_force_at=at(3),
        detail="said",
        after="request-0",
        about="request-00",
    )
    world.profiles.save(full)
    assert world.newest == replace(full, revision=full.revision + 1)


def test_the_plan_is_left_to_the_sweep_when_the_send_queue_is_down(world: World) -> None:
    world.receive()
    world.queues_are_down = True
    world.plan()
    world.queues_are_down = False
    assert world.deliver() == 1, "the plan's message only"
    world.pass_time(seconds=61)
    world.sweep()
    world.deliver()
    assert world.newest.state is RequestState.CPO_ACCEPTED


def test_the_row_of_the_sessions_context_stays_as_it_was(world: World) -> None:
    world.receive(a_put(0, period(0, POWER=7), kwh=Decimal(2)))
    before = world.sessions.load(KEY)
    world.plan()
    assert world.sessions.load(KEY) == before
    assert isinstance(world.profiles, ProfileStore)


def test_a_session_sees_the_prices_that_changed_just_before_it_came(world: World) -> None:
    """A change asks for plans of the sessions that there are; a later one must not go by what is remembered."""
    world.price_memory = PriceMemory(world.prices, now_s=lambda: world.real_now.timestamp())
    first, second = KEY, SessionKey(KEY.partner_id, "S-2")
    world.receive(replace(a_put(0), key=first))
    world.plan(first)
    world.prices.cheap_hours = {20, 21, 22}
    world.pass_time(seconds=10)
    world.receive(replace(a_put(0), key=second))
    world.plan(second)
    plans = [world.profiles.standing(key).plan for key in (first, second)]
    assert [plan.blocks[0].start_at.hour for plan in plans if plan] == [1, 20]


def test_where_only_paired_evses_are_managed_the_others_are_left_alone_and_told_why(world: World) -> None:
    world.receive()
    world.deliver()
    world.change_partner(flags=Flags(only_paired=True))
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    taken_away = planned(world)
    assert taken_away.request is not None
    assert (taken_away.request.kind, taken_away.intent.why) == (RequestKind.CLEAR, "not_paired")
    assert world.standing.plan is None
    known = world.sessions.known(KEY)
    assert known is not None
    shown = session_shown(known, world.standing, (), NOWHERE, world.partner, now=world.now)
    assert shown["unmanaged"] == {"reason": "not_paired", "text": TEXTS["not_paired"]}


def test_a_battery_gives_energy_before_a_cheap_hour_and_its_profile_says_so(world: World) -> None:
    world.change_partner(
        planning=PlanningDefaults(discharge_w=5000, min_soc=Decimal("0.2")), flags=Flags(negative_limits=True)
    )
    world.receive(a_put(0, period(0, STATE_OF_CHARGE=70)))
    assert world.sessions.allow_discharge(KEY, allowed=True, now=world.now, received_at=world.real_now)
    world.plan()
    profile = world.newest.profile
    assert profile is not None
    assert {float(each.limit) for each in profile.periods} == {-5000, 0, 11040}
    world.sessions.allow_discharge(KEY, allowed=False, now=world.now, received_at=world.real_now)
    world.plan()
    again = world.newest.profile
    assert again is not None
    assert all(each.limit >= 0 for each in again.periods)

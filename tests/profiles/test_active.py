"""P5, P9 and what comes after an unknown: results, pushed and asked profiles, overrides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from offpeak.errors import UnknownObject
from offpeak.ocpi.chargingprofiles import read_active_profile
from offpeak.profiles.active import judged, receive_active_profile
from offpeak.profiles.intent import AGAIN_AFTER
from offpeak.profiles.likeness import Comparison, Likeness
from offpeak.profiles.model import Override, RequestKind, RequestState, Standing, Step
from offpeak.sessions.model import SessionKey
from tests.profiles.builders import a_standing
from tests.profiles.world import World
from tests.sessions.builders import KEY, a_patch, at, period

FULL_POWER = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": 22000}]}
PAUSE = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": 0}]}


def in_force(world: World) -> World:
    """The charger has taken our profile."""
    world.receive()
    world.deliver()
    world.results()
    return world


def active(world: World, profile: Any) -> dict[str, Any]:
    return {"start_date_time": f"{world.now:%Y-%m-%dT%H:%M:%SZ}", "charging_profile": profile}


def ours(world: World) -> dict[str, Any]:
    """Our profile as the charger would tell it: relative to now."""
    profile = world.newest.profile
    assert profile is not None
    passed_s = int((world.now - profile.start_at).total_seconds())
    periods = [
        {"start_period": max(0, each.start_period_s - passed_s), "limit": str(each.limit)} for each in profile.periods
    ]
    return {"charging_rate_unit": profile.unit, "charging_profile_period": periods}


def push(world: World, profile: Any, key: SessionKey = KEY) -> None:
    receive_active_profile(
        key,
        read_active_profile(active(world, profile)),
        world.profiles,
        world.outlets,
        world.partner.planning,
        question_id=world.new_id(),
        now=world.now,
        at=world.real_now,
    )


def answer_question(world: World, profile: Any) -> None:
    """The CPO answers our GET with what is active."""
    world.deliver()
    world.cpo.awaited.clear()
    body = {"result": "ACCEPTED", "profile": active(world, profile)}
    world.result(f"x/results/get/{world.question().request_id}", body)


def test_a_result_is_taken_once(world: World) -> None:
    """P5"""
    world.receive()
    world.deliver()
    (url,) = world.cpo.awaited
    world.result(url, {"result": "ACCEPTED"})
    taken = world.newest
    world.pass_time(seconds=5)
    world.result(url, {"result": "ACCEPTED"})
    world.result(url, {"result": "REJECTED"})
    assert world.newest == taken
    assert taken.state is RequestState.CHARGER_ACCEPTED


@pytest.mark.parametrize(
    "wrong",
    [
        lambda url: (url.replace("/set/", "/clear/"), KEY.partner_id),
        lambda url: (url.replace("/set/", "/shrug/"), KEY.partner_id),
        lambda url: (url + "x", KEY.partner_id),
        lambda url: (url, "another partner"),
    ],
    ids=["another kind", "no kind", "unknown id", "another partner's token"],
)
def test_a_result_that_nobody_waits_for_is_answered_404(world: World, wrong: Callable[[str], tuple[str, str]]) -> None:
    """P1, P5"""
    world.receive()
    world.deliver()
    url, partner_id = wrong(world.cpo.awaited[0])
    with pytest.raises(UnknownObject):
        world.result(url, {"result": "ACCEPTED"}, partner_id)
    assert world.newest.state is RequestState.CPO_ACCEPTED


def test_a_result_of_a_superseded_request_changes_nothing_for_the_session(world: World) -> None:
    """P11"""
    world.receive()
    world.deliver()
    (old_url,) = world.cpo.awaited
    old_id = world.newest.request_id
    world.prices.cheap_hours = {20, 21, 22}
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.plan()
    before = world.standing
    world.result(old_url, {"result": "REJECTED"})
    assert world.standing == before
    assert world.request(old_id).state is RequestState.SUPERSEDED


def test_a_charger_that_refuses_is_left_alone_and_the_refusal_shows(world: World) -> None:
    """P3"""
    world.receive()
    world.deliver()
    world.result(world.cpo.awaited[0], {"result": "REJECTED"})
    assert (world.newest.state, world.newest.detail) == (RequestState.REJECTED, "the charger refused")
    assert world.standing.backoff_until is not None


def test_after_a_time_out_the_active_profile_is_asked_for(world: World) -> None:
    """P4"""
    world.receive()
    world.deliver()
    world.pass_time(seconds=31)
    assert world.sweep().timed_out == 1
    assert world.newest.state is RequestState.UNKNOWN
    question = world.question()
    assert (question.kind, question.about) == (RequestKind.GET, world.newest.request_id)
    world.deliver()
    assert [call.method for call in world.cpo.calls] == ["PUT", "GET"]


def test_a_result_that_tells_nothing_asks_for_the_active_profile_too(world: World) -> None:
    """P4"""
    world.receive()
    world.deliver()
    world.result(world.cpo.awaited[0], {"result": "UNKNOWN"})
    world.deliver()
    assert [call.method for call in world.cpo.calls] == ["PUT", "GET"]


def test_a_late_result_still_counts(world: World) -> None:
    """P4"""
    world.receive()
    world.deliver()
    world.pass_time(seconds=31)
    world.sweep()
    world.result(world.cpo.awaited[0], {"result": "ACCEPTED"})
    assert world.newest.state is RequestState.CHARGER_ACCEPTED
    assert world.standing.backoff_until is None


def timed_out(world: World) -> World:
    world.receive()
    world.deliver()
    world.pass_time(seconds=31)
    world.sweep()
    return world


def test_an_active_profile_that_is_ours_confirms_what_was_unknown(world: World) -> None:
    timed_out(world)
    answer_question(world, ours(world))
    assert world.newest.state is RequestState.CHARGER_ACCEPTED
    assert world.newest.steps[Step.CONFIRMED] == world.real_now
    assert world.question().state is RequestState.CHARGER_ACCEPTED


@pytest.mark.parametrize("bring_it", [answer_question, push])
def test_an_active_profile_that_is_not_ours_has_the_unknown_one_sent_again(
    world: World, bring_it: Callable[[World, Any], None]
) -> None:
    timed_out(world)
    first = world.newest
    bring_it(world, FULL_POWER)
    assert world.request(first.request_id).state is RequestState.UNKNOWN
    assert world.standing.override is None, "what never was in force is not overridden"
    world.pass_time(minutes=2)
    world.sweep()
    world.deliver()
    world.results()
    assert world.newest.request_id != first.request_id
    assert world.newest.state is RequestState.CHARGER_ACCEPTED


def test_a_question_without_an_answer_changes_nothing(world: World) -> None:
    timed_out(world)
    world.deliver()
    world.result(f"x/results/get/{world.question().request_id}", {"result": "REJECTED"})
    assert world.newest.state is RequestState.UNKNOWN


def test_what_was_asked_about_an_older_request_tells_nothing_about_the_newest(world: World) -> None:
    timed_out(world)
    world.deliver()
    question = world.question()
    world.prices.cheap_hours = {20, 21, 22}
    world.pass_time(minutes=2)
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.deliver()
    world.plan()
    before = world.newest, world.standing
    body = {"result": "ACCEPTED", "profile": active(world, FULL_POWER)}
    world.result(f"x/results/get/{question.request_id}", body)
    assert (world.newest, world.standing) == before


def test_an_active_profile_of_an_unknown_session_is_answered_404(world: World) -> None:
    """P9"""
    with pytest.raises(UnknownObject):
        push(world, FULL_POWER)


def test_a_pushed_profile_that_is_ours_is_no_override(world: World) -> None:
    """P9"""
    in_force(world)
    push(world, ours(world))
    assert world.standing.override is None
    assert world.waiting("send") == []


def test_a_pushed_profile_that_differs_is_shown_and_asked_about_before_anything_is_done(world: World) -> None:
    """P9: no profile shows as the EVSE's maximum"""
    in_force(world)
    world.pass_time(minutes=5)
    push(world, FULL_POWER)
    override = world.standing.override
    assert override is not None
    assert (override.since, override.verified) == (world.now, False)
    assert override.what == "22000 W instead of 0 W at 2026-01-15T17:05:00Z"
    assert world.question().about == world.newest.request_id
    assert world.standing.wake_at is None


def test_a_repeated_push_does_not_ask_again(world: World) -> None:
    in_force(world)
    for _ in range(3):
        push(world, FULL_POWER)
    assert len(world.waiting("send")) == 1


def test_an_override_that_proves_true_is_answered_with_our_profile_again(world: World) -> None:
    in_force(world)
    first = world.newest
    push(world, FULL_POWER)
    answer_question(world, FULL_POWER)
    assert world.standing.override is not None
    assert world.standing.override.verified
    world.sweep()
    world.deliver()
    assert world.newest.request_id != first.request_id
    world.results()
    assert world.newest.state is RequestState.CHARGER_ACCEPTED
    assert world.standing.override is None


def test_an_override_that_proves_false_is_forgotten(world: World) -> None:
    in_force(world)
    push(world, FULL_POWER)
    answer_question(world, ours(world))
    assert world.standing.override is None


def test_a_tighter_limit_on_top_of_ours_is_shown_but_not_fought(world: World) -> None:
    in_force(world)
    push(world, PAUSE)
    answer_question(world, PAUSE)
    assert world.standing.override is not None
    assert world.standing.override.verified
    world.pass_time(minutes=20)
    world.sweep()
    world.deliver()
    assert [call.method for call in world.cpo.calls] == ["PUT", "GET"]


def test_who_overrides_again_at_once_is_not_fought_with_again(world: World) -> None:
    in_force(world)
    for _ in range(3):
        push(world, FULL_POWER)
        answer_question(world, FULL_POWER)
        world.pass_time(minutes=1)
        world.sweep()
        world.deliver()
        world.results()
    assert [call.method for call in world.cpo.calls].count("PUT") == 2


def test_who_overrides_again_gets_our_profile_again_after_a_while(world: World) -> None:
    in_force(world)
    for _ in range(2):
        push(world, FULL_POWER)
        answer_question(world, FULL_POWER)
        world.pass_time(minutes=1)
        world.sweep()
        world.deliver()
        world.results()
    renewed_at = world.standing.renewed_at
    assert renewed_at is not None
    assert world.standing.override is not None
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.plan()
    assert world.standing.wake_at == renewed_at + AGAIN_AFTER, "another cause of a plan does not hasten it"
    assert [call.method for call in world.cpo.calls].count("PUT") == 2

    world.pass_time(minutes=13)
    world.sweep()
    world.deliver()
    assert [call.method for call in world.cpo.calls].count("PUT") == 2
    world.pass_time(minutes=2)
    world.sweep()
    world.deliver()
    world.results()
    assert [call.method for call in world.cpo.calls].count("PUT") == 3
    assert world.standing.override is None


def test_a_session_that_just_ended_is_not_planned_for_its_full_power(world: World) -> None:
    in_force(world)
    push(world, FULL_POWER)
    world.receive(a_patch(5, period(0, POWER=0), status="COMPLETED"))
    answer_question(world, FULL_POWER)
    world.pass_time(minutes=1)
    world.sweep()
    world.deliver()
    world.pass_time(minutes=1)
    world.sweep()
    assert [call.method for call in world.cpo.calls] == ["PUT", "GET"]
    assert world.standing.wake_at is None


def test_a_profile_that_is_gone_because_its_session_is_over_is_no_override(world: World) -> None:
    """P9, P12"""
    in_force(world)
    world.receive(a_patch(5, period(0, POWER=0), status="COMPLETED"))
    world.deliver()
    push(world, FULL_POWER)
    world.deliver()
    assert [call.method for call in world.cpo.calls] == ["PUT"]
    assert world.standing.override is None


WIDER = Comparison(Likeness.WIDER, "32 A instead of 0 A")
TIGHTER = Comparison(Likeness.TIGHTER, "0 A instead of 16 A")
SEEN = Override(at(0), "32 A instead of 0 A", verified=False, asked_at=at(0))


@pytest.mark.parametrize(
    ("standing", "found", "is_verified", "minutes", "renewal_at"),
    [
        (a_standing(override=SEEN), WIDER, True, 1, at(1)),
        (a_standing(override=SEEN), TIGHTER, True, 1, None),
        (a_standing(override=SEEN, renewed_at=at(0)), WIDER, True, 1, at(15)),
        (a_standing(override=SEEN, renewed_at=at(0)), WIDER, True, 15, at(15)),
        (a_standing(override=SEEN), WIDER, False, 1, None),
    ],
    ids=["verified", "tighter", "renewed a minute ago", "renewed a while ago", "only pushed"],
)
def test_ours_is_sent_again_when_it_is_surely_gone_but_not_too_often(
    standing: Standing, found: Comparison, is_verified: bool, minutes: float, renewal_at: datetime | None
) -> None:
    after = judged(standing, found, is_verified=is_verified, now=at(minutes))
    assert after.wants_renewal is (renewal_at is not None)
    assert after.wake_at == renewal_at


def test_an_override_keeps_its_beginning_and_is_asked_about_again_only_after_a_while() -> None:
    standing = a_standing(override=SEEN)
    assert judged(standing, WIDER, is_verified=False, now=at(14)) is standing
    later = at(0) + AGAIN_AFTER + timedelta(seconds=1)
    asked = judged(standing, WIDER, is_verified=False, now=later)
    assert asked.override is not None
    assert (asked.override.since, asked.override.asked_at) == (at(0), later)

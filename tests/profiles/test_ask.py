"""P9: the active profile is asked for because an operator wants to know."""

from __future__ import annotations

import pytest

from offpeak.errors import InvalidMessage
from offpeak.profiles.ask import ask_for_active_profile
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState
from tests.profiles.world import World
from tests.sessions.builders import KEY, a_patch, period


def ask(world: World) -> ProfileRequest:
    known = world.sessions.known(KEY)
    assert known is not None
    return ask_for_active_profile(
        known.session,
        world.profiles,
        world.send_queue,
        question_id=world.new_id(),
        now=world.now,
        at=world.real_now,
    )


def answer(world: World, limit: int) -> None:
    """The CPO takes our GET and tells a profile of one limit."""
    world.deliver()
    world.cpo.awaited.clear()
    profile = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": limit}]}
    active = {"start_date_time": f"{world.now:%Y-%m-%dT%H:%M:%SZ}", "charging_profile": profile}
    world.result(f"x/results/get/{world.question().request_id}", {"result": "ACCEPTED", "profile": active})


def in_force(world: World) -> None:
    world.receive()
    world.deliver()
    world.results()
    world.pass_time(minutes=1)


def test_what_an_operator_asks_for_is_asked_at_once_and_told(world: World) -> None:
    in_force(world)
    asked = ask(world)
    answer(world, 22000)
    assert [call.method for call in world.cpo.calls] == ["PUT", "GET"]
    told = world.request(asked.request_id)
    assert (told.kind, told.state) == (RequestKind.GET, RequestState.CHARGER_ACCEPTED)
    assert told.detail == "the charger has 22000 W now"


def test_what_it_brings_is_held_against_our_profile(world: World) -> None:
    in_force(world)
    ask(world)
    answer(world, 22000)
    assert world.standing.override is not None
    assert world.standing.override.verified


def test_a_question_whose_message_is_lost_is_sent_by_the_sweep(world: World) -> None:
    in_force(world)
    world.queues_are_down = True
    ask(world)
    world.queues_are_down = False
    world.pass_time(minutes=1)
    assert world.sweep().sends_asked == 1
    world.deliver()
    assert [call.method for call in world.cpo.calls] == ["PUT", "GET"]


def test_a_session_without_a_profile_of_ours_is_asked_about_too(world: World) -> None:
    world.receive()
    world.messages.clear()
    asked = ask(world)
    answer(world, 11000)
    assert world.request(asked.request_id).detail == "the charger has 11000 W now"
    assert world.standing.override is None


def test_a_session_that_is_over_has_no_active_profile(world: World) -> None:
    in_force(world)
    world.receive(a_patch(5, period(0, POWER=0), status="COMPLETED"))
    with pytest.raises(InvalidMessage, match="COMPLETED"):
        ask(world)
    assert world.waiting("send") == []

"""What a request that came to something means for its session, by tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial

import pytest

from offpeak.ocpi.profile_types import ResultType
from offpeak.partners.model import PlanningDefaults
from offpeak.profiles.lifecycle import resulted
from offpeak.profiles.model import RequestKind, RequestState, Standing
from offpeak.profiles.settle import STEPS_KEPT, limits_taken, settle
from offpeak.profiles.situation import most_drawn_w
from offpeak.sessions.charging_state import infer_charging_state
from offpeak.sessions.model import KnownSession
from tests.profiles.builders import REAL, a_profile, a_request, a_standing
from tests.profiles.world import World
from tests.sessions.builders import a_session, at, period

PLANNING = PlanningDefaults()


def taken(standing: Standing, *limits: tuple[float, float], minutes: float) -> tuple[tuple[datetime, int], ...]:
    return limits_taken(a_request(profile=a_profile(*limits, minutes=minutes)), standing, PLANNING)


def test_a_new_profile_replaces_what_lies_ahead_and_leaves_the_past() -> None:
    standing = a_standing(limit_w_steps=((at(0), 0), (at(30), 11040), (at(60), 0)))
    steps = taken(standing, (0, 11040), (10, 0), minutes=40)
    assert steps == ((at(0), 0), (at(30), 11040), (at(50), 0))


def test_the_past_does_not_grow_without_end() -> None:
    standing = a_standing()
    for minute in range(0, 600, 10):
        standing = a_standing(limit_w_steps=taken(standing, (0, 11040), (5, 0), minutes=minute))
    assert len(standing.limit_w_steps) <= STEPS_KEPT + 2
    assert standing.limit_w_steps[-2:] == ((at(590), 11040), (at(595), 0))


def test_where_our_profile_was_cleared_nothing_limits() -> None:
    cleared = a_request(kind=RequestKind.CLEAR, profile=None)
    assert limits_taken(cleared, a_standing(limit_w_steps=((at(0), 0),)), PLANNING) == ()


def test_a_car_shows_its_draw_even_while_its_profile_is_replaced_every_five_minutes() -> None:
    standing = a_standing()
    for minute in (0, 5, 10, 15):
        standing = a_standing(limit_w_steps=taken(standing, (0, 11040), (60, 0), minutes=minute))
    session = a_session(*(period(minute, POWER="3.7") for minute in (0, 5, 10, 15)))
    known = KnownSession(session, infer_charging_state(session), Decimal(1), None, 1, 0, REAL)
    assert most_drawn_w(known, standing, PLANNING) == 3700


@pytest.mark.parametrize("is_newest", [True, False])
def test_only_what_becomes_of_the_newest_request_means_something_for_its_session(world: World, is_newest: bool) -> None:
    """P11"""
    world.receive()
    world.deliver()
    request = world.newest
    if not is_newest:
        world.profiles.save(standing=replace(world.standing, newest_request_id="a newer one"))
    refused = partial(resulted, result=ResultType.REJECTED, now=world.now, resulted_at=world.real_now)
    settled = settle(
        request,
        refused,
        world.profiles,
        PLANNING,
        world.outbox,
        question_id="question",
        now=world.now,
        at=world.real_now,
    )
    assert settled.request.state is RequestState.REJECTED
    assert (world.standing.backoff_steps > 0) is is_newest

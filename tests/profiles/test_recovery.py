"""A process may die between any two effects: in the end the CPO has exactly the newest profile, and nothing waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from offpeak.profiles.ask_again import EVER
from offpeak.profiles.model import RequestState
from offpeak.sessions.store import SHARDS
from tests.conftest import MakeTable
from tests.profiles.cpo import Cpo
from tests.profiles.world import ProcessDied, World
from tests.sessions.builders import KEY, a_patch, period


class Deaths:
    """Lets exactly one piece of work die, right before effect number `at` of all of them."""

    def __init__(self, world: World, at: int) -> None:
        self.world, self.happened = world, False
        world.life.left = at

    def guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except ProcessDied:
            self.happened = True
            self.world.life.left = None


def one_session(world: World, deaths: Deaths) -> None:
    """A session comes, its profile is sent and taken; prices change, the next profile is sent and taken."""
    deaths.guard(world.receive)
    world.deliver(deaths.guard)
    take_results(world, deaths)
    world.prices.cheap_hours = {20, 21, 22}
    world.pass_time(minutes=5)
    deaths.guard(lambda: world.receive(a_patch(5, period(0, POWER=0))))
    world.deliver(deaths.guard)
    take_results(world, deaths)


def take_results(world: World, deaths: Deaths) -> None:
    while world.cpo.awaited:
        url = world.cpo.awaited.pop(0)
        body = {"result": "REJECTED" if "/get/" in url else "ACCEPTED"}
        deaths.guard(lambda url=url, body=body: world.result(url, body))  # type: ignore[misc]


def let_it_heal(world: World) -> None:
    """A few quiet minutes: only the sweep, and a CPO that repeats its session as CPOs do."""
    world.life.left = None
    world.receive()
    world.receive(a_patch(5, period(0, POWER=0)))
    deaths = Deaths(world, -1)
    world.life.left = None
    for _ in range(6):
        world.pass_time(seconds=61)
        world.sweep()
        world.deliver()
        take_results(world, deaths)


def check(world: World) -> None:
    newest = world.newest
    assert newest.state in (RequestState.CHARGER_ACCEPTED, RequestState.OBSERVED)
    assert newest.profile is not None
    (held,) = world.cpo.profiles.values()
    assert [each["start_period"] for each in held["charging_profile_period"]] == [
        each.start_period_s for each in newest.profile.periods
    ]
    puts = [call for call in world.cpo.calls if call.method == "PUT"]
    assert puts[-1].response_url.endswith(newest.request_id)
    far = world.now + timedelta(days=2)
    for shard in range(SHARDS):
        assert list(world.sessions.wanting(shard, EVER, far, 9)) == []
        assert list(world.profiles.due(shard, EVER, far, 9)) == []
        assert list(world.sessions.waking(shard, EVER, far, 9)) == []
    known = world.sessions.known(KEY)
    assert known is not None
    assert known.plan_done == known.plan_wanted
    for each in world.profiles.requests_of(KEY):
        assert each.request_id == newest.request_id or each.state is not RequestState.REQUESTED


def test_whenever_a_process_dies_the_newest_profile_arrives_and_nothing_is_forgotten(
    make_table: MakeTable, cpo: Cpo
) -> None:
    died_at = 0
    while True:
        cpo.calls.clear()
        cpo.profiles.clear()
        cpo.awaited.clear()
        world = World(make_table, cpo)
        deaths = Deaths(world, died_at)
        one_session(world, deaths)
        let_it_heal(world)
        check(world)
        if not deaths.happened:
            break
        died_at += 1
    assert died_at > 20, "all effects of the journey had their turn"


@pytest.mark.parametrize("lost", ["plan", "send"])
def test_every_message_may_be_lost_once(world: World, lost: str) -> None:
    world.receive()
    world.messages = [each for each in world.messages if each[1] != lost]
    world.deliver()
    world.messages = [each for each in world.messages if each[1] != lost]
    world.prices.cheap_hours = {20, 21, 22}
    let_it_heal(world)
    check(world)

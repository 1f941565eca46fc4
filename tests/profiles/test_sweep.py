"""The sweep and the walk over all active sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from offpeak.profiles.model import RequestState
from offpeak.profiles.replan import PAGE, ask_for_plans, want_plans
from offpeak.sessions.model import SessionKey
from offpeak.sessions.store import SHARDS
from tests.profiles.world import World
from tests.sessions.builders import KEY, a_patch, a_put


def test_a_lost_plan_message_is_sent_again_after_a_minute(world: World) -> None:
    world.receive()
    world.messages.clear()
    world.pass_time(seconds=30)
    assert world.sweep().plans_asked == 0
    world.pass_time(seconds=31)
    assert world.sweep().plans_asked == 1
    world.deliver()
    assert world.newest.state is RequestState.CPO_ACCEPTED


def test_a_lost_send_message_is_sent_again_after_a_minute(world: World) -> None:
    world.receive()
    world.plan()
    world.messages.clear()
    world.pass_time(seconds=59)
    assert world.sweep().sends_asked == 0
    world.pass_time(seconds=1)
    assert world.sweep().sends_asked == 1
    world.deliver()
    assert world.newest.state is RequestState.CPO_ACCEPTED


def test_a_result_in_time_leaves_the_sweep_nothing_to_do(world: World) -> None:
    world.receive()
    world.deliver()
    world.results()
    world.pass_time(minutes=5)
    swept = world.sweep()
    assert (swept.plans_asked, swept.woken, swept.sends_asked, swept.timed_out) == (0, 0, 0, 0)


def test_a_time_out_comes_when_it_was_said_and_once(world: World) -> None:
    """P4"""
    world.receive()
    world.deliver()
    world.pass_time(seconds=29)
    assert world.sweep().timed_out == 0
    world.pass_time(seconds=1)
    assert [world.sweep().timed_out, world.sweep().timed_out] == [1, 0]


def test_a_session_that_is_over_is_not_woken(world: World) -> None:
    world.receive()
    world.plan()
    world.profiles.save(standing=replace(world.standing, wake_at=world.now))
    world.receive(a_patch(5, status="COMPLETED"))
    world.messages.clear()
    world.sweep()
    assert world.waiting("plan") == []
    assert world.standing.wake_at is None


def test_a_row_that_cannot_be_read_stops_no_other(world: World) -> None:
    keys = [SessionKey(KEY.partner_id, f"S-{number}") for number in range(20)]
    for key in keys:
        world.receive(replace(a_put(0), key=key))
    world.deliver()
    broken, *others = world.profiles.requests_of(keys[0])
    assert others == []
    table = world.profiles._requests
    row = table.get({"request_id": broken.request_id})
    assert row is not None
    table._client.put_item(
        TableName=table.name,
        Item={
            "request_id": {"S": broken.request_id},
            "due_shard": {"S": row["due_shard"]},
            "due_at": {"S": row["due_at"]},
            "kind": {"S": "nonsense"},
        },
    )
    world.pass_time(seconds=31)
    with pytest.raises(ExceptionGroup) as failed:
        world.sweep()
    assert len(failed.value.exceptions) == 1
    states = {next(world.profiles.requests_of(key)).kind for key in keys[1:]}
    assert states == {"get"}, "all the others were asked about"


def test_each_minute_another_shard_comes_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that takes too long is cut off; what it did not come to must not be the same every time."""
    looked_at: list[int] = []

    def nobody(shard: int, *_: object) -> list[str]:
        looked_at.append(shard)
        return []

    monkeypatch.setattr(world.profiles, "due", nobody)
    for _ in range(SHARDS):
        world.sweep()
        world.pass_time(minutes=1)
    assert set(looked_at[::SHARDS]) == set(range(SHARDS))
    assert sorted(looked_at) == sorted([*range(SHARDS)] * SHARDS)


def test_all_active_sessions_want_a_plan_page_by_page(world: World) -> None:
    keys = [SessionKey(KEY.partner_id, f"S-{number}") for number in range(PAGE + 20)]
    for key in keys:
        world.receive(replace(a_put(0), key=key))
    world.receive(replace(a_patch(5, status="COMPLETED"), key=keys[0]))
    world.messages.clear()
    ask_for_plans([KEY.partner_id], world.replan_queue)
    assert len(world.messages) == SHARDS
    wanted = 0
    while asked := world.waiting("replan"):
        world.messages = [each for each in world.messages if each[1] != "replan"]
        for message in asked:
            wanted += want_plans(
                message["partner_id"],
                int(message["shard"]),
                message["after"],
                world.sessions,
                world.plan_queue,
                world.replan_queue,
                now=world.now,
                at=world.real_now,
            )
    assert wanted == len(keys) - 1
    assert {message["session_id"] for message in world.waiting("plan")} == {key.session_id for key in keys[1:]}


def test_a_long_walk_goes_on_where_its_page_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offpeak.profiles.replan.PAGE", 2)
    for number in range(40):
        world.receive(replace(a_put(0), key=SessionKey(KEY.partner_id, f"S-{number}")))
    world.messages.clear()
    shard, after, pages, wanted = 3, None, 0, 0
    while True:
        wanted += want_plans(
            KEY.partner_id,
            shard,
            after,
            world.sessions,
            world.plan_queue,
            world.replan_queue,
            now=world.now + timedelta(minutes=1),
            at=world.real_now,
        )
        pages += 1
        following = world.waiting("replan")[pages - 1 :]
        if not following:
            break
        after = following[0]["after"]
    in_shard, _ = world.sessions.active(KEY.partner_id, shard, None, 100)
    assert wanted == len(in_shard)
    assert pages > 1

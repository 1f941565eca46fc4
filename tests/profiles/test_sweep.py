"""The sweep and the walk over all active sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count, islice

import pytest

from offpeak.profiles.model import RequestState
from offpeak.profiles.replan import PAGE, Page, ask_for_plans, page_in, want_plans
from offpeak.sessions.model import SessionKey
from offpeak.sessions.store import SHARDS, shard_of
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


def test_what_always_fails_is_asked_for_less_and_less(world: World) -> None:
    planned = SessionKey(KEY.partner_id, "S-planned")
    woken = SessionKey(KEY.partner_id, "S-woken")
    for key in (KEY, planned, woken):
        world.receive(replace(a_put(0), key=key))
    world.plan(planned)
    world.plan(woken)
    standing = world.profiles.standing(woken)
    world.profiles.save(standing=replace(standing, wake_at=world.now + timedelta(minutes=1)))
    begun = world.now
    asked = {}
    for minute in (4, 10, 12, 55, 61, 119, 120, 121):
        world.now = begun + timedelta(minutes=minute)
        swept = world.sweep()
        asked[minute] = (min(swept.plans_asked, 1), swept.woken, swept.sends_asked)
    nothing = (0, 0, 0)
    assert {minute for minute, found in asked.items() if found == nothing} == {12, 61, 119, 121}
    assert {asked[minute] for minute in (4, 10, 55, 120)} == {(1, 1, 2)}


def test_rows_that_fail_hide_no_younger_ones(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offpeak.profiles.sweep.MOST", 1)
    keys = (SessionKey(KEY.partner_id, f"S-{number}") for number in count())
    failing, lost = islice((key for key in keys if shard_of(key) == 3), 2)
    world.receive(replace(a_put(0), key=failing))
    world.pass_time(minutes=118)
    world.receive(replace(a_put(0), key=lost))
    world.pass_time(minutes=2)
    world.messages.clear()
    assert world.now.minute == 0, "the failing one has its turn"
    world.sweep()
    assert [each["session_id"] for each in world.waiting("plan")] == [lost.session_id, failing.session_id]


def test_each_minute_another_shard_comes_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that takes too long is cut off; what it did not come to must not be the same every time."""
    taken_up: list[int] = []
    monkeypatch.setattr(world.profiles, "due", lambda shard, *_: [shard])
    monkeypatch.setattr(world.profiles, "request", taken_up.append)
    orders = []
    for _ in range(SHARDS):
        taken_up.clear()
        world.sweep()
        orders.append([*dict.fromkeys(taken_up)])
        world.pass_time(minutes=1)
    assert {order[0] for order in orders} == set(range(SHARDS))
    assert all(sorted(order) == [*range(SHARDS)] for order in orders)


def test_all_active_sessions_want_a_plan_page_by_page(world: World) -> None:
    keys = [SessionKey(KEY.partner_id, f"S-{number}") for number in range(PAGE + 20)]
    for key in keys:
        world.receive(replace(a_put(0), key=key))
    world.receive(replace(a_patch(5, status="COMPLETED"), key=keys[0]))
    world.messages.clear()
    ask_for_plans([KEY.partner_id], world.replan_queue, changed_at=world.real_now)
    assert len(world.messages) == SHARDS
    wanted = 0
    while asked := world.waiting("replan"):
        world.messages = [each for each in world.messages if each[1] != "replan"]
        for message in asked:
            wanted += want_plans(
                page_in(message),
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
            Page(KEY.partner_id, shard, after),
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

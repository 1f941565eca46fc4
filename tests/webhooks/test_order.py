"""Whatever is lost, comes twice or dies on the way: a receiver gets every event, and none before the one before it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from offpeak.events.model import Stream
from offpeak.webhooks.deliver import deliver
from offpeak.webhooks.lane import GIVE_UP_AFTER
from offpeak.webhooks.model import Delivery, Subscription, Try, WebhookKey
from offpeak.webhooks.sweep import sweep_lanes
from tests.conftest import MakeTable
from tests.events.builders import event
from tests.webhooks.world import World

STEPS = st.lists(
    st.sampled_from(
        [
            "happens",
            "message comes",
            "message comes twice",
            "messages are lost",
            "a minute",
            "an hour",
            "a day",
            "receiver fails",
            "receiver recovers",
            "worker dies",
            "answers get lost",
            "receiver fails once",
            "resume",
        ]
    ),
    max_size=25,
)


class Died(Exception):
    """The worker is gone, after its request and before it could write what came of it."""


@dataclass
class Receiver:
    """Takes what is sent, as far as it is well; its answer may get lost, and the worker may die of it."""

    fails: bool = False
    fails_once: bool = False
    loses_answers: bool = False
    kills: bool = False
    got: list[int] = field(default_factory=list)

    def send(self, delivery: Delivery, _: Subscription) -> Try:
        at = delivery.published_at
        fails, self.fails_once = self.fails or self.fails_once, False
        if fails:
            return Try(at, 1, 500, problem="no")
        self.got.append(delivery.published.sequence)
        if self.kills:
            self.kills = False
            raise Died
        if self.loses_answers:
            self.loses_answers = False
            return Try(at, 1, problem="no answer")
        return Try(at, 1, 204)


numbers = count(1)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@example(steps=["happens", "receiver fails", "message comes", "a day", "happens", "receiver recovers", "resume"])
@example(steps=["happens", "happens", "worker dies", "message comes", "message comes twice", "a minute"])
def test_every_event_comes_and_none_before_the_one_before_it(make_table: MakeTable, steps: list[str]) -> None:
    world, receiver, number = _world(make_table), Receiver(), next(numbers)
    stream = Stream(f"tenant-{number}", "usr_1", "chg_1")
    key = world.subscribe("https://shop.example/", tenant=stream.tenant_id)
    told = 0
    for step in steps:
        if step == "happens":
            told += 1
            world.publish(event(f"{number}-{told}", stream=stream))
        _do(step, world, receiver, key)
        _in_order(receiver.got)
    receiver.fails = receiver.fails_once = receiver.loses_answers = receiver.kills = False
    if world.lane(key).is_paused:
        world.webhooks.resume(key)
    _pass(world, receiver, 60)
    _pass(world, receiver, 2)
    assert sorted(set(receiver.got)) == list(range(1, told + 1))
    _in_order(receiver.got)
    assert world.lanes.waiting(key, 1) == []
    assert world.lane(key).due_at is None


_worlds: dict[int, World] = {}


def _world(make_table: MakeTable) -> World:
    """One pair of tables for all examples of a run; each has a tenant of its own."""
    if id(make_table) not in _worlds:
        _worlds[id(make_table)] = World(make_table("events"), make_table("webhooks"))
    return _worlds[id(make_table)]


def _do(step: str, world: World, receiver: Receiver, key: WebhookKey) -> None:
    waits = {"a minute": 1.0, "an hour": 60.0, "a day": GIVE_UP_AFTER.total_seconds() / 60}
    if step in waits:
        _pass(world, receiver, waits[step])
    elif step == "messages are lost":
        world.queue.waiting.clear()
    elif step.startswith("message comes"):
        for again in range(2 if step.endswith("twice") else 1):
            message = world.queue.waiting[0] if world.queue.waiting else key
            if again == 0 and world.queue.waiting:
                world.queue.waiting.pop(0)
            _deliver(message, world, receiver)
    elif step == "resume":
        world.webhooks.resume(key)
    receiver.fails = {"receiver fails": True, "receiver recovers": False}.get(step, receiver.fails)
    receiver.fails_once = receiver.fails_once or step == "receiver fails once"
    receiver.kills = receiver.kills or step == "worker dies"
    receiver.loses_answers = receiver.loses_answers or step == "answers get lost"


def _pass(world: World, receiver: Receiver, minutes: float) -> None:
    world.now += timedelta(minutes=minutes)
    world.ahead += timedelta(minutes=minutes)
    sweep_lanes(world.lanes, world.queue, world.now)
    for _ in range(60):
        if not world.queue.waiting:
            break
        _deliver(world.queue.waiting.pop(0), world, receiver)


def _deliver(key: WebhookKey, world: World, receiver: Receiver) -> None:
    post: Any = receiver
    with suppress(Died):
        deliver(key, replace(world.courier(), post=post))


def _in_order(got: list[int]) -> None:
    most = 0
    for sequence in got:
        assert sequence <= most + 1, f"{sequence} came before {most + 1}: {got}"
        most = max(most, sequence)

from __future__ import annotations

import time

from local.webhook_receiver import Behaviour, WebhookReceiver
from offpeak.events.model import EventKind, Stream
from offpeak.ocpi.guarded_http import GuardedHttp
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.webhooks.deliver import MOST_AT_ONCE, deliver
from offpeak.webhooks.lane import GIVE_UP_AFTER
from offpeak.webhooks.model import DeliveryState
from offpeak.webhooks.post import Post
from tests.events.builders import event, minutes
from tests.webhooks.world import World


def test_an_event_is_delivered_once_signed_and_with_its_number(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    world.publish(event("a", reason="cheapest"))
    world.work()
    (got,) = receiver.received
    assert got.is_genuine
    assert got.body == {
        "event_id": "evt_a",
        "type": "session.planned",
        "sequence": 1,
        "occurred_at": "2026-01-15T18:00:00.000Z",
        "user_id": "usr_1",
        "charger_id": "chg_1",
        "data": {"reason": "cheapest"},
    }
    (kept,) = world.deliveries(key)
    assert (kept.state, kept.tries, kept.delivery_id) == (DeliveryState.DELIVERED, 1, got.delivery_id)
    assert got.event_id == "evt_a"


def test_a_subscription_gets_the_kinds_that_it_wants(
    world: World, receiver: WebhookReceiver, other: WebhookReceiver
) -> None:
    world.subscribe(receiver, EventKind.CHARGER_PAIRED)
    world.subscribe(other)
    world.happens("a")
    world.happens("b", kind=EventKind.CHARGER_PAIRED)
    world.work()
    assert (receiver.sequences, other.sequences) == ([2], [1, 2])


def test_another_tenants_events_come_to_nobody_else(world: World, receiver: WebhookReceiver) -> None:
    world.subscribe(receiver)
    world.publish(event("a", stream=Stream("other", "usr_9", "chg_9")))
    world.work()
    assert receiver.received == []


def test_more_than_one_message_works_at_once_is_delivered_in_order(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    world.queue.loses = True
    world.happens(*(f"{number:02d}" for number in range(MOST_AT_ONCE + 3)))
    world.queue.loses = False
    deliver(key, world.courier())
    assert world.queue.waiting == [key]
    world.work()
    assert receiver.sequences == list(range(1, MOST_AT_ONCE + 4))
    assert world.lane(key).due_at is None


def test_later_events_wait_while_one_fails_and_follow_in_order(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    receiver.behaviour = Behaviour.FAILS
    world.happens("a", "b", "c")
    world.work()
    assert receiver.sequences == [1]
    assert (world.lane(key).failures, world.lane(key).last_problem) == (1, "the receiver answered HTTP 500")
    waiting = world.lanes.waiting(key, 9)[0]
    assert waiting.last_try is not None
    assert (waiting.tries, waiting.last_try.answer) == (1, "it broke")
    receiver.behaviour = Behaviour.WELL
    world.pass_by(0.5)
    assert receiver.sequences == [1]
    world.pass_by(0.5)
    assert receiver.sequences == [1, 1, 2, 3]
    assert (world.lane(key).failures, world.lane(key).due_at) == (0, None)


def test_a_lane_that_waits_for_its_next_try_is_left_alone_by_messages(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    receiver.behaviour = Behaviour.FAILS
    world.happens("a")
    world.work()
    world.happens("b")
    assert world.queue.waiting == []
    deliver(key, world.courier())
    assert receiver.sequences == [1]


def test_a_receiver_that_fails_for_a_day_is_paused_visible_and_goes_on_when_resumed(
    world: World, receiver: WebhookReceiver
) -> None:
    key = world.subscribe(receiver)
    receiver.behaviour = Behaviour.FAILS
    world.happens("a")
    world.work()
    began = world.now
    while due_at := world.lane(key).due_at:
        world.pass_by((due_at - world.now) / minutes(1))
    assert GIVE_UP_AFTER <= world.now - began <= GIVE_UP_AFTER + minutes(61)
    assert world.lane(key).is_paused
    assert 25 <= len(receiver.received) <= 40
    assert [each for each, _ in world.lanes.paused(10)] == [key]
    world.happens("b")
    world.pass_by(24 * 60)
    assert len(set(receiver.sequences)) == 1
    receiver.behaviour = Behaviour.WELL
    receiver.received.clear()
    assert not world.webhooks.resume(key).is_paused
    world.work()
    assert receiver.sequences == [1, 2]
    assert world.lanes.paused(10) == []


def test_a_receiver_that_says_it_is_gone_is_paused_at_once(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    receiver.behaviour = Behaviour.GONE
    world.happens("a")
    world.work()
    assert world.lane(key).is_paused
    assert world.lanes.waiting(key, 9)[0].tries == 1


def test_a_redirect_is_not_followed(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    receiver.behaviour = Behaviour.REDIRECTS
    world.happens("a")
    world.work()
    assert [each.path for each in receiver.received] == ["/hooks"]
    assert "redirect (HTTP 307)" in str(world.lane(key).last_problem)


def test_an_answer_that_does_not_stop_is_cut_off(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    receiver.behaviour = Behaviour.BABBLES
    world.happens("a")
    world.work()
    assert "more than 65536 bytes" in str(world.lane(key).last_problem)


def test_a_silent_receiver_costs_its_time_out_and_delays_nobody_else(
    world: World, receiver: WebhookReceiver, other: WebhookReceiver
) -> None:
    silent, healthy = world.subscribe(receiver), world.subscribe(other)
    receiver.behaviour = Behaviour.SILENT
    world.happens("a", "b")
    world.queue.waiting.sort(key=lambda key: key != healthy)
    started = time.monotonic()
    deliver(healthy, world.courier())
    assert time.monotonic() - started < 2
    assert other.sequences == [1, 2]
    started = time.monotonic()
    deliver(silent, world.courier())
    assert 4.5 < time.monotonic() - started < 7
    assert "no answer within 5 s" in str(world.lane(silent).last_problem)
    world.queue.waiting.clear()
    world.happens("c")
    assert world.queue.waiting == [healthy]
    world.work()
    assert other.sequences == [1, 2, 3]


def test_nobody_works_a_lane_that_somebody_works(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    world.happens("a")
    assert world.lanes.take(key, "somebody", world.real_now())
    world.work()
    assert receiver.received == []
    world.ahead += minutes(2)
    deliver(key, world.courier())
    assert receiver.sequences == [1]


def test_what_comes_while_a_lane_falls_asleep_is_not_forgotten(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    world.happens("a")
    world.queue.waiting.clear()
    came: list[str] = []

    class Post:
        def send(self, delivery: object, subscription: object) -> object:
            tried = world.post.send(delivery, subscription)  # type: ignore[arg-type]
            if not came:
                came.append("b")
                world.happens("b")
                world.queue.waiting.clear()
            return tried

    deliver(key, world.courier(post=Post()))
    assert world.queue.waiting == [key]
    world.work()
    assert receiver.sequences == [1, 2]


def test_a_resume_during_a_try_that_fails_is_not_undone_by_it(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    receiver.behaviour = Behaviour.GONE
    world.happens("a")
    world.queue.waiting.clear()

    class Post:
        def send(self, delivery: object, subscription: object) -> object:
            tried = world.post.send(delivery, subscription)  # type: ignore[arg-type]
            receiver.behaviour = Behaviour.WELL
            world.webhooks.resume(key)
            world.queue.waiting.clear()
            return tried

    deliver(key, world.courier(post=Post()))
    assert (world.lane(key).is_paused, world.lane(key).failures) == (False, 0)
    world.work()
    assert receiver.sequences == [1, 1]


def test_lost_messages_and_a_worker_that_died_are_made_good_by_the_sweep(
    world: World, receiver: WebhookReceiver
) -> None:
    key = world.subscribe(receiver)
    world.queue.loses = True
    world.happens("a")
    world.lanes.take(key, "it died", world.real_now())
    world.queue.loses = False
    world.pass_by(2)
    assert receiver.sequences == [1]


def test_a_suspended_tenant_is_told_nothing_until_it_is_resumed_and_then_all(
    world: World, receiver: WebhookReceiver
) -> None:
    key = world.subscribe(receiver)
    world.shut_out.add(key.tenant_id)
    world.happens("a", "b")
    world.work()
    world.pass_by(30)
    assert receiver.received == []
    world.shut_out.clear()
    world.pass_by(15)
    assert receiver.sequences == [1, 2]


def test_who_unsubscribed_gets_nothing_more(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    world.happens("a")
    world.webhooks.remove(key, seen=None)
    world.work()
    world.happens("b")
    world.pass_by(2)
    assert receiver.received == []


def test_an_address_that_leads_into_our_own_network_is_never_called(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    world.happens("a")
    guarded = Post(GuardedHttp(PeerAddressRule()), world.webhooks.secrets, world.real_now)
    deliver(key, world.courier(post=guarded))
    assert receiver.received == []
    assert "must begin with https://" in str(world.lane(key).last_problem)

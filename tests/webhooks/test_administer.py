from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from local.webhook_receiver import Behaviour, WebhookReceiver
from offpeak.aws.tables import Update
from offpeak.errors import AlreadyExists, ConcurrentChange, InvalidMessage, OutOfDate, SecretReplaced, UnknownObject
from offpeak.events.model import EventKind
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.webhooks.model import MOST_SUBSCRIPTIONS, DeliveryState, WebhookKey
from offpeak.webhooks.rows import lane_key
from offpeak.webhooks.wire import NewWebhook, Replay, Rotation, WebhookChange
from tests.conftest import MakeTable
from tests.events.builders import minutes
from tests.webhooks.world import World

ALL_OF_IT = Replay(from_at="2020-01-01T00:00:00Z", until="2100-01-01T00:00:00Z")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://shop.example/hooks", "must begin with https://"),
        ("https://10.0.0.1/", "must be a public address"),
        ("https://[fd00:ec2::254]/", "must be a public address"),
        ("https://169.254.169.254/latest", "must be a public address"),
        ("https://localhost/", "must be a public address"),
        ("https://user:word@shop.example/", "must not hold a user or password"),
        ("ftp://shop.example/", "must begin with https://"),
        ("https://" + "a" * 300, "is longer than 255 characters"),
        ("nonsense", "is no URL with a host"),
    ],
)
def test_an_address_that_we_do_not_call_is_refused_by_name(make_table: MakeTable, url: str, problem: str) -> None:
    world = World(make_table("events"), make_table("webhooks"), PeerAddressRule())
    with pytest.raises(InvalidMessage, match=problem) as refused:
        world.webhooks.create(WebhookKey("hearth", "whk_1"), NewWebhook.model_construct(url=url, event_types=[]))
    assert refused.value.field == "url"


def test_nobody_can_subscribe_to_test_calls(world: World) -> None:
    with pytest.raises(InvalidMessage, match="test call"):
        world.subscribe("https://shop.example/", EventKind.WEBHOOK_TEST)


def test_a_tenant_has_so_many_webhooks_and_no_more_however_fast_it_asks(world: World) -> None:
    def subscribe(number: int) -> bool:
        key = WebhookKey("hearth", f"whk_{number:02d}")
        try:
            world.webhooks.create(key, NewWebhook(url="https://shop.example/"))
        except (AlreadyExists, ConcurrentChange):
            return False
        return True

    with ThreadPoolExecutor(8) as at_once:
        made = sum(at_once.map(subscribe, range(MOST_SUBSCRIPTIONS + 10)))
    assert made == len(world.subscriptions.of("hearth")) <= MOST_SUBSCRIPTIONS
    number = 100
    while len(world.subscriptions.of("hearth")) < MOST_SUBSCRIPTIONS:
        subscribe(number)
        number += 1
    with pytest.raises(AlreadyExists, match="20 webhooks already"):
        world.subscribe("https://shop.example/")
    assert world.subscribe("https://shop.example/", tenant="other")
    world.webhooks.remove(world.subscriptions.of("hearth")[0].key, seen=None)
    assert world.subscribe("https://shop.example/")


def test_another_tenants_webhook_is_not_there(world: World, receiver: WebhookReceiver) -> None:
    key = replace(world.subscribe(receiver), tenant_id="other")
    for attempt in (
        lambda: world.webhooks.change(key, WebhookChange(), seen=None),
        lambda: world.webhooks.remove(key, seen=None),
        lambda: world.webhooks.rotate(key, Rotation(), "r"),
        lambda: world.webhooks.test(key, "evt_1"),
        lambda: world.webhooks.resume(key),
        lambda: world.webhooks.deliveries(key, None, 10),
        lambda: world.webhooks.replay(key, ALL_OF_IT),
        lambda: world.webhooks.replay_one(key, "dlv_" + "0" * 32),
    ):
        with pytest.raises(UnknownObject):
            attempt()
    assert receiver.received == []


def test_who_changes_what_he_has_not_seen_is_refused(world: World) -> None:
    key = world.subscribe("https://shop.example/")
    changed = world.webhooks.change(key, WebhookChange(url="https://shop.example/new"), seen=1)
    assert (changed.url, changed.kinds, changed.revision) == ("https://shop.example/new", (), 2)
    with pytest.raises(OutOfDate):
        world.webhooks.change(key, WebhookChange(url="https://shop.example/newer"), seen=1)
    with pytest.raises(OutOfDate):
        world.webhooks.remove(key, seen=1)


def test_an_old_secret_opens_deliveries_until_its_overlap_ends(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    (old,) = receiver.secrets
    _, new = world.webhooks.rotate(key, Rotation(overlap_s=3600), "first")
    assert world.webhooks.rotate(key, Rotation(overlap_s=3600), "first")[1] == new
    for secret in (old, new):
        receiver.secrets[:] = [secret]
        world.webhooks.test(key, "evt_during")
    receiver.secrets[:] = [new]
    subscription = world.subscriptions.known(key)
    ended = world.real_now() + timedelta(hours=2)
    assert len(subscription.secrets_at(ended)) == 1
    world.webhooks.rotate(key, Rotation(overlap_s=0), "second")
    with pytest.raises(SecretReplaced):
        world.webhooks.rotate(key, Rotation(overlap_s=3600), "first")
    world.webhooks.test(key, "evt_after")
    assert [each.is_genuine for each in receiver.received] == [True, True, False]


def test_a_test_call_is_made_at_once_and_touches_nothing_that_waits(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    receiver.behaviour = Behaviour.GONE
    world.happens("a")
    world.work()
    receiver.behaviour = Behaviour.WELL
    delivered = world.webhooks.test(key, "evt_test")
    assert (delivered.state, receiver.received[-1].body["type"]) == (DeliveryState.DELIVERED, "webhook.test")
    assert receiver.received[-1].body["sequence"] is None
    assert world.lane(key).is_paused
    receiver.behaviour = Behaviour.FAILS
    assert world.webhooks.test(key, "evt_again").state is DeliveryState.FAILED
    assert [each.state for each in world.deliveries(key)] == ["waiting", "failed", "delivered"]


def test_what_was_delivered_is_delivered_again_in_order_on_request(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    world.happens("a", "b", "c")
    world.work()
    world.webhooks.test(key, "evt_test")
    receiver.received.clear()
    assert world.webhooks.replay(key, ALL_OF_IT) == (3, None)
    world.work()
    assert receiver.sequences == [1, 2, 3]
    assert {each.replayed for each in world.deliveries(key) if each.published.sequence} == {1}
    second = world.deliveries(key)[-2]
    world.webhooks.replay_one(key, second.delivery_id)
    world.work()
    assert receiver.sequences == [1, 2, 3, 2]
    assert receiver.received[-1].delivery_id == second.delivery_id
    with pytest.raises(UnknownObject):
        world.webhooks.replay_one(key, "dlv_" + "0" * 32)
    with pytest.raises(UnknownObject):
        world.webhooks.replay_one(key, "nonsense")


def test_a_replay_keeps_a_delivery_no_longer(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    world.happens("a")
    world.work()
    world.ahead = timedelta(days=29)
    for _ in range(2):
        (row,) = world.table.query("pk = :pk AND sk > :lane", {":pk": key.text, ":lane": "LANE"})
        published_at = world.deliveries(key)[0].published_at
        assert row["expires_at"] == int((published_at + timedelta(days=30)).timestamp())
        world.webhooks.replay(key, ALL_OF_IT)
        world.work()
    assert receiver.sequences == [1, 1, 1]


def test_a_replay_of_a_part_leaves_the_rest_alone(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    world.happens("a", "b", "c")
    world.work()
    times = [each.published_at for each in reversed(world.deliveries(key))]
    assert world.webhooks.replay(key, Replay.model_construct(from_at=times[1], until=times[2]))[0] == 1
    world.work()
    assert receiver.sequences == [1, 2, 3, 2]
    with pytest.raises(InvalidMessage, match="later than from"):
        world.webhooks.replay(key, Replay.model_construct(from_at=times[1], until=times[1]))


def test_deliveries_are_listed_page_by_page_those_that_wait_first(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    world.happens("a", "b")
    world.work()
    receiver.behaviour = Behaviour.FAILS
    world.happens("c", "d")
    world.work()
    listed, place = [], None
    while True:
        page, place = world.webhooks.deliveries(key, place, 1)
        listed += [(each.published.sequence, each.state.value) for each in page]
        if place is None:
            break
    assert listed == [(4, "waiting"), (3, "waiting"), (2, "delivered"), (1, "delivered")]
    with pytest.raises(InvalidMessage, match="cursor"):
        world.webhooks.deliveries(key, "LANE", 1)


def test_a_resumed_webhook_that_fails_again_waits_anew(world: World, receiver: WebhookReceiver) -> None:
    key = world.subscribe(receiver)
    receiver.behaviour = Behaviour.FAILS
    world.happens("a")
    world.work()
    world.pass_by(1)
    assert world.lane(key).failures == 2
    world.webhooks.resume(key)
    world.work()
    lane = world.lane(key)
    assert (lane.failures, lane.due_at) == (1, world.now + minutes(1))


def test_a_webhook_from_before_resumes_were_counted_waits_and_is_resumed(
    world: World, receiver: WebhookReceiver
) -> None:
    key = world.subscribe(receiver)
    world.table.write(Update(lane_key(key), "REMOVE resumes"))
    receiver.behaviour = Behaviour.FAILS
    world.happens("a")
    world.work()
    assert (world.lane(key).failures, world.lane(key).resumes) == (1, 0)
    receiver.behaviour = Behaviour.WELL
    world.webhooks.resume(key)
    world.work()
    assert (world.lane(key).failures, world.lane(key).resumes) == (0, 1)

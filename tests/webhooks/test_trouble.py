from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime

import pytest

from local.webhook_receiver import WebhookReceiver
from offpeak.aws.tables import Delete, Put, Table, Write
from offpeak.events.model import Event, EventKind, Stream
from offpeak.events.outbox import Outbox
from offpeak.events.publish import Audience, Publisher
from offpeak.partners.gate import FAILURES_TO_OPEN
from offpeak.partners.gates import Gates
from offpeak.tenants.model import Look, Tenant
from offpeak.webhooks.end import end_webhooks
from offpeak.webhooks.told import ToldStore
from offpeak.webhooks.trouble import TroubleWatch
from tests.conftest import MakeTable
from tests.webhooks.world import World

TENANTS = [
    Tenant("hearth", Look("Hearth"), partner_ids=("acme", "volta")),
    Tenant("other", Look("Other"), partner_ids=("volta",)),
]


@pytest.fixture
def gates(make_table: MakeTable) -> Gates:
    return Gates(make_table("partners"))


def fails(gates: Gates, partner_id: str, times: int = FAILURES_TO_OPEN) -> None:
    for number in range(times):
        gates.leave(partner_id, f"call-{number}", False, 1000.0 + number)


def look(world: World, gates: Gates) -> int:
    """Look as the sweep does, and have what is told published and delivered."""
    watch = TroubleWatch(ToldStore(world.events), world.outbox, gates)
    told = watch.look(TENANTS, now=world.now, real_now=world.real_now())
    for tenant in TENANTS:
        audience = Audience(world.hand_over.deliveries_of, lambda each: world.hand_over.wake(each, world.now))
        outbox: Outbox = world.outbox
        Publisher(world.events, outbox, audience, world.real_now).publish(Stream(tenant.tenant_id))
    world.work()
    return told


def test_tenants_are_told_once_of_a_partners_trouble_and_once_of_its_end(
    world: World, receiver: WebhookReceiver, other: WebhookReceiver, gates: Gates
) -> None:
    world.subscribe(receiver)
    world.subscribe(other, tenant="other")
    assert look(world, gates) == 0
    fails(gates, "acme")
    assert [look(world, gates), look(world, gates)] == [1, 0]
    gates.leave("acme", "call", True, 2000.0)
    assert [look(world, gates), look(world, gates)] == [1, 0]
    assert [(each.body["type"], each.body["data"]) for each in receiver.received] == [
        ("partner.trouble", {"partner_id": "acme"}),
        ("partner.recovered", {"partner_id": "acme"}),
    ]
    assert receiver.sequences == [1, 2]
    assert other.received == []


def test_a_failure_or_two_are_no_trouble(world: World, receiver: WebhookReceiver, gates: Gates) -> None:
    world.subscribe(receiver, EventKind.PARTNER_TROUBLE)
    fails(gates, "acme", FAILURES_TO_OPEN - 1)
    assert look(world, gates) == 0


@pytest.mark.parametrize("survives", [0, 1, 2])
def test_each_tenant_is_told_once_wherever_a_sweep_dies_and_of_the_end_too_who_was_told_of_the_trouble(
    world: World, receiver: WebhookReceiver, other: WebhookReceiver, gates: Gates, survives: int
) -> None:
    world.subscribe(receiver)
    world.subscribe(other, tenant="other")
    fails(gates, "volta")
    watch = TroubleWatch(ToldStore(world.events), DyingOutbox(world.outbox, survives), gates)
    with pytest.raises(ZeroDivisionError) if survives < len(TENANTS) else nullcontext():
        watch.look(TENANTS, now=world.now, real_now=world.real_now())
    gates.leave("volta", "call", True, 2000.0)
    assert look(world, gates) == survives, "who knows nothing of it has nothing to hear of its end"
    heard = ["partner.trouble", "partner.recovered"]
    told = [[each.body["type"] for each in one.received] for one in (receiver, other)]
    assert told == [heard if survives > 0 else [], heard if survives > 1 else []]
    assert look(world, gates) == 0


def test_who_dies_before_all_are_told_is_followed_by_one_who_tells_the_others(
    world: World, receiver: WebhookReceiver, other: WebhookReceiver, gates: Gates
) -> None:
    world.subscribe(receiver)
    world.subscribe(other, tenant="other")
    fails(gates, "volta")
    with pytest.raises(ZeroDivisionError):
        TroubleWatch(ToldStore(world.events), DyingOutbox(world.outbox, 1), gates).look(
            TENANTS, now=world.now, real_now=world.real_now()
        )
    assert look(world, gates) == 1
    assert (receiver.sequences, other.sequences) == ([1], [1])


def test_who_was_told_by_an_older_version_hears_of_the_end_too(
    world: World, receiver: WebhookReceiver, gates: Gates
) -> None:
    world.subscribe(receiver)
    fails(gates, "acme")
    look(world, gates)
    world.events.write(Delete({"pk": "PARTNER#acme", "sk": "TOLD#hearth"}))
    world.events.write(Put({"pk": "PARTNER#acme", "sk": "TOLD", "is_in_trouble": True, "number": 1}))
    assert look(world, gates) == 0
    gates.leave("acme", "call", True, 2000.0)
    assert look(world, gates) == 1
    assert [each.body["type"] for each in receiver.received] == ["partner.trouble", "partner.recovered"]


def test_a_tenant_hears_nothing_of_a_trouble_that_one_of_its_name_was_told_of(
    world: World, receiver: WebhookReceiver, gates: Gates
) -> None:
    world.subscribe(receiver)
    fails(gates, "acme")
    look(world, gates)
    end_webhooks(TENANTS[0], world.subscriptions, ToldStore(world.events))
    assert world.subscriptions.of("hearth") == []
    world.subscribe(receiver)
    gates.leave("acme", "call", True, 2000.0)
    assert look(world, gates) == 0
    fails(gates, "acme")
    assert look(world, gates) == 1
    assert [each.body["type"] for each in receiver.received] == ["partner.trouble", "partner.trouble"]


class DyingOutbox(Outbox):
    """Dies when it is to tell of one more event than so many."""

    def __init__(self, outbox: Outbox, survives: int) -> None:
        super().__init__(outbox._table, outbox._queue)
        self._left = survives

    def put(self, event: Event, *, at: datetime) -> tuple[Table, Write]:
        if not self._left:
            raise ZeroDivisionError
        self._left -= 1
        return super().put(event, at=at)

"""Webhooks on the deployed stack: told, published, delivered, verified; paused, seen, resumed and replayed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from local.loopback_server import LoopbackServer
from local.tenant import make_tenant
from local.webhook_receiver import Behaviour, WebhookReceiver
from offpeak.aws.queues import FifoQueue
from offpeak.events.model import Event, EventKind, Stream
from offpeak.events.outbox import Outbox
from offpeak.partners.gate import FAILURES_TO_OPEN
from offpeak.partners.gates import Gates
from offpeak.tenants.model import Look
from offpeak.webhooks.subscriptions import SubscriptionStore
from ops.asking import ask
from ops.operator_api import call
from tests.e2e.scene import Scene

PARTNER = "acme"


@dataclass
class TenantApp:
    """A tenant's system: calls /v1 with its credentials, and tells events as Offpeak's own functions do."""

    scene: Scene
    tenant_id: str = field(default_factory=lambda: f"tenant-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        self.credentials = make_tenant(self.scene.cloud, self.tenant_id, Look("Hearth"), partner_ids=[PARTNER])
        asked = {"grant_type": "client_credentials", "audience": self.credentials.audience}
        who = (self.credentials.client_id, self.credentials.client_secret)
        token = httpx.post(self.credentials.token_url, data=asked, auth=who, trust_env=False).json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}", "ApiKey": self.credentials.api_key}
        self.scene.stage.tokens |= {token, self.credentials.api_key, self.credentials.client_secret}

    def call(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        return self.scene.stage.http.request(
            method, self.credentials.base_url + path, json=body, headers={**self.headers, **headers}
        )

    def subscribe(self, receiver: WebhookReceiver) -> str:
        """Return the path of a new webhook, whose secret the receiver knows."""
        made = self.call("POST", "/v1/webhooks", {"url": f"{receiver.url}/hooks"}).json()
        receiver.secrets.append(made["secret"])
        self.scene.stage.tokens.add(made["secret"])
        return f"/v1/webhooks/{made['webhook_id']}"

    def happens(self, *names: str) -> None:
        cloud, stream = self.scene.cloud, Stream(self.tenant_id, "usr_1", "chg_1")
        queue = FifoQueue(cloud.client("sqs"), cloud.deployed.queue("events"))
        outbox = Outbox(self.scene.stage.table("events"), queue)
        for name in names:
            told = Event(f"evt_{name}", stream, EventKind.SESSION_PLANNED, self.scene.now, {"reason": "cheapest"})
            table, write = outbox.put(told, at=datetime.now(UTC))
            table.write(write)
            outbox.wake(stream, told.event_id)

    def shown(self, webhook: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.call("GET", webhook).json()
        return shown


@pytest.fixture
def app(scene: Scene) -> TenantApp:
    return TenantApp(scene)


@pytest.fixture
def receivers() -> Iterator[tuple[WebhookReceiver, WebhookReceiver]]:
    with ExitStack() as stack:
        made = WebhookReceiver(), WebhookReceiver()
        for each in made:
            stack.enter_context(LoopbackServer(each.app))
        yield made


def test_an_event_is_told_published_delivered_and_verified(
    app: TenantApp, receivers: tuple[WebhookReceiver, WebhookReceiver]
) -> None:
    receiver, _ = receivers
    webhook = app.subscribe(receiver)
    app.happens("a", "b", "c")
    got = receiver.wait_for(3, within_s=60)
    assert all(each.is_genuine for each in got)
    assert receiver.sequences == [1, 2, 3]
    app.scene.settle()
    listed = app.call("GET", f"{webhook}/deliveries").json()["deliveries"]
    assert [each["state"] for each in listed] == ["delivered"] * 3
    assert listed[0]["event"] == got[2].body

    rotated = app.call("POST", f"{webhook}/secret").json()["secret"]
    app.scene.stage.tokens.add(rotated)
    receiver.secrets[:] = [rotated]
    tested = app.call("POST", f"{webhook}/test").json()
    assert (tested["state"], receiver.received[-1].is_genuine) == ("delivered", True)


def test_a_dead_receiver_is_paused_seen_resumed_and_delays_nobody(
    app: TenantApp, receivers: tuple[WebhookReceiver, WebhookReceiver]
) -> None:
    dead, healthy = receivers
    webhook, other = app.subscribe(dead), app.subscribe(healthy)
    dead.behaviour = Behaviour.SILENT
    app.happens("a", "b")
    healthy.wait_for(2, within_s=60)
    assert app.scene.eventually(lambda: app.shown(webhook)["state"] == "failing", within_s=60)
    assert (app.shown(other)["state"], len(dead.received)) == ("active", 1)

    dead.behaviour = Behaviour.FAILS
    for _ in range(40):
        if app.shown(webhook)["state"] == "paused":
            break
        app.scene.later(hours=1)
        app.scene.cloud.invoke("sweep_webhooks")
        app.scene.settle()
    paused = app.shown(webhook)
    assert (paused["state"], paused["reason"]) == ("paused", "the receiver answered HTTP 500")
    seen = ask(app.scene.cloud.deployed, "ops_webhooks")["webhooks"]
    assert [each["tenant_id"] for each in seen] == [app.tenant_id]

    app.happens("c")
    healthy.wait_for(3, within_s=60)
    dead.received.clear()
    dead.behaviour = Behaviour.WELL
    assert app.call("POST", f"{webhook}/resume").json()["state"] == "active"
    dead.wait_for(3, within_s=60)
    assert dead.sequences == [1, 2, 3]
    app.scene.settle()
    span = {"from": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    assert app.call("POST", f"{webhook}/replay", span).json() == {"replayed": 3, "next_from": None}
    dead.wait_for(6, within_s=60)
    assert dead.sequences == [1, 2, 3, 1, 2, 3]


def test_tenants_are_told_of_a_partner_in_trouble(
    app: TenantApp, receivers: tuple[WebhookReceiver, WebhookReceiver]
) -> None:
    receiver, _ = receivers
    app.subscribe(receiver)
    gates = Gates(app.scene.stage.table("partners"))
    for number in range(FAILURES_TO_OPEN):
        gates.leave(PARTNER, f"call-{number}", False, 1000.0 + number)
    app.scene.cloud.invoke("sweep_webhooks")
    (got,) = receiver.wait_for(1, within_s=60)
    assert (got.body["type"], got.body["data"]) == ("partner.trouble", {"partner_id": PARTNER})

    call(app.scene.cloud.deployed, "DELETE", f"/tenants/{app.tenant_id}")
    assert SubscriptionStore(app.scene.stage.table("webhooks")).of(app.tenant_id) == []
    gates.leave(PARTNER, "call", True, 2000.0)
    app.scene.cloud.invoke("sweep_webhooks")
    app.scene.settle()
    assert len(receiver.received) == 1, "a tenant that was removed is told nothing"


def test_a_lost_message_is_made_good_by_the_sweep(
    app: TenantApp, receivers: tuple[WebhookReceiver, WebhookReceiver]
) -> None:
    receiver, _ = receivers
    app.subscribe(receiver)
    with app.scene.losing("webhooks"):
        app.happens("a")
    assert receiver.received == []
    app.scene.later(minutes=2)
    app.scene.cloud.invoke("sweep_webhooks")
    receiver.wait_for(1, within_s=60)

"""Events, subscriptions and deliveries of a tenant, put together as in the deployed functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from local.webhook_receiver import WebhookReceiver
from offpeak.aws.secrets import EncryptedToken
from offpeak.aws.tables import Table
from offpeak.errors import QueueUnavailable
from offpeak.events.model import Event, EventKind
from offpeak.events.outbox import Outbox
from offpeak.events.publish import Audience, Publisher
from offpeak.ocpi.guarded_http import GuardedHttp
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.webhooks.administer import Webhooks
from offpeak.webhooks.deliver import Courier, deliver
from offpeak.webhooks.hand_over import HandOver
from offpeak.webhooks.lane import Lane
from offpeak.webhooks.lanes import LaneStore
from offpeak.webhooks.model import Delivery, WebhookKey
from offpeak.webhooks.post import Post
from offpeak.webhooks.secrets import SecretBox
from offpeak.webhooks.subscriptions import SubscriptionStore
from offpeak.webhooks.sweep import sweep_lanes
from offpeak.webhooks.wire import NewWebhook
from tests.events.builders import NOW, event

TENANT = "hearth"


class Cipher:
    """Keeps what it was given; a ciphertext opens for its own owner and purpose only."""

    def __init__(self) -> None:
        self.kept: dict[EncryptedToken, str] = {}

    def encrypt(self, token: str, *, partner_id: str, purpose: str) -> EncryptedToken:
        encrypted = EncryptedToken(partner_id, purpose, f"sealed-{len(self.kept)}")
        self.kept[encrypted] = token
        return encrypted

    def decrypt(self, encrypted: EncryptedToken) -> str:
        return self.kept[encrypted]


@dataclass
class Messages:
    """Both queues: what was sent, until the test has it worked. `loses` forgets what is sent."""

    waiting: list[WebhookKey] = field(default_factory=list)
    loses: bool = False
    is_broken: bool = False

    def send(self, message: dict[str, Any], *, group: str, deduplication_id: str = "", delay_s: int = 0) -> None:
        if self.is_broken:
            raise QueueUnavailable("no")
        if not self.loses and "webhook_id" in message:
            self.waiting.append(WebhookKey(message["tenant_id"], message["webhook_id"]))


class World:
    """`now` is the house's time; real time is real but for `ahead`, by which it is moved on."""

    def __init__(self, events: Table, webhooks: Table, rule: PeerAddressRule | None = None) -> None:
        self.events = events
        self.table = webhooks
        self.now = NOW
        self.ahead = timedelta()
        self.queue: Any = Messages()
        self.ids = count(1)
        self.shut_out: set[str] = set()
        rule = rule or PeerAddressRule(loopback=True)
        cipher: Any = Cipher()
        self.subscriptions = SubscriptionStore(webhooks)
        self.lanes = LaneStore(webhooks)
        secrets = SecretBox(cipher, lambda: f"secret-{next(self.ids)}")
        self.post = Post(GuardedHttp(rule), secrets, self.real_now)
        self.webhooks = Webhooks(
            self.subscriptions, self.lanes, secrets, self.post, self.queue, rule, lambda: self.now, self.real_now
        )
        self.hand_over = HandOver(self.subscriptions, self.lanes, self.queue)
        self.outbox = Outbox(events, self.queue)

    def real_now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def subscribe(self, receiver: WebhookReceiver | str, *kinds: EventKind, tenant: str = TENANT) -> WebhookKey:
        """Subscribe a receiver, which gets to know the secret."""
        key = WebhookKey(tenant, f"whk_{next(self.ids)}")
        url = receiver if isinstance(receiver, str) else f"{receiver.url}/hooks"
        _, secret = self.webhooks.create(key, NewWebhook(url=url, event_types=list(kinds)))
        if not isinstance(receiver, str):
            receiver.secrets.append(secret)
        return key

    def happens(self, *names: str, kind: EventKind = EventKind.SESSION_PLANNED) -> None:
        """Tell events of one charger, and publish them."""
        for name in names:
            self.publish(event(name, kind))

    def publish(self, told: Event) -> None:
        table, write = self.outbox.put(told, at=self.real_now())
        table.write(write)
        audience = Audience(self.hand_over.deliveries_of, lambda each: self.hand_over.wake(each, self.now))
        Publisher(self.events, self.outbox, audience, self.real_now).publish(told.stream)

    def work(self, most: int = 100) -> None:
        """Have all messages worked, and those that follow from them."""
        while self.queue.waiting and most:
            deliver(self.queue.waiting.pop(0), self.courier())
            most -= 1

    def courier(self, **others: Any) -> Courier:
        parts = {
            "subscriptions": self.subscriptions,
            "lanes": self.lanes,
            "post": self.post,
            "queue": self.queue,
            "is_shut_out": lambda tenant_id: tenant_id in self.shut_out,
            "now": lambda: self.now,
            "real_now": self.real_now,
            "new_id": lambda: f"lease-{next(self.ids)}",
        }
        return Courier(**{**parts, **others})

    def pass_by(self, minutes: float) -> None:
        """Let time pass, and the sweep run at its end."""
        self.now += timedelta(minutes=minutes)
        self.ahead += timedelta(minutes=minutes)
        sweep_lanes(self.lanes, self.queue, self.now)
        self.work()

    def lane(self, key: WebhookKey) -> Lane:
        lane = self.lanes.get(key)
        assert lane is not None
        return lane

    def deliveries(self, key: WebhookKey) -> list[Delivery]:
        return self.lanes.page(key, None, 100)[0]

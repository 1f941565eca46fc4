"""A tenant's webhooks: subscriptions to its events, and the deliveries that those come to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from offpeak.events.model import EventKind, Published

MOST_SUBSCRIPTIONS = 20
"""Of a tenant. Each event is handed to all of them in one transaction, which holds a hundred writes."""


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """A subscription, and whose it is."""

    tenant_id: str
    webhook_id: str

    @property
    def text(self) -> str:
        return f"{self.tenant_id}#{self.webhook_id}"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as it is stored: encrypted, and bound to its subscription."""

    ciphertext: str
    until: datetime | None = None
    """Deliveries are signed with it until then, in real time; None for the current one."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a tenant's events go. `kinds` are those that it wants; none named: all of them."""

    key: WebhookKey
    url: str
    created_at: datetime
    secret: Secret
    kinds: tuple[EventKind, ...] = ()
    previous_secret: Secret | None = None
    rotated_by: tuple[str, ...] = ()
    """The requests that have replaced its secret, the newest last, so that the same one again replaces nothing."""
    revision: int = 0

    def wants(self, kind: EventKind) -> bool:
        return not self.kinds or kind in self.kinds

    def secrets_at(self, real_now: datetime) -> tuple[Secret, ...]:
        """Return the secrets that a delivery is signed with, the current one first."""
        previous = self.previous_secret
        if previous is None or previous.until is None or previous.until <= real_now:
            return (self.secret,)
        return (self.secret, previous)


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    """A test call that did not get through. What waits in order never ends so: it waits until it is delivered."""


@dataclass(frozen=True, slots=True)
class Try:
    """One request to a receiver. `http_status` None: there was no answer. `answer` is how its body begins."""

    at: datetime
    took_ms: int
    http_status: int | None = None
    answer: str = ""
    problem: str | None = None
    """Why this is no success; None where it is one."""

    @property
    def is_success(self) -> bool:
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to one subscription. `place` is where it stands: deliveries go out in its order.
    `published_at` is in real time."""

    key: WebhookKey
    delivery_id: str
    place: str
    published: Published
    published_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    tries: int = 0
    last_try: Try | None = None
    replayed: int = 0
    """How often it was asked for again after it had been delivered."""

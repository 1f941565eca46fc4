"""What answers of the app API on webhooks hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from offpeak.events.model import EventKind
from offpeak.ocpi.fields import Instant
from offpeak.webhooks.model import DeliveryState
from openapi.app_answers import Id

WebhookId = Annotated[str, Field(pattern=r"^whk_[A-Za-z0-9_-]{22}$")]
DeliveryId = Annotated[str, Field(pattern=r"^dlv_[0-9a-f]{32}$")]


class EventShown(TypedDict):
    """What a webhook's receiver is sent. `sequence` is the event's number among those of its charger, without gaps;
    null for a test call's. `data` depends on the type."""

    event_id: str
    type: EventKind
    sequence: int | None
    occurred_at: Instant
    user_id: Id | None
    charger_id: Id | None
    data: dict[str, object]


class WebhookShown(TypedDict):
    """`since` and `reason` say since when and why its deliveries fail or are paused; `next_try_at` when it is tried
    again where it fails. `event_types` empty: all."""

    webhook_id: WebhookId
    url: str
    event_types: list[EventKind]
    created_at: Instant
    previous_secret_until: Instant | None
    state: Literal["active", "failing", "paused"]
    since: Instant | None
    reason: str | None
    failures: int
    next_try_at: Instant | None


class WebhookWithSecret(WebhookShown):
    """`secret` is told this once."""

    secret: str


class WebhookList(TypedDict):
    webhooks: list[WebhookShown]
    next: None


class TryShown(TypedDict):
    """`answer` is how the receiver's answer begins; `problem` null: it went well."""

    at: Instant
    took_ms: int
    http_status: int | None
    answer: str
    problem: str | None


class DeliveryShown(TypedDict):
    """`replayed` counts how often it was asked for again."""

    delivery_id: DeliveryId
    state: DeliveryState
    event: EventShown
    published_at: Instant
    tries: int
    last_try: TryShown | None
    replayed: int


class DeliveryPage(TypedDict):
    deliveries: list[DeliveryShown]
    next: str | None
    """The cursor of the next page, null after the last."""


class Replayed(TypedDict):
    """`next_from` is the `from` of the call that replays the rest, null where there is none."""

    replayed: int
    next_from: Instant | None

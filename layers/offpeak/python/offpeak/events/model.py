"""What tenants are told of their chargers: events, each with a number within its charger's stream. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

Told: TypeAlias = "str | int | bool | Decimal | list[Told] | dict[str, Told] | None"
"""What an event may hold: JSON, with instants as text and no personal data beyond opaque ids."""


class EventKind(StrEnum):
    CHARGER_PAIRED = "charger.paired"
    CHARGER_UNPAIRED = "charger.unpaired"
    SESSION_STARTED = "session.started"
    SESSION_PLANNED = "session.planned"
    PLAN_CHANGED = "session.plan_changed"
    SESSION_READY = "session.ready"
    SESSION_FINISHED = "session.finished"
    PROFILE_CONFIRMED = "profile.confirmed"
    PROFILE_FAILED = "profile.failed"
    PARTNER_TROUBLE = "partner.trouble"
    PARTNER_RECOVERED = "partner.recovered"
    WEBHOOK_TEST = "webhook.test"
    """Told on request to one subscription, and to whoever has it only."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Whose events are counted together: a charger's or, where `charger_id` is None, a tenant's own."""

    tenant_id: str
    user_id: str | None = None
    charger_id: str | None = None

    @property
    def text(self) -> str:
        return f"{self.tenant_id}#{self.charger_id or 'TENANT'}"


@dataclass(frozen=True, slots=True)
class Event:
    """`event_id` is derived from what happened, so that telling it twice is telling it once."""

    event_id: str
    stream: Stream
    kind: EventKind
    at: datetime
    data: Mapping[str, Told] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """An event with its place in its stream: the first is 1, and no number is left out."""

    event: Event
    sequence: int

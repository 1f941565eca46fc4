"""What tenants say of webhooks: bounded, and checked by name."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from offpeak.errors import InvalidMessage
from offpeak.events.model import EventKind
from offpeak.ocpi.fields import Instant
from offpeak.ocpi.peer_address import LONGEST_URL, PeerAddressRule

LONGEST_OVERLAP = timedelta(days=7)
USUAL_OVERLAP = timedelta(days=1)

Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]
EventTypes = Annotated[list[EventKind], Field(max_length=len(EventKind))]


class _Object(BaseModel):
    """A name that does not exist is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")


class NewWebhook(_Object):
    """`event_types` names what is wanted; none named: everything, what is added later too."""

    url: Url
    event_types: EventTypes = []


class WebhookChange(_Object):
    """What is left out stays as it is."""

    url: Url | None = None
    event_types: EventTypes | None = None


class Rotation(_Object):
    """For so many seconds deliveries are signed by the old secret too; 0 ends it at once."""

    overlap_s: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP // timedelta(seconds=1))] = USUAL_OVERLAP // timedelta(
        seconds=1
    )


class Replay(_Object):
    """Which deliveries are made again: those of events published from `from` until before `until`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_at: Annotated[Instant, Field(alias="from")]
    until: Instant


def kinds_of(event_types: list[EventKind]) -> tuple[EventKind, ...]:
    """Return each kind once, in the order of the house. Raises InvalidMessage for what nobody can subscribe to."""
    if EventKind.WEBHOOK_TEST in event_types:
        raise InvalidMessage("event_types", f"{EventKind.WEBHOOK_TEST.value} comes by a test call only")
    return tuple(kind for kind in EventKind if kind in event_types)


def check_url(url: str, rule: PeerAddressRule) -> str:
    """Return an address that we may call. Raises InvalidMessage."""
    problem = rule.problem(url)
    if problem is not None:
        raise InvalidMessage("url", problem)
    return url

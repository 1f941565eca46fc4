"""How subscriptions, lanes and deliveries look as rows; None stands for an attribute that is absent.

{tenant}/WEBHOOK#{id} is a subscription, {tenant}/COUNT how many there are. {tenant}#{id}/LANE is its lane, and beside
it stand its deliveries: WAITING#{place} those to come, SETTLED#{place} those that were.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from zlib import crc32

from offpeak.aws.tables import Item
from offpeak.events.model import EventKind, Published
from offpeak.events.rows import event_from, event_row
from offpeak.instants import format_instant, parse_instant
from offpeak.webhooks.lane import Lane
from offpeak.webhooks.model import Delivery, DeliveryState, Secret, Subscription, Try, WebhookKey

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHARDS = 4
KEPT_FOR = timedelta(days=30)
"""So long are deliveries kept once their event was published, those too that wait: to replay one keeps it no longer."""
PAUSED = "PAUSED"
"""The shard of lanes that are paused: no sweep looks there, but operators do."""


def subscription_row(subscription: Subscription) -> dict[str, Any]:
    return {
        "pk": subscription.key.tenant_id,
        "sk": f"WEBHOOK#{subscription.key.webhook_id}",
        **key_row(subscription.key),
        "url": subscription.url,
        "kinds": [kind.value for kind in subscription.kinds],
        "created_at": format_instant(subscription.created_at),
        "secret": subscription.secret.ciphertext,
        "previous_secret": _secret_row(subscription.previous_secret),
        "rotated_by": list(subscription.rotated_by),
        "revision": subscription.revision,
    }


def subscription_from(row: Item) -> Subscription:
    previous = row.get("previous_secret")
    return Subscription(
        key=key_from(row),
        url=row["url"],
        created_at=parse_instant(row["created_at"]),
        secret=Secret(row["secret"]),
        kinds=tuple(EventKind(each) for each in row["kinds"]),
        previous_secret=Secret(previous["ciphertext"], parse_instant(previous["until"])) if previous else None,
        rotated_by=tuple(row.get("rotated_by", ())),
        revision=int(row["revision"]),
    )


def lane_key(key: WebhookKey) -> dict[str, str]:
    return {"pk": key.text, "sk": "LANE"}


def lane_row(key: WebhookKey, lane: Lane) -> dict[str, Any]:
    return {
        **lane_key(key),
        **key_row(key),
        "wanted": lane.wanted,
        "resumes": lane.resumes,
        **lane_attributes(key, lane),
    }


def lane_attributes(key: WebhookKey, lane: Lane) -> dict[str, Any]:
    """What of a lane its holder writes; None: to be removed. What came to wait is counted by others meanwhile."""
    at = lane.paused_at or lane.due_at
    return {
        "due_shard": None if at is None else PAUSED if lane.is_paused else shard_of(key),
        "due_at": _instant_or_none(at),
        "failures": lane.failures,
        "failing_since": _instant_or_none(lane.failing_since),
        "last_problem": lane.last_problem,
        "paused_at": _instant_or_none(lane.paused_at),
    }


def lane_from(row: Item) -> Lane:
    paused_at = _instant_at(row, "paused_at")
    return Lane(
        wanted=int(row["wanted"]),
        resumes=int(row.get("resumes", 0)),
        due_at=None if paused_at else _instant_at(row, "due_at"),
        failures=int(row["failures"]),
        failing_since=_instant_at(row, "failing_since"),
        last_problem=row.get("last_problem"),
        paused_at=paused_at,
    )


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    tried = delivery.last_try
    is_waiting = delivery.state is DeliveryState.WAITING
    return {
        "pk": delivery.key.text,
        "sk": f"{'WAITING' if is_waiting else 'SETTLED'}#{delivery.place}",
        "webhook_id": delivery.key.webhook_id,
        "delivery_id": delivery.delivery_id,
        "state": delivery.state.value,
        "event": event_row(delivery.published.event),
        "sequence": delivery.published.sequence,
        "published_at": format_instant(delivery.published_at),
        "tries": delivery.tries,
        "last_try": tried and _try_row(tried),
        "replayed": delivery.replayed,
        "expires_at": int((delivery.published_at + KEPT_FOR).timestamp()),
    }


def delivery_from(row: Item) -> Delivery:
    event = event_from(row["event"])
    return Delivery(
        key=WebhookKey(event.stream.tenant_id, row["webhook_id"]),
        delivery_id=row["delivery_id"],
        place=row["sk"].split("#", 1)[1],
        published=Published(event, int(row["sequence"])),
        published_at=parse_instant(row["published_at"]),
        state=DeliveryState(row["state"]),
        tries=int(row["tries"]),
        last_try=_try_from(row["last_try"]) if "last_try" in row else None,
        replayed=int(row["replayed"]),
    )


def place_of(published: Published, at: datetime) -> str:
    """Return where an event stands among a subscription's deliveries: by when it was published, which in a stream
    rises with the number."""
    return f"{format_instant(at)}#{published.event.event_id}"


def delivery_id_of(key: WebhookKey, event_id: str, at: datetime) -> str:
    """Return the id of an event's delivery to a subscription. When it was published is part of it, so that it is found
    by its id alone."""
    ms = (at - EPOCH) // timedelta(milliseconds=1)
    return f"dlv_{ms:012x}{sha256(f'{key.text}#{event_id}'.encode()).hexdigest()[:20]}"


def published_at_of(delivery_id: str) -> datetime | None:
    """Return when the event of a delivery was published; None for what is no id of a delivery."""
    if not re.fullmatch(r"dlv_0[0-3][0-9a-f]{30}", delivery_id):
        return None
    return EPOCH + timedelta(milliseconds=int(delivery_id[4:16], 16))


def key_row(key: WebhookKey) -> dict[str, Any]:
    return {"tenant_id": key.tenant_id, "webhook_id": key.webhook_id}


def key_from(row: Item) -> WebhookKey:
    return WebhookKey(row["tenant_id"], row["webhook_id"])


def shard_of(key: WebhookKey) -> str:
    return str(crc32(key.text.encode()) % SHARDS)


def _secret_row(secret: Secret | None) -> dict[str, Any] | None:
    if secret is None or secret.until is None:
        return None
    return {"ciphertext": secret.ciphertext, "until": format_instant(secret.until)}


def _try_row(tried: Try) -> dict[str, Any]:
    return {
        "at": format_instant(tried.at),
        "took_ms": tried.took_ms,
        "http_status": tried.http_status,
        "answer": tried.answer,
        "problem": tried.problem,
    }


def _try_from(row: Item) -> Try:
    status: Decimal | None = row["http_status"]
    return Try(
        parse_instant(row["at"]),
        int(row["took_ms"]),
        None if status is None else int(status),
        row["answer"],
        row["problem"],
    )


def _instant_or_none(at: datetime | None) -> str | None:
    return None if at is None else format_instant(at)


def _instant_at(row: Item, name: str) -> datetime | None:
    return parse_instant(row[name]) if name in row else None

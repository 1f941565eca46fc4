"""How events, subscriptions and deliveries are shown to tenants."""

from __future__ import annotations

from typing import Any

from offpeak.events.model import Published
from offpeak.webhooks.lane import Lane
from offpeak.webhooks.model import Delivery, Subscription, Try


def event_shown(published: Published) -> dict[str, Any]:
    """An event as it is delivered: `sequence` is its number among those of its charger, None for a test call's."""
    event = published.event
    return {
        "event_id": event.event_id,
        "type": event.kind.value,
        "sequence": published.sequence or None,
        "occurred_at": event.at,
        "user_id": event.stream.user_id,
        "charger_id": event.stream.charger_id,
        "data": event.data,
    }


def subscription_shown(subscription: Subscription, lane: Lane) -> dict[str, Any]:
    """A subscription with how its deliveries go; its secrets are never shown again."""
    previous = subscription.previous_secret
    return {
        "webhook_id": subscription.key.webhook_id,
        "url": subscription.url,
        "event_types": [kind.value for kind in subscription.kinds],
        "created_at": subscription.created_at,
        "previous_secret_until": previous.until if previous else None,
        **lane_shown(lane),
    }


def lane_shown(lane: Lane) -> dict[str, Any]:
    is_failing = lane.failures > 0
    return {
        "state": "paused" if lane.is_paused else "failing" if is_failing else "active",
        "since": lane.paused_at or lane.failing_since,
        "reason": lane.last_problem,
        "failures": lane.failures,
        "next_try_at": lane.due_at if is_failing else None,
    }


def delivery_shown(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": delivery.delivery_id,
        "state": delivery.state.value,
        "event": event_shown(delivery.published),
        "published_at": delivery.published_at,
        "tries": delivery.tries,
        "last_try": try_shown(delivery.last_try) if delivery.last_try else None,
        "replayed": delivery.replayed,
    }


def try_shown(tried: Try) -> dict[str, Any]:
    return {
        "at": tried.at,
        "took_ms": tried.took_ms,
        "http_status": tried.http_status,
        "answer": tried.answer,
        "problem": tried.problem,
    }

"""Delivering: what waits for one subscription goes out in order, one at a time, until there is no more or one fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.aws.queues import FairQueue
from offpeak.telemetry import count, logger, measure_ms
from offpeak.webhooks.hand_over import ask_to_deliver
from offpeak.webhooks.lane import LOOKED_AFTER_WITHIN, Lane, after
from offpeak.webhooks.lanes import LaneStore
from offpeak.webhooks.model import Delivery, DeliveryState, Try, WebhookKey
from offpeak.webhooks.post import Post
from offpeak.webhooks.subscriptions import SubscriptionStore

MOST_AT_ONCE = 20
"""Deliveries that one message works; then the next message is sent, so that no lane keeps a worker to itself."""
HELD_FOR = timedelta(minutes=15)
"""When a lane whose tenant is shut out is looked at again."""
BEGUN_WITHIN = timedelta(seconds=15)
"""After so long no further delivery is begun: the last one may take its time-out, and the function must end in time."""


@dataclass(frozen=True, slots=True)
class Courier:
    """What it takes to deliver. `is_shut_out` says whether a tenant is told nothing at the moment, `now` tells the
    house's time, `real_now` the real one; `new_id` makes a lease's id."""

    subscriptions: SubscriptionStore
    lanes: LaneStore
    post: Post
    queue: FairQueue
    is_shut_out: Callable[[str], bool]
    now: Callable[[], datetime]
    real_now: Callable[[], datetime]
    new_id: Callable[[], str]


def deliver(key: WebhookKey, by: Courier) -> None:
    """Deliver what waits for a subscription. Whoever else is at it, or a lane that has to wait, ends this at once; so
    does a suspended tenant, for whom everything waits."""
    lease_id, begun_at = by.new_id(), by.real_now()
    lane = by.lanes.take(key, lease_id, begun_at)
    if lane is None:
        return
    subscription = by.subscriptions.get(key)
    if subscription is None or not lane.may_go(by.now()):
        _give_back(key, lease_id, lane, by)
        return
    if by.is_shut_out(key.tenant_id):
        _give_back(key, lease_id, replace(lane, due_at=by.now() + HELD_FOR), by)
        return
    waiting = by.lanes.waiting(key, MOST_AT_ONCE + 1)
    left = waiting
    for delivery in waiting[:MOST_AT_ONCE]:
        if by.real_now() - begun_at > BEGUN_WITHIN:
            break
        tried = by.post.send(delivery, subscription)
        lane = after(lane, tried, by.now())
        by.lanes.keep(_tried(delivery, tried))
        _report(delivery, tried)
        if not tried.is_success:
            break
        left = left[1:]
    _let_go(key, lease_id, lane, by, more=bool(left))


def _let_go(key: WebhookKey, lease_id: str, lane: Lane, by: Courier, *, more: bool) -> None:
    """Leave a lane as its deliveries have left it: asleep, to be gone on with, waiting for its next try, or paused."""
    if lane.failures == 0:
        lane = replace(lane, due_at=by.now() + LOOKED_AFTER_WITHIN if more else None)
    if not _give_back(key, lease_id, lane, by):
        return
    if lane.is_paused:
        count("WebhooksPaused")
        logger.warning("webhook_paused", webhook_id=key.webhook_id, failures=lane.failures)
    elif lane.failures == 0 and more:
        ask_to_deliver(by.queue, key)


def _give_back(key: WebhookKey, lease_id: str, lane: Lane, by: Courier) -> bool:
    """Give a lane's lease back; where there is more to do by now (LaneStore.let_go), ask for that, and return False."""
    is_all = by.lanes.let_go(key, lease_id, lane)
    if not is_all:
        ask_to_deliver(by.queue, key)
    return is_all


def _tried(delivery: Delivery, tried: Try) -> Delivery:
    state = DeliveryState.DELIVERED if tried.is_success else DeliveryState.WAITING
    return replace(delivery, state=state, tries=delivery.tries + 1, last_try=tried)


def _report(delivery: Delivery, tried: Try) -> None:
    count("WebhooksDelivered" if tried.is_success else "WebhooksFailed")
    if tried.is_success and delivery.tries == 0 and delivery.replayed == 0:
        measure_ms("WebhookDelay", (tried.at - delivery.published_at) / timedelta(milliseconds=1) + tried.took_ms)
    logger.info(
        "webhook_delivered" if tried.is_success else "webhook_failed",
        webhook_id=delivery.key.webhook_id,
        delivery_id=delivery.delivery_id,
        http_status=tried.http_status,
        took_ms=tried.took_ms,
        tries=delivery.tries + 1,
    )

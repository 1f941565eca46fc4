"""An event becomes a delivery for each of its tenant's subscriptions that wants it, in the transaction that publishes
it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from offpeak.aws.queues import FairQueue
from offpeak.aws.tables import Table, Write
from offpeak.errors import QueueUnavailable
from offpeak.events.model import Event, Published
from offpeak.telemetry import logger
from offpeak.webhooks.lanes import LaneStore
from offpeak.webhooks.model import Delivery, WebhookKey
from offpeak.webhooks.rows import delivery_id_of, place_of
from offpeak.webhooks.subscriptions import SubscriptionStore


class HandOver:
    def __init__(self, subscriptions: SubscriptionStore, lanes: LaneStore, queue: FairQueue) -> None:
        self._subscriptions = subscriptions
        self._lanes = lanes
        self._queue = queue

    def deliveries_of(self, published: Published, at: datetime) -> Sequence[tuple[Table, Write]]:
        """Return the writes of an event's deliveries. `at` is the real time at which it is published."""
        event = published.event
        return [
            self._lanes.delivery_put(
                Delivery(key, delivery_id_of(key, event.event_id, at), place_of(published, at), published, at)
            )
            for key in self._wanting(event)
        ]

    def wake(self, event: Event, now: datetime) -> None:
        """Say that the deliveries of an event wait, where they need not wait for anything. `now` is the house's."""
        for key in self._wanting(event):
            lane = self._lanes.wake(key, now)
            if lane and lane.may_go(now):
                ask_to_deliver(self._queue, key)

    def _wanting(self, event: Event) -> list[WebhookKey]:
        subscriptions = self._subscriptions.of(event.stream.tenant_id)
        return [each.key for each in subscriptions if each.wants(event.kind)]


def ask_to_deliver(queue: FairQueue, key: WebhookKey) -> None:
    """Send the message that has a lane worked; one that gets lost is sent again by the sweep."""
    try:
        queue.send({"tenant_id": key.tenant_id, "webhook_id": key.webhook_id}, group=key.text[:128])
    except QueueUnavailable as error:
        logger.warning("deliveries_left_to_sweep", webhook_id=key.webhook_id, problem=str(error))

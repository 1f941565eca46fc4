"""What a tenant does about its webhooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.aws.queues import FairQueue
from offpeak.errors import ConcurrentChange, Erased, InvalidMessage, OutOfDate, SecretReplaced, UnknownObject, no_such
from offpeak.events.model import Event, EventKind, Published, Stream
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.telemetry import logger
from offpeak.webhooks.hand_over import ask_to_deliver
from offpeak.webhooks.lane import Lane
from offpeak.webhooks.lanes import LaneStore
from offpeak.webhooks.model import Delivery, DeliveryState, Subscription, WebhookKey
from offpeak.webhooks.post import Post
from offpeak.webhooks.rows import delivery_id_of, place_of, published_at_of
from offpeak.webhooks.secrets import SecretBox
from offpeak.webhooks.subscriptions import SubscriptionStore
from offpeak.webhooks.wire import NewWebhook, Replay, Rotation, WebhookChange, check_url, kinds_of

MOST_REPLAYED = 200
"""Deliveries that one call asks for again."""
MOST_ROTATIONS = 20
"""Requests that are remembered to have replaced a secret, so that none does so twice."""
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Webhooks:
    """`now` tells the house's time, `real_now` the real one.

    In each method `seen` is the revision that the tenant has looked at, None where any will do. All raise UnknownObject
    for a webhook that the tenant does not have.
    """

    subscriptions: SubscriptionStore
    lanes: LaneStore
    secrets: SecretBox
    post: Post
    queue: FairQueue
    rule: PeerAddressRule
    now: Callable[[], datetime]
    real_now: Callable[[], datetime]

    def create(self, key: WebhookKey, said: NewWebhook) -> tuple[Subscription, str]:
        """Subscribe; return the secret too, which is told to whoever sends the same request again, and never else.

        Raises InvalidMessage, AlreadyExists, SecretReplaced.
        """
        url, kinds = check_url(said.url, self.rule), kinds_of(said.event_types)
        if self.subscriptions.get(key):
            return self.created(key)
        text, secret = self.secrets.new(key)
        added = self.subscriptions.add(Subscription(key, url, self.real_now(), secret, kinds))
        logger.info("webhook_created", webhook_id=key.webhook_id)
        return added, text

    def created(self, key: WebhookKey) -> tuple[Subscription, str]:
        """Return what `create` has made and returned before. Raises Erased, SecretReplaced."""
        return self._made_by(None, self._still_there(key))

    def lane(self, key: WebhookKey) -> Lane:
        """Return how a webhook's deliveries go."""
        return self.lanes.get(key) or Lane()

    def change(self, key: WebhookKey, said: WebhookChange, *, seen: int | None) -> Subscription:
        """Change where events go, or which. Raises InvalidMessage, OutOfDate."""
        there = self._seen(key, seen)
        url = there.url if said.url is None else check_url(said.url, self.rule)
        kinds = there.kinds if said.event_types is None else kinds_of(said.event_types)
        return self.subscriptions.save(replace(there, url=url, kinds=kinds))

    def remove(self, key: WebhookKey, *, seen: int | None) -> None:
        """Unsubscribe. Raises OutOfDate."""
        self.subscriptions.remove(self._seen(key, seen))
        logger.info("webhook_removed", webhook_id=key.webhook_id)

    def rotate(self, key: WebhookKey, said: Rotation, made_by: str) -> tuple[Subscription, str]:
        """Replace the secret; return the new one. The old one goes on signing for a while; the one before it does not.

        `made_by` names the request: the same one again replaces nothing. Raises OutOfDate, SecretReplaced.
        """
        there = self.subscriptions.known(key)
        if made_by in there.rotated_by:
            return self._made_by(made_by, there)
        text, secret = self.secrets.new(key)
        until = self.real_now() + timedelta(seconds=said.overlap_s)
        previous = replace(there.secret, until=until) if said.overlap_s else None
        rotated_by = (*there.rotated_by, made_by)[-MOST_ROTATIONS:]
        rotated = replace(there, secret=secret, previous_secret=previous, rotated_by=rotated_by)
        logger.info("webhook_secret_rotated", webhook_id=key.webhook_id)
        return self.subscriptions.save(rotated), text

    def rotated(self, key: WebhookKey, made_by: str) -> tuple[Subscription, str]:
        """Return what `rotate` has made and returned before. Raises Erased, SecretReplaced."""
        return self._made_by(made_by, self._still_there(key))

    def test(self, key: WebhookKey, event_id: str) -> Delivery:
        """Send a test event at once, whatever waits or is paused, and return how that went."""
        subscription, at = self.subscriptions.known(key), self.real_now()
        event = Event(event_id, Stream(key.tenant_id), EventKind.WEBHOOK_TEST, at, {"webhook_id": key.webhook_id})
        published = Published(event, 0)
        delivery = Delivery(key, delivery_id_of(key, event_id, at), place_of(published, at), published, at)
        tried = self.post.send(delivery, subscription)
        state = DeliveryState.DELIVERED if tried.is_success else DeliveryState.FAILED
        settled = replace(delivery, state=state, tries=1, last_try=tried)
        self.lanes.keep(settled)
        return settled

    def resume(self, key: WebhookKey) -> Lane:
        """Let deliveries go on at once that are paused, or wait for their next try; return how they go now."""
        self.subscriptions.known(key)
        try:
            self.lanes.resume(key, self.now())
        except ConcurrentChange:
            raise no_such("webhook", key.webhook_id) from None
        ask_to_deliver(self.queue, key)
        logger.info("webhook_resumed", webhook_id=key.webhook_id)
        return self.lane(key)

    def deliveries(self, key: WebhookKey, before: str | None, limit: int) -> tuple[list[Delivery], str | None]:
        """Return a page of deliveries, and where the next one starts. Raises InvalidMessage for another's place."""
        self.subscriptions.known(key)
        if before is not None and not before.startswith(("WAITING#", "SETTLED#")):
            raise InvalidMessage("cursor", "is none that we gave out")
        return self.lanes.page(key, before, limit)

    def replay(self, key: WebhookKey, said: Replay) -> tuple[int, datetime | None]:
        """Deliver again, in order, what was delivered of a range; return how many, and where the rest of it begins.

        Raises InvalidMessage.
        """
        self.subscriptions.known(key)
        if said.until <= said.from_at:
            raise InvalidMessage("until", "must be later than from")
        found = self.lanes.settled(key, said.from_at, said.until, MOST_REPLAYED + 1)
        rest = found[MOST_REPLAYED].published_at if len(found) > MOST_REPLAYED else None
        return self._deliver_again(key, found[:MOST_REPLAYED]), rest

    def replay_one(self, key: WebhookKey, delivery_id: str) -> None:
        """Deliver one again. Raises UnknownObject where it is not there, or was not delivered."""
        self.subscriptions.known(key)
        at = published_at_of(delivery_id)
        found = self.lanes.settled(key, at, at + MILLISECOND, MOST_REPLAYED) if at else []
        if not self._deliver_again(key, [each for each in found if each.delivery_id == delivery_id]):
            raise UnknownObject("there is no such delivery that was delivered")

    def _deliver_again(self, key: WebhookKey, deliveries: list[Delivery]) -> int:
        again = [each for each in deliveries if each.published.event.kind is not EventKind.WEBHOOK_TEST]
        for each in again:
            waits = replace(each, state=DeliveryState.WAITING, replayed=each.replayed + 1)
            self.lanes.keep(waits)
        if again and self.lanes.wake(key, self.now()):
            ask_to_deliver(self.queue, key)
        return len(again)

    def _still_there(self, key: WebhookKey) -> Subscription:
        there = self.subscriptions.get(key)
        if there is None:
            raise Erased("the webhook whose secret this request made was deleted since")
        return there

    def _made_by(self, request: str | None, there: Subscription) -> tuple[Subscription, str]:
        """Return a subscription with its secret, where that is the one which a request has made: the subscription's
        first (None), or by a rotation."""
        if request != (there.rotated_by[-1] if there.rotated_by else None):
            raise SecretReplaced(
                "the secret that this request made was replaced since: who has no newer one, rotates it"
            )
        return there, self.secrets.opened(there, self.real_now())[0]

    def _seen(self, key: WebhookKey, seen: int | None) -> Subscription:
        there = self.subscriptions.known(key)
        if seen is not None and seen != there.revision:
            raise OutOfDate("it has changed since: read it again, and change what it is now")
        return there

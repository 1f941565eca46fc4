"""The webhooks table, its subscriptions: {tenant}/WEBHOOK#{id}, MOST_SUBSCRIPTIONS of a tenant at most."""

from __future__ import annotations

from dataclasses import replace

from offpeak.aws.tables import ConditionCheck, Delete, Put, Table, Update, write_together
from offpeak.errors import AlreadyExists, ConcurrentChange, OutOfDate, no_such
from offpeak.webhooks.lane import Lane
from offpeak.webhooks.model import MOST_SUBSCRIPTIONS, Subscription, WebhookKey
from offpeak.webhooks.rows import lane_key, lane_row, subscription_from, subscription_row


class SubscriptionStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, key: WebhookKey) -> Subscription | None:
        row = self._table.get(_subscription_key(key))
        return subscription_from(row) if row else None

    def known(self, key: WebhookKey) -> Subscription:
        """Return a subscription. Raises UnknownObject."""
        subscription = self.get(key)
        if subscription is None:
            raise no_such("webhook", key.webhook_id)
        return subscription

    def of(self, tenant_id: str) -> list[Subscription]:
        """Return all subscriptions of a tenant, by their ids."""
        rows = self._table.query("pk = :pk AND begins_with(sk, :webhook)", {":pk": tenant_id, ":webhook": "WEBHOOK#"})
        return [subscription_from(row) for row in rows]

    def add(self, subscription: Subscription) -> Subscription:
        """Write a new subscription with an empty lane; return it as saved.

        Raises AlreadyExists for one that is there, and where the tenant has as many as it may.
        """
        saved, key = replace(subscription, revision=1), subscription.key
        counted = Update(
            _count_key(key.tenant_id),
            "ADD subscriptions :one",
            "attribute_not_exists(subscriptions) OR subscriptions < :most",
            {":one": 1, ":most": MOST_SUBSCRIPTIONS},
        )
        new = "attribute_not_exists(pk)"
        try:
            write_together(
                [
                    (self._table, counted),
                    (self._table, Put(subscription_row(saved), new)),
                    (self._table, Put(lane_row(key, Lane()), new)),
                ]
            )
        except ConcurrentChange:
            if self.get(key):
                raise AlreadyExists(f"there is a webhook {key.webhook_id} already") from None
            if len(self.of(key.tenant_id)) < MOST_SUBSCRIPTIONS:
                raise
            raise AlreadyExists(
                f"there are {MOST_SUBSCRIPTIONS} webhooks already, and no tenant may have more: change or delete one"
            ) from None
        return saved

    def save(self, subscription: Subscription) -> Subscription:
        """Write what follows `subscription.revision`; return it as saved. Raises OutOfDate."""
        saved = replace(subscription, revision=subscription.revision + 1)
        try:
            self._table.write(Put(subscription_row(saved), "revision = :seen", {":seen": subscription.revision}))
        except ConcurrentChange:
            raise OutOfDate("it has changed since: read it again, and change what it is now") from None
        return saved

    def remove(self, subscription: Subscription) -> None:
        """Take a subscription away, with its secrets and its lane. What it was sent is kept until it expires.

        Raises OutOfDate where it has changed.
        """
        key = subscription.key
        gone = Delete(_subscription_key(key), "revision = :seen", {":seen": subscription.revision})
        counted = Update(_count_key(key.tenant_id), "ADD subscriptions :less", values={":less": -1})
        try:
            write_together([(self._table, gone), (self._table, Delete(lane_key(key))), (self._table, counted)])
        except ConcurrentChange:
            raise OutOfDate("it has changed since: read it again") from None

    def remove_all(self, tenant_id: str) -> int:
        """Take all subscriptions of a tenant away, and return how many there were."""
        ended = 0
        while there := self.of(tenant_id):
            for subscription in there:
                try:
                    self.remove(subscription)
                except OutOfDate:
                    continue  # It is looked at again.
                ended += 1
        return ended

    def none_of(self, tenant_id: str) -> tuple[Table, ConditionCheck]:
        """Return what makes a transaction fail while a tenant has a subscription."""
        none = "attribute_not_exists(subscriptions) OR subscriptions = :none"
        return self._table, ConditionCheck(_count_key(tenant_id), none, {":none": 0})


def _subscription_key(key: WebhookKey) -> dict[str, str]:
    return {"pk": key.tenant_id, "sk": f"WEBHOOK#{key.webhook_id}"}


def _count_key(tenant_id: str) -> dict[str, str]:
    return {"pk": tenant_id, "sk": "COUNT"}

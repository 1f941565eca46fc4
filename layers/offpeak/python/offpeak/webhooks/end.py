"""The end of a tenant's webhooks, as it is removed, and before another one may have its id."""

from __future__ import annotations

from offpeak.aws.tables import Also
from offpeak.telemetry import logger
from offpeak.tenants.model import Tenant
from offpeak.webhooks.subscriptions import SubscriptionStore
from offpeak.webhooks.told import ToldStore


def end_webhooks(tenant: Tenant, subscriptions: SubscriptionStore, told: ToldStore) -> Also:
    """End all webhooks of a tenant, and what it knows of its partners' trouble; return what makes the transaction fail
    that removes, or makes, the tenant where there is a webhook again."""
    ended = subscriptions.remove_all(tenant.tenant_id)
    if ended:
        # They are gone even where the transaction fails, and so the trail tells nothing.
        logger.info("tenant_webhooks_ended", tenant_id=tenant.tenant_id, webhooks=ended)
    told.forget(tenant)
    return [subscriptions.none_of(tenant.tenant_id)]

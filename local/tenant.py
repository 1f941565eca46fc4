"""A tenant of the embedded cloud, made as an operator's command makes one, but without waiting for its functions."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from local.app.offpeak import Credentials
from local.cloud import Cloud
from offpeak.aws.usage_plans import UsagePlan
from offpeak.oauth.access_store import AccessStore, new_client_id
from offpeak.oauth.access_tokens import own_issuer_for_apps
from offpeak.oauth.clients import Access, Client, credential
from offpeak.tenants.model import Look, Tenant, owner_id
from offpeak.tenants.store import TenantStore, access_key_of


def make_tenant(
    cloud: Cloud, tenant_id: str, look: Look, *, partner_ids: Sequence[str], redirect_urls: Sequence[str] = ()
) -> Credentials:
    """Make a tenant with a client and an ApiKey, and return what its app needs."""
    now, owner, table = datetime.now(UTC), owner_id(tenant_id), cloud.table("tenants")
    gateway = cloud.client("apigateway")
    [plan] = gateway.get_usage_plans()["items"]
    key = UsagePlan(gateway, plan["id"]).add_key(owner)
    tenant = Tenant(
        tenant_id, look, tuple(partner_ids), tuple(redirect_urls), usage_key=key.value, usage_key_id=key.key_id
    )
    TenantStore(table).save(tenant)
    client_id = new_client_id(owner, secrets.token_urlsafe(8))
    secret, api_key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    access = Access(owner).with_client(Client(client_id, now, secrets=(credential(secret, now),)))
    access = access.with_api_key(credential(api_key, now), old_ends_at=now)
    AccessStore(table, access_key_of).save(access)
    us = own_issuer_for_apps(cloud.base_url)
    return Credentials(cloud.base_url, f"{us.issuer}/oauth/token", us.audience or "", client_id, secret, api_key)

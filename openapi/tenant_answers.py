"""What answers of the operators' API on tenants hold."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from offpeak.ocpi.fields import Instant, Url
from offpeak.partners.settings import Name, PartnerId
from offpeak.tenants.settings import Colour, RedirectUrl, TenantId


class TenantInList(TypedDict):
    tenant_id: TenantId
    name: Name
    status: Literal["ACTIVE", "SUSPENDED"]


class TenantPage(TypedDict):
    tenants: list[TenantInList]
    next: str | None


class TenantShown(TypedDict):
    tenant_id: TenantId
    name: Name
    colour: Colour
    partner_ids: list[PartnerId]
    redirect_urls: list[RedirectUrl]
    suspended_at: Instant | None
    revision: int


class TenantRemoved(TypedDict):
    tenant_id: TenantId


class CredentialShown(TypedDict):
    begins_with: str
    made_at: Instant
    ends_at: Instant | None


class ClientShown(TypedDict):
    client_id: str
    issuer: Url | None
    made_at: Instant
    secrets: list[CredentialShown]


class AccessShown(TypedDict):
    clients: list[ClientShown]
    api_keys: list[CredentialShown]


class ClientMade(TypedDict):
    client_id: str
    client_secret: str
    api_key: str | None
    """null: it has one already."""
    base_url: Url
    """Where the app API is: /v1 follows."""
    token_url: Url
    audience: Url


class SecretMade(TypedDict):
    client_secret: str


class ApiKeyMade(TypedDict):
    api_key: str

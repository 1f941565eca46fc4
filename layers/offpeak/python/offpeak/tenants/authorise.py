"""Whoever calls: partners by partners/authorise.py, tenants by an access token of ours and an ApiKey beside it.

Which of the two a token is for says the client that it names. What is then found must be that client's in all: a
tenant's token is signed for another audience than a partner's, and opens /v1 alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from offpeak.errors import NotAllowed, NotAuthenticated
from offpeak.gateway import Deployed, allowing
from offpeak.oauth.access_store import AccessStore, partner_in
from offpeak.oauth.access_tokens import Issuer, claimed_client, issuer_of, read
from offpeak.oauth.key_sets import KeySets
from offpeak.ocpi.paths import TENANTS_AREA
from offpeak.partners import authorise as partners
from offpeak.partners.authorise import CACHED_S, Kept
from offpeak.partners.bearer import API_KEY, bearer_in, problem_with
from offpeak.tenants.model import Tenant, tenant_in
from offpeak.tenants.store import TenantStore


@dataclass(frozen=True, slots=True)
class FoundTenant:
    """Who shows an access token, until when at most (epoch seconds), and what is wrong, None where nothing is."""

    tenant: Tenant
    client_id: str
    expires_at_s: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class TenantBearers:
    """Finds tenants by their access tokens. `us` is who signs them, `real_now` tells real time."""

    tenants: TenantStore
    access: AccessStore
    us: Issuer
    keys: KeySets
    real_now: Callable[[], datetime]

    def find(self, token: str, api_key: str | None) -> FoundTenant:
        """Return who is calling.

        Raises NotAuthenticated for a token or client that is not known, NotAllowed for a tenant that is suspended.
        """
        if issuer_of(token) != self.us.issuer:
            raise NotAuthenticated("tenants' access tokens are those that we issue")
        shown = read(token, self.us, partial(self.keys.key, self.us))
        owner = partner_in(shown.client_id)
        tenant_id = tenant_in(owner) if owner else None
        tenant = self.tenants.load(tenant_id) if tenant_id else None
        access = self.access.load(owner) if owner and tenant else None
        if tenant is None or access is None or access.client(shown.client_id) is None:
            raise NotAuthenticated(f"the client {shown.client_id[:100]} is not known, or was revoked")
        if tenant.is_suspended:
            raise NotAllowed(f"tenant {tenant.tenant_id} is suspended")
        problem = shown.problem or problem_with(api_key, access, self.real_now())
        return FoundTenant(tenant, shown.client_id, shown.expires_at_s, problem)


def is_welcome(owner: str, tenants: TenantStore) -> bool:
    """Say whether the tenant that an owner of clients is may have access tokens."""
    tenant_id = tenant_in(owner)
    return tenant_id is not None and not tenants.is_shut_out(tenant_id)


class Authoriser:
    """Decides on requests of all callers; `now_s` tells monotonic seconds."""

    def __init__(
        self,
        of_partners: partners.Authoriser,
        bearers: TenantBearers,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._of_partners = of_partners
        self._bearers = bearers
        self._kept = Kept[FoundTenant](now_s)

    def authorise(self, headers: Mapping[str, str], resource: str, deployed: Deployed) -> dict[str, object]:
        """Return what API Gateway is answered about a request for `resource`, a path as our routes write it.

        Raises NotAuthenticated for callers that are not known, NotAllowed for those that are suspended, and for those
        that ask for what is not theirs.
        """
        said = {name.lower(): value for name, value in headers.items()}
        token, api_key = bearer_in(said.get("authorization")), said.get(API_KEY.lower())
        if token is None or not _is_tenants(token):
            return partners.policy(self._of_partners.authorise(headers, resource), deployed)
        found = self._kept.get((token, api_key), lambda: self._find(token, api_key))
        tenant_id = found.tenant.tenant_id
        if not resource.startswith(TENANTS_AREA):
            raise NotAllowed(f"tenant {tenant_id} has no business at {resource}")
        told = {"refusal": found.problem} if found.problem else {"tenant_id": tenant_id}
        return allowing(tenant_id, deployed, (TENANTS_AREA,), told, found.tenant.usage_key)

    def _find(self, token: str, api_key: str | None) -> tuple[FoundTenant, float]:
        """Return who it is, and the seconds for which that may be kept."""
        found = self._bearers.find(token, api_key)
        if found.problem is not None:
            return found, 0
        return found, min(CACHED_S, found.expires_at_s - self._bearers.real_now().timestamp())


def _is_tenants(token: str) -> bool:
    client_id = claimed_client(token)
    owner = partner_in(client_id) if client_id else None
    return owner is not None and tenant_in(owner) is not None

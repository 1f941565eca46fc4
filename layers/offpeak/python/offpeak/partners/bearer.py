"""Callers by OAuth2: an access token says which client it is, an ApiKey shows that it may use us.

Both have to belong to the same partner. Who shows a good token but lacks something else is known, so the refusal can
name what is missing; who shows none is told nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from offpeak.errors import NotAllowed, NotAuthenticated
from offpeak.oauth.access_store import AccessStore
from offpeak.oauth.access_tokens import LONGEST_TOKEN, Issuer, issuer_of, read
from offpeak.oauth.clients import Access
from offpeak.oauth.key_sets import KeySets
from offpeak.partners.model import Partner, PartnerStatus
from offpeak.partners.store import PartnerStore

API_KEY = "ApiKey"
"""The header's name."""

GONE = (PartnerStatus.LEFT, PartnerStatus.REMOVED)
"""A connection that has ended has ended for OAuth2 as well."""

_BEARER = re.compile(rf"bearer +([A-Za-z0-9._~+/=-]{{1,{LONGEST_TOKEN}}})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FoundClient:
    """Who shows an access token, until when at most (epoch seconds), and what is wrong, None where nothing is."""

    partner: Partner
    client_id: str
    expires_at_s: int
    problem: str | None = None


def bearer_in(header: str | None) -> str | None:
    """Return the access token in an Authorization header (RFC 6750, 2.1)."""
    match = _BEARER.fullmatch(header) if header else None
    return match[1] if match else None


def is_welcome(partner_id: str, partners: PartnerStore) -> bool:
    """Say whether a partner may have access tokens."""
    partner = partners.load(partner_id)
    return partner is not None and partner.status not in GONE and not partner.is_suspended


class Bearers:
    """Finds partners by their access tokens: those that we issue, and those of the issuers that operators allow."""

    def __init__(
        self,
        partners: PartnerStore,
        access: AccessStore,
        us: Issuer,
        own_keys: KeySets,
        outside_keys: KeySets,
        real_now: Callable[[], datetime],
    ) -> None:
        self._partners = partners
        self._access = access
        self._us = us
        self._own_keys = own_keys
        self._outside_keys = outside_keys
        self.real_now = real_now

    def find(self, token: str, api_key: str | None) -> FoundClient:
        """Return who is calling.

        Raises NotAuthenticated for a token or client that is not known, NotAllowed for a partner that is suspended,
        PeerUnavailable and PeerUnusable where an outside issuer's keys cannot be had.
        """
        name = issuer_of(token)
        if name == self._us.issuer:
            outside, issuer, keys = None, self._us, self._own_keys
        else:
            allowed = self._access.issuer(name)
            if allowed is None:
                raise NotAuthenticated(f"the access token is of an issuer that nobody allowed: {name[:100]}")
            outside, issuer, keys = name, allowed, self._outside_keys
        shown = read(token, issuer, partial(keys.key, issuer))
        partner_id = self._access.partner_of(shown.client_id, outside)
        access = self._access.load(partner_id) if partner_id else None
        partner = self._partners.load(partner_id) if partner_id else None
        if access is None or partner is None or access.client(shown.client_id, outside) is None:
            raise NotAuthenticated(f"the client {shown.client_id[:100]} is not known, or was revoked")
        if partner.status in GONE:
            raise NotAuthenticated(f"partner {partner.partner_id} is {partner.status.value}")
        if partner.is_suspended:
            raise NotAllowed(f"partner {partner.partner_id} is suspended")
        problem = shown.problem or problem_with(api_key, access, self.real_now())
        return FoundClient(partner, shown.client_id, shown.expires_at_s, problem)


def problem_with(api_key: str | None, access: Access, now: datetime) -> str | None:
    """Return what is wrong with an ApiKey that is shown beside a token of that access, None where nothing is."""
    if not api_key:
        return f"the header {API_KEY} is missing: it goes beside the access token"
    return None if access.has_api_key(api_key, now) else f"the header {API_KEY} holds no key of yours"

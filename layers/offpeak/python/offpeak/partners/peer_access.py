"""Our access at a partner that wants OAuth2 from us: what we hold, and when it is renewed. Pure.

A token is renewed in the last two fifths of its life, at a moment of its own, so that many tokens fetched together are
not renewed together. The old one is used until the new one has worked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.aws.secrets import EncryptedToken
from offpeak.oauth.token_client import TokenEndpoint

EARLIEST_SHARE, SPREAD_SHARE = 0.6, 0.15
"""Of a token's life: when it may be renewed first, and over how much of it renewals are spread."""
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(minutes=30)
LEASE = timedelta(seconds=20)
"""For how long whoever renews keeps others from doing the same: longer than that takes."""
SPARE = timedelta(seconds=10)
"""A token that ends within this time is not shown any more: it would end on its way."""
TRUSTED = timedelta(minutes=1)
"""A token that is refused so soon after it was fetched is not the fault: another one would be refused as well."""


@dataclass(frozen=True, slots=True)
class HeldToken:
    """An access token of ours, as it is stored."""

    token: EncryptedToken
    fetched_at: datetime
    expires_at: datetime

    def is_good(self, now: datetime) -> bool:
        return now < self.expires_at - SPARE


@dataclass(frozen=True, slots=True)
class PeerAccess:
    """All that we have for one partner. `api_key`: what it wants in `api_key_header` beside the token."""

    partner_id: str
    endpoint: TokenEndpoint
    secret: EncryptedToken
    api_key: EncryptedToken | None
    api_key_header: str
    renew_at: datetime
    held: HeldToken | None = None
    failures: int = 0
    """In a row."""
    leased_until: datetime | None = None
    revision: int = 0

    def is_leased(self, now: datetime) -> bool:
        """Say whether somebody renews it just now."""
        return self.leased_until is not None and now < self.leased_until


def leased(access: PeerAccess, now: datetime) -> PeerAccess:
    """Return the access while one of us renews it."""
    return replace(access, leased_until=now + LEASE)


def renewed(access: PeerAccess, held: HeldToken, spread: float) -> PeerAccess:
    """Return the access with a token that has worked; `spread` from 0 to 1 says when it is renewed in turn."""
    return replace(
        access,
        held=held,
        renew_at=renewal_at(held.fetched_at, held.expires_at, spread),
        failures=0,
        leased_until=None,
    )


def not_renewed(access: PeerAccess, now: datetime) -> PeerAccess:
    """Return the access after a renewal that failed: the token that is held stays, the next try waits longer."""
    wait = min(FIRST_RETRY * 2 ** min(access.failures, 10), LONGEST_RETRY)
    return replace(access, failures=access.failures + 1, renew_at=now + wait, leased_until=None)


def refused(access: PeerAccess, now: datetime) -> PeerAccess | None:
    """Return the access after the partner refused the token that is held, which then is held no more; None where
    another token would fare no better."""
    if access.held is None or now - access.held.fetched_at < TRUSTED:
        return None
    return replace(access, held=None, renew_at=now)


def renewal_at(fetched_at: datetime, expires_at: datetime, spread: float) -> datetime:
    """Return when a token is to be renewed."""
    return fetched_at + (expires_at - fetched_at) * (EARLIEST_SHARE + SPREAD_SHARE * spread)

"""What we call a partner with: the OCPI token that it gave us, or an access token that is fetched and kept fresh."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from offpeak.aws.secrets import TokenCipher
from offpeak.errors import ConcurrentChange, PeerUnavailable, PeerUnusable
from offpeak.oauth.token_client import Granted, fetch_token
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.envelope import RequestIds
from offpeak.ocpi.guarded_http import GuardedHttp
from offpeak.ocpi.tokens import BearerAccess, PeerToken
from offpeak.partners.model import Partner
from offpeak.partners.peer_access import HeldToken, PeerAccess, leased, not_renewed, refused, renewed
from offpeak.partners.peer_access_store import ACCESS_TOKEN, PeerAccessStore
from offpeak.partners.store import PartnerStore
from offpeak.telemetry import count, logger

TRIAL_S = 3.0


class CallsPartners(Protocol):
    """What calls partners needs of this."""

    def of(self, partner: Partner) -> PeerToken: ...

    def was_refused(self, partner: Partner) -> bool: ...


@dataclass(frozen=True, slots=True)
class PeerTokens:
    """`real_now` tells real time, `spread` a number from 0 to 1 by chance, `new_id` makes the id of a request."""

    partners: PartnerStore
    access: PeerAccessStore
    cipher: TokenCipher
    http: GuardedHttp
    client: OcpiClient
    real_now: Callable[[], datetime]
    spread: Callable[[], float]
    new_id: Callable[[], str]

    def of(self, partner: Partner) -> PeerToken:
        """Return what to call a partner with.

        Where it wants an access token and none is good, one is fetched now. Raises UnknownObject for a partner that is
        not registered, PeerUnavailable when no access token can be had.
        """
        return self.access_to(partner) or self.cipher.decrypt(self.partners.token_for(partner.partner_id))

    def access_to(self, partner: Partner) -> BearerAccess | None:
        """Return the access token to call a partner with, None where it wants OCPI tokens. Raises PeerUnavailable."""
        if not partner.uses_oauth:
            return None
        access = self.access.load(partner.partner_id)
        if access is None:
            raise PeerUnavailable("there is no access to this partner by OAuth2 any more")
        if access.held is None or not access.held.is_good(self.real_now()):
            access = self.renew(partner, access)
        if access.held is None or not access.held.is_good(self.real_now()):
            raise PeerUnavailable("the partner's token endpoint gave us no access token")
        return self._shown(access, self.cipher.decrypt(access.held.token))

    def was_refused(self, partner: Partner) -> bool:
        """Take note that a partner answered 401 to what `of` returned; say whether another try is worth it."""
        access = self.access.load(partner.partner_id) if partner.uses_oauth else None
        if access is not None and access.held is None:
            return True  # Another call was refused a moment before; the next one fetches a token.
        after = refused(access, self.real_now()) if access else None
        if after is None:
            return False
        logger.warning("peer_token_refused", partner_id=partner.partner_id)
        with suppress(ConcurrentChange):  # raised where somebody renews it already
            self.access.save(after)
        return True

    def renew(self, partner: Partner, access: PeerAccess) -> PeerAccess:
        """Fetch a new token, and take it once it has worked; return the access as it is then.

        A failure is counted, and leaves the token that was held. While somebody else renews, nothing happens.
        """
        if access.is_leased(self.real_now()):
            return access
        try:
            access = self.access.save(leased(access, self.real_now()))
        except ConcurrentChange:
            return self.access.load(access.partner_id) or access
        try:
            granted = fetch_token(access.endpoint, self.cipher.decrypt(access.secret), self.http)
            self._try_out(partner, access, granted)
        except (PeerUnavailable, PeerUnusable) as error:
            return self._failed(access, error)
        token = self.cipher.encrypt(granted.token, partner_id=partner.partner_id, purpose=ACCESS_TOKEN)
        now = self.real_now()
        held = HeldToken(token, now, now + granted.lifetime)
        logger.info("peer_token_renewed", partner_id=partner.partner_id, lifetime_s=granted.lifetime.total_seconds())
        count("PeerTokensRenewed")
        return self.access.save(renewed(access, held, self.spread()))

    def _try_out(self, partner: Partner, access: PeerAccess, granted: Granted) -> None:
        """See that a new token works where there is an old one to lose. Raises PeerUnavailable or PeerUnusable."""
        if access.held is None or not access.held.is_good(self.real_now()) or partner.peer_versions_url is None:
            return
        answer = self.client.call(
            "GET",
            partner.peer_versions_url,
            self._shown(access, granted.token),
            ids=RequestIds(self.new_id(), self.new_id()),
            timeout_s=TRIAL_S,
        )
        if answer.http_status in (401, 403):
            raise PeerUnavailable(f"the new access token was answered with HTTP {answer.http_status}")

    def _shown(self, access: PeerAccess, token: str) -> BearerAccess:
        api_key = self.cipher.decrypt(access.api_key) if access.api_key else None
        return BearerAccess(token, api_key, access.api_key_header)

    def _failed(self, access: PeerAccess, error: PeerUnavailable | PeerUnusable) -> PeerAccess:
        after = self.access.save(not_renewed(access, self.real_now()))
        count("PeerTokensFailed")
        logger.warning(
            "peer_token_not_renewed",
            partner_id=access.partner_id,
            problem=str(error),
            failures=after.failures,
            goes_on=access.held is not None and access.held.is_good(self.real_now()),
        )
        return after


def refresh_tokens(tokens: PeerTokens, now: datetime) -> None:
    """Renew every token that is due by `now`, whatever becomes of the others."""
    for partner_id in tokens.access.due(now):
        partner, access = tokens.partners.load(partner_id), tokens.access.load(partner_id)
        if partner is None or access is None or not partner.uses_oauth or access.renew_at > now:
            continue
        try:
            tokens.renew(partner, access)
        except ConcurrentChange:
            logger.info("peer_token_changed_meanwhile", partner_id=partner_id)

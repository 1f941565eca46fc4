"""What operators do about access: OAuth2 clients and ApiKeys of partners, outside issuers, and our access at partners.

What concerns a partner is written together with the entry of its audit trail. A new secret or key can be shown once
only: its hash is kept. Secrets that partners give us are kept encrypted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from offpeak.aws.secrets import EncryptedToken, TokenCipher
from offpeak.errors import ConcurrentChange, InvalidMessage, UnknownObject
from offpeak.oauth.access_store import AccessStore
from offpeak.oauth.access_tokens import Issuer
from offpeak.oauth.clients import Client
from offpeak.oauth.token_client import TokenEndpoint
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.partners.audit import Actor
from offpeak.partners.client_keeper import ClientKeeper
from offpeak.partners.peer_access import PeerAccess
from offpeak.partners.peer_access_store import API_KEY, CLIENT_SECRET
from offpeak.partners.peer_tokens import PeerTokens
from offpeak.partners.store import PartnerStore
from offpeak.telemetry import logger

MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class PeerSecrets:
    """What a partner gave us beside its token endpoint."""

    client_secret: str
    api_key: str | None = None
    api_key_header: str = "ApiKey"


@dataclass(frozen=True, slots=True)
class Admission:
    """Changes access; `clients` that of our own making. `real_now` tells real time.

    All raise UnknownObject for a partner, client or key that does not exist, InvalidMessage naming the field, and
    ConcurrentChange when others keep changing the same.
    """

    partners: PartnerStore
    clients: ClientKeeper
    peers: PeerTokens
    cipher: TokenCipher
    rule: PeerAddressRule
    real_now: Callable[[], datetime]

    @property
    def access(self) -> AccessStore:
        return self.clients.access

    def bind_client(self, partner_id: str, client_id: str, issuer: str, actor: Actor) -> None:
        """Take a client of an outside issuer as this partner's."""
        if self.access.issuer(issuer) is None:
            raise InvalidMessage("issuer", "is not allowed yet: allow it first")
        if self.access.partner_of(client_id, issuer) not in (None, partner_id):
            raise InvalidMessage("client_id", "is another partner's")
        client = Client(client_id, self.real_now(), issuer)
        self.clients.change(
            partner_id, actor, f"clients.{client_id}", f"of {issuer}", lambda before: before.with_client(client)
        )

    def allow_issuer(self, issuer: Issuer) -> None:
        """Take access tokens of an outside issuer, for the clients that are bound to partners."""
        problem = self.rule.problem(issuer.jwks_url)
        if problem is not None:
            raise InvalidMessage("jwks_url", problem)
        self.access.save_issuer(issuer)
        logger.warning("issuer_allowed", issuer=issuer.issuer, jwks_url=issuer.jwks_url)

    def forbid_issuer(self, issuer: str) -> None:
        """Take its tokens no more."""
        if self.access.issuer(issuer) is None:
            raise UnknownObject(f"there is no issuer {issuer}")
        self.access.remove_issuer(issuer)
        logger.warning("issuer_forbidden", issuer=issuer)

    def use_oauth(self, partner_id: str, endpoint: TokenEndpoint, secrets: PeerSecrets, actor: Actor) -> PeerAccess:
        """Call a partner with access tokens from now on. The first one is fetched at once: the answer holds it, or has
        a failure."""
        problem = self.rule.problem(endpoint.token_url)
        if problem is not None:
            raise InvalidMessage("token_url", problem)
        now = self.real_now()

        def encrypted(text: str, purpose: str) -> EncryptedToken:
            return self.cipher.encrypt(text, partner_id=partner_id, purpose=purpose)

        secret = encrypted(secrets.client_secret, CLIENT_SECRET)
        key = encrypted(secrets.api_key, API_KEY) if secrets.api_key else None
        for _ in range(MOST_TRIES):
            partner = self.partners.known(partner_id)
            before = self.peers.access.load(partner_id)
            wanted = PeerAccess(
                partner_id,
                endpoint,
                secret,
                key,
                secrets.api_key_header,
                now,
                revision=before.revision if before else 0,
            )
            told = self.clients.told(partner_id, actor, "our_access", endpoint.token_url)
            try:
                saved = self.partners.save(
                    replace(partner, uses_oauth=True), also=[*self.peers.access.putting(wanted), *told]
                )
            except ConcurrentChange:
                continue
            return self.peers.renew(saved, replace(wanted, revision=wanted.revision + 1))
        raise ConcurrentChange(f"partner {partner_id} is being changed by others")

    def use_tokens(self, partner_id: str, actor: Actor) -> None:
        """Call a partner with its OCPI token again, and forget what we had for OAuth2."""
        partner, access = self.partners.known(partner_id), self.peers.access.load(partner_id)
        if access is None:
            raise UnknownObject(f"partner {partner_id} is called with its OCPI token already")
        told = self.clients.told(partner_id, actor, "our_access", None)
        self.partners.save(replace(partner, uses_oauth=False), also=[*self.peers.access.removing(access), *told])

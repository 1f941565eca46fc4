"""What operators do about access: OAuth2 clients and ApiKeys of partners, outside issuers, and our access at partners.

What concerns a partner is written together with the entry of its audit trail. A new secret or key can be shown once
only: its hash is kept. Secrets that partners give us are kept encrypted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.aws.secrets import EncryptedToken, TokenCipher
from offpeak.errors import ConcurrentChange, InvalidMessage, UnknownObject
from offpeak.oauth.access_store import AccessStore, new_client_id
from offpeak.oauth.access_tokens import Issuer
from offpeak.oauth.clients import Access, Client, credential, followed
from offpeak.oauth.token_client import TokenEndpoint
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.partners.audit import Action, Actor, SettingChange
from offpeak.partners.model import Partner
from offpeak.partners.peer_access import PeerAccess
from offpeak.partners.peer_access_store import API_KEY, CLIENT_SECRET
from offpeak.partners.peer_tokens import PeerTokens
from offpeak.partners.store import Also, PartnerStore
from offpeak.partners.trail import AuditTrail
from offpeak.telemetry import count, logger

MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class NewClient:
    """What goes to the partner, by a safe way; `api_key` None: it has one already."""

    client_id: str
    secret: str
    api_key: str | None


@dataclass(frozen=True, slots=True)
class PeerSecrets:
    """What a partner gave us beside its token endpoint."""

    client_secret: str
    api_key: str | None = None
    api_key_header: str = "ApiKey"


@dataclass(frozen=True, slots=True)
class Admission:
    """Changes access. `new_text(n)` makes n random bytes into a text, `real_now` tells real time.

    All raise UnknownObject for a partner, client or key that does not exist, InvalidMessage naming the field, and
    ConcurrentChange when others keep changing the same.
    """

    partners: PartnerStore
    access: AccessStore
    peers: PeerTokens
    cipher: TokenCipher
    trail: AuditTrail
    rule: PeerAddressRule
    new_text: Callable[[int], str]
    real_now: Callable[[], datetime]

    def create_client(self, partner_id: str, actor: Actor) -> NewClient:
        """Make a client with a secret, and an ApiKey where the partner has none that is good."""
        now, secret, key = self.real_now(), self.new_text(48), self.new_text(32)
        client_id = new_client_id(partner_id, self.new_text(9))
        client = Client(client_id, now, secrets=(credential(secret, now),))

        def add(before: Access) -> Access:
            after = before.with_client(client)
            return after if _has_good_key(before, now) else after.with_api_key(credential(key, now), old_ends_at=now)

        saved = self._change(partner_id, actor, f"clients.{client_id}", "created", add)
        has_new_key = saved.has_api_key(key, now)
        return NewClient(client_id, secret, key if has_new_key else None)

    def rotate_client(self, partner_id: str, client_id: str, overlap: timedelta, actor: Actor) -> str:
        """Give a client another secret and return it; the one before it stays good for `overlap`."""
        now, secret = self.real_now(), self.new_text(48)

        def rotate(before: Access) -> Access:
            client = before.client(client_id)
            if client is None:
                raise UnknownObject(f"there is no client {client_id}")
            secrets = followed(client.secrets, credential(secret, now), now + overlap)
            return before.with_client(replace(client, secrets=secrets))

        self._change(partner_id, actor, f"clients.{client_id}", "rotated", rotate)
        return secret

    def revoke_client(self, partner_id: str, client_id: str, issuer: str | None, actor: Actor) -> None:
        """End a client: its access tokens are refused within half a minute."""
        self._change(
            partner_id,
            actor,
            f"clients.{client_id}",
            "revoked",
            lambda before: before.without_client(client_id, issuer),
        )

    def bind_client(self, partner_id: str, client_id: str, issuer: str, actor: Actor) -> None:
        """Take a client of an outside issuer as this partner's."""
        if self.access.issuer(issuer) is None:
            raise InvalidMessage("issuer", "is not allowed yet: allow it first")
        if self.access.partner_of(client_id, issuer) not in (None, partner_id):
            raise InvalidMessage("client_id", "is another partner's")
        client = Client(client_id, self.real_now(), issuer)
        self._change(
            partner_id, actor, f"clients.{client_id}", f"of {issuer}", lambda before: before.with_client(client)
        )

    def add_api_key(self, partner_id: str, overlap: timedelta, actor: Actor) -> str:
        """Give a partner another ApiKey and return it; the one before it stays good for `overlap`."""
        now, key = self.real_now(), self.new_text(32)
        added = credential(key, now)
        self._change(
            partner_id,
            actor,
            f"api_keys.{added.hint}",
            "added",
            lambda before: before.with_api_key(added, old_ends_at=now + overlap),
        )
        return key

    def revoke_api_key(self, partner_id: str, hint: str, actor: Actor) -> None:
        """End the ApiKey that begins with `hint`, within half a minute."""
        self._change(partner_id, actor, f"api_keys.{hint}", "revoked", lambda before: before.without_api_key(hint))

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
            partner = self._known(partner_id)
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
            told = self._told(partner_id, actor, "our_access", endpoint.token_url)
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
        partner, access = self._known(partner_id), self.peers.access.load(partner_id)
        if access is None:
            raise UnknownObject(f"partner {partner_id} is called with its OCPI token already")
        told = self._told(partner_id, actor, "our_access", None)
        self.partners.save(replace(partner, uses_oauth=False), also=[*self.peers.access.removing(access), *told])

    def _change(
        self, partner_id: str, actor: Actor, what: str, became: str, alter: Callable[[Access], Access]
    ) -> Access:
        self._known(partner_id)
        for _ in range(MOST_TRIES):
            after = alter(self.access.load(partner_id))
            try:
                saved = self.access.save(after, also=self._told(partner_id, actor, what, became))
            except ConcurrentChange:
                continue
            logger.info("access_changed", partner_id=partner_id, what=what, became=became, who=actor.who)
            count("PartnersChanged")
            return saved
        raise ConcurrentChange(f"the access of partner {partner_id} is being changed by others")

    def _told(self, partner_id: str, actor: Actor, what: str, became: str | None) -> Also:
        change = SettingChange(f"access.{what}", None, became)
        return self.trail.next_entry(partner_id, Action.ACCESS, actor, (change,), at=self.real_now())[1]

    def _known(self, partner_id: str) -> Partner:
        partner = self.partners.load(partner_id)
        if partner is None:
            raise UnknownObject(f"there is no partner {partner_id}")
        return partner


def _has_good_key(access: Access, now: datetime) -> bool:
    return any(each.is_good(now) for each in access.api_keys)

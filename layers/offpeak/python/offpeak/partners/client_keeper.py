"""OAuth2 clients of our own making and ApiKeys, whoever they belong to: a partner, or a tenant by its owner id.

Each change is written together with the entry of its owner's audit trail. A new secret or key can be shown once only:
its hash is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.aws.tables import Also
from offpeak.errors import ConcurrentChange, UnknownObject
from offpeak.oauth.access_store import AccessStore, new_client_id
from offpeak.oauth.clients import Access, Client, credential, followed
from offpeak.partners.audit import Action, Actor, SettingChange
from offpeak.partners.trail import AuditTrail
from offpeak.telemetry import count, logger

MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class NewClient:
    """What goes to its owner, by a safe way; `api_key` None: it has one already."""

    client_id: str
    secret: str
    api_key: str | None


@dataclass(frozen=True, slots=True)
class ClientKeeper:
    """Changes access. `check_known` raises UnknownObject for an owner that does not exist, `new_text(n)` makes n random
    bytes into a text, `real_now` tells real time.

    All raise UnknownObject for an owner, client or key that does not exist, InvalidMessage naming the field, and
    ConcurrentChange when others keep changing the same.
    """

    access: AccessStore
    trail: AuditTrail
    check_known: Callable[[str], object]
    new_text: Callable[[int], str]
    real_now: Callable[[], datetime]

    def create_client(self, owner: str, actor: Actor) -> NewClient:
        """Make a client with a secret, and an ApiKey where the owner has none that is good."""
        now, secret, key = self.real_now(), self.new_text(48), self.new_text(32)
        client_id = new_client_id(owner, self.new_text(9))
        client = Client(client_id, now, secrets=(credential(secret, now),))

        def add(before: Access) -> Access:
            after = before.with_client(client)
            return after if _has_good_key(before, now) else after.with_api_key(credential(key, now), old_ends_at=now)

        saved = self.change(owner, actor, f"clients.{client_id}", "created", add)
        has_new_key = saved.has_api_key(key, now)
        return NewClient(client_id, secret, key if has_new_key else None)

    def rotate_client(self, owner: str, client_id: str, overlap: timedelta, actor: Actor) -> str:
        """Give a client another secret and return it; the one before it stays good for `overlap`."""
        now, secret = self.real_now(), self.new_text(48)

        def rotate(before: Access) -> Access:
            client = before.client(client_id)
            if client is None:
                raise UnknownObject(f"there is no client {client_id}")
            secrets = followed(client.secrets, credential(secret, now), now + overlap)
            return before.with_client(replace(client, secrets=secrets))

        self.change(owner, actor, f"clients.{client_id}", "rotated", rotate)
        return secret

    def revoke_client(self, owner: str, client_id: str, issuer: str | None, actor: Actor) -> None:
        """End a client: its access tokens are refused within half a minute."""
        self.change(
            owner,
            actor,
            f"clients.{client_id}",
            "revoked",
            lambda before: before.without_client(client_id, issuer),
        )

    def add_api_key(self, owner: str, overlap: timedelta, actor: Actor) -> str:
        """Give an owner another ApiKey and return it; the one before it stays good for `overlap`."""
        now, key = self.real_now(), self.new_text(32)
        added = credential(key, now)
        self.change(
            owner,
            actor,
            f"api_keys.{added.hint}",
            "added",
            lambda before: before.with_api_key(added, old_ends_at=now + overlap),
        )
        return key

    def revoke_api_key(self, owner: str, hint: str, actor: Actor) -> None:
        """End the ApiKey that begins with `hint`, within half a minute."""
        self.change(owner, actor, f"api_keys.{hint}", "revoked", lambda before: before.without_api_key(hint))

    def change(self, owner: str, actor: Actor, what: str, became: str, alter: Callable[[Access], Access]) -> Access:
        self.check_known(owner)
        for _ in range(MOST_TRIES):
            after = alter(self.access.load(owner))
            try:
                saved = self.access.save(after, also=self.told(owner, actor, what, became))
            except ConcurrentChange:
                continue
            logger.info("access_changed", owner=owner, what=what, became=became, who=actor.who)
            count("AccessChanged")
            return saved
        raise ConcurrentChange(f"the access of {owner} is being changed by others")

    def told(self, owner: str, actor: Actor, what: str, became: str | None) -> Also:
        change = SettingChange(f"access.{what}", None, became)
        return self.trail.next_entry(owner, Action.ACCESS, actor, (change,), at=self.real_now())[1]


def _has_good_key(access: Access, now: datetime) -> bool:
    return any(each.is_good(now) for each in access.api_keys)

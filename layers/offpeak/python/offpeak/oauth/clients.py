"""What a partner may show instead of an OCPI token: OAuth2 clients with their secrets, and ApiKeys. Pure.

Secrets and keys are random texts of 256 bits or more, so their plain hashes give nothing away. While one is being
changed for another both are good, until a moment that was said when it was changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from offpeak.errors import InvalidMessage, UnknownObject

MOST_CLIENTS = 10
MOST_GOOD_AT_ONCE = 2
"""Of secrets of one client, and of ApiKeys of one partner."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret or a key, by its hash. `hint` is how it begins, for people; `ends_at` None: nobody has ended it."""

    digest: str
    hint: str
    made_at: datetime
    ends_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        return self.ends_at is None or now < self.ends_at


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth2 client of a partner. `issuer` None: we issue its tokens, and it has secrets here; else it is the
    outside issuer's, and `client_id` is what that one calls it."""

    client_id: str
    made_at: datetime
    issuer: str | None = None
    secrets: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """All of it, for one partner. Clients by issuer and id."""

    partner_id: str
    clients: Mapping[tuple[str | None, str], Client] = field(default_factory=dict)
    api_keys: tuple[Credential, ...] = ()
    revision: int = 0

    def client(self, client_id: str, issuer: str | None = None) -> Client | None:
        return self.clients.get((issuer, client_id))

    def has_api_key(self, api_key: str, now: datetime) -> bool:
        """Say whether a text is one of the partner's ApiKeys that are good now."""
        return any(_is(api_key, each) and each.is_good(now) for each in self.api_keys)

    def with_client(self, client: Client) -> Access:
        """Add a client, or put a changed one in place of what it was. Raises InvalidMessage."""
        clients = {**self.clients, (client.issuer, client.client_id): client}
        if len(clients) > MOST_CLIENTS:
            raise InvalidMessage("client_id", f"there are {MOST_CLIENTS} clients already; revoke one that is not used")
        return replace(self, clients=clients)

    def without_client(self, client_id: str, issuer: str | None = None) -> Access:
        """Take a client away: its tokens end with it. Raises UnknownObject."""
        if (issuer, client_id) not in self.clients:
            raise UnknownObject(f"there is no client {client_id}")
        return replace(self, clients={key: each for key, each in self.clients.items() if key != (issuer, client_id)})

    def with_api_key(self, key: Credential, *, old_ends_at: datetime) -> Access:
        """Add a key; the one that is good so far ends at `old_ends_at`."""
        return replace(self, api_keys=followed(self.api_keys, key, old_ends_at))

    def without_api_key(self, hint: str) -> Access:
        """Take away the keys that begin with `hint`. Raises UnknownObject."""
        kept = tuple(each for each in self.api_keys if each.hint != hint)
        if len(kept) == len(self.api_keys):
            raise UnknownObject(f"there is no ApiKey that begins with {hint}")
        return replace(self, api_keys=kept)


def credential(text: str, now: datetime) -> Credential:
    """Return what is kept of a new secret or key."""
    return Credential(digest(text), text[:6], now)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def has_secret(client: Client, secret: str, now: datetime) -> bool:
    """Say whether a text is a secret of the client that is good now."""
    return any(_is(secret, each) and each.is_good(now) for each in client.secrets)


def followed(before: tuple[Credential, ...], new: Credential, old_ends_at: datetime) -> tuple[Credential, ...]:
    """Return credentials after `new` was made: the newest of those before stays good until `old_ends_at` at most."""
    good = [each for each in before if each.is_good(new.made_at)][-(MOST_GOOD_AT_ONCE - 1) :]
    ending = (replace(each, ends_at=min(each.ends_at or old_ends_at, old_ends_at)) for each in good)
    return (*(each for each in ending if each.is_good(new.made_at)), new)


def _is(text: str, kept: Credential) -> bool:
    return compare_digest(digest(text), kept.digest)

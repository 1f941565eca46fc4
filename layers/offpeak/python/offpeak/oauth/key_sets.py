"""Published keys, as those who check tokens remember them: ours from our table, others' from their JWKS address."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offpeak.errors import OffpeakError, PeerUnavailable, PeerUnusable
from offpeak.oauth.access_tokens import ALGORITHMS, Issuer
from offpeak.oauth.key_store import SigningKeyStore
from offpeak.ocpi.envelope import Status
from offpeak.ocpi.guarded_http import GuardedHttp
from offpeak.ocpi.wire_json import JsonValue, read_json
from offpeak.telemetry import logger

if TYPE_CHECKING:
    from jwt import PyJWK

LARGEST_SET = 128 * 1024
MOST_KEYS = 50
FETCH_S = 2.0

PublicKeys = Sequence[Mapping[str, JsonValue]]
"""JSON Web Keys."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a key set is remembered, in seconds."""

    fresh_s: float
    """It is not asked for again while it is younger, unless for a key that it lacks."""
    ask_again_s: float
    """For a key that it lacks it is asked for again no sooner than this after the last time."""
    stale_s: float = 0.0
    """Where it cannot be fetched, it still counts while it is younger."""


OWN = Patience(fresh_s=30, ask_again_s=0)
"""A key of ours that was withdrawn is taken for half a minute more at most."""
OUTSIDE = Patience(fresh_s=600, ask_again_s=30, stale_s=24 * 3600)
"""An issuer that is down for hours shuts nobody out; strangers cannot make us ask it all the time."""


class KeySets:
    """The key sets of issuers. `fetch` returns what one publishes now, and may raise any OffpeakError."""

    def __init__(
        self,
        fetch: Callable[[Issuer], PublicKeys],
        patience: Patience,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._patience = patience
        self._now_s = now_s
        self._known: dict[str, tuple[float, list[PyJWK]]] = {}
        self._asked_at: dict[str, float] = {}

    def key(self, issuer: Issuer, kid: str | None) -> PyJWK | None:
        """Return the key that a token names; where it names none, the only one there is.

        Raises PeerUnavailable or PeerUnusable when the set is not known and cannot be fetched.
        """
        age_s = self._age_s(issuer)
        if age_s is None or age_s >= self._patience.fresh_s:
            self._refresh(issuer)
            return self._named(issuer, kid)
        found = self._named(issuer, kid)
        if found is None and self._now_s() - self._asked_at[issuer.jwks_url] >= self._patience.ask_again_s:
            self._refresh(issuer)
            found = self._named(issuer, kid)
        return found

    def _named(self, issuer: Issuer, kid: str | None) -> PyJWK | None:
        keys = self._known[issuer.jwks_url][1]
        if kid is None:
            return keys[0] if len(keys) == 1 else None
        return next((key for key in keys if key.key_id == kid), None)

    def _age_s(self, issuer: Issuer) -> float | None:
        known = self._known.get(issuer.jwks_url)
        return None if known is None else self._now_s() - known[0]

    def _refresh(self, issuer: Issuer) -> None:
        age_s, now_s = self._age_s(issuer), self._now_s()
        may_wait = age_s is not None and age_s < self._patience.stale_s
        if now_s - self._asked_at.get(issuer.jwks_url, -1e9) < self._patience.ask_again_s:
            if may_wait:
                return
            raise PeerUnavailable("the key set could not be had a moment ago")
        self._asked_at[issuer.jwks_url] = now_s
        try:
            self._known[issuer.jwks_url] = (now_s, _usable(self._fetch(issuer)))
        except OffpeakError as error:
            logger.warning("key_set_not_fetched", issuer=issuer.issuer, problem=str(error), goes_on=may_wait)
            if not may_wait:
                raise


def own_keys(store: SigningKeyStore) -> KeySets:
    """Return our own key set, read from our table."""
    return KeySets(lambda _: [dict(key.public) for key in store.load()[0]], OWN)


def outside_keys(http: GuardedHttp) -> KeySets:
    """Return the key sets of other issuers, fetched from where each says."""

    def fetch(issuer: Issuer) -> PublicKeys:
        answer = http.send("GET", issuer.jwks_url, {}, timeout_s=FETCH_S, largest=LARGEST_SET)
        if answer.http_status != 200:
            raise PeerUnavailable(f"the key set was answered with HTTP {answer.http_status}")
        return read_key_set(answer.body)

    return KeySets(fetch, OUTSIDE)


def read_key_set(body: bytes) -> PublicKeys:
    """Read a JSON Web Key Set (RFC 7517, 5). Raises PeerUnusable."""
    try:
        said = read_json(body.decode())
    except (UnicodeDecodeError, OffpeakError) as error:
        raise PeerUnusable(Status.PEER_UNUSABLE, f"the key set is not readable: {error}") from error
    keys = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(keys, list):
        raise PeerUnusable(Status.PEER_UNUSABLE, "the key set has no list of keys")
    return [key for key in keys[:MOST_KEYS] if isinstance(key, dict)]


def _usable(keys: PublicKeys) -> list[PyJWK]:
    """Leave out what cannot check a signature: keys for encryption, kinds that nobody knows (RFC 7517, 5)."""
    import jwt

    usable = []
    for each in keys:
        if each.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(dict(each))
        except (jwt.PyJWTError, ValueError, TypeError):
            logger.info("key_passed_over", kid=str(each.get("kid"))[:64], kind=str(each.get("kty"))[:16])
            continue
        if key.algorithm_name in ALGORITHMS:
            usable.append(key)
    return usable

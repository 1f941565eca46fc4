"""Our signing keys in the partners table: one row, so that the set changes as a whole or not at all.

The private halves are encrypted with the key that encrypts tokens. An elliptic-curve key (ES256) keeps tokens short and
signs in a fraction of a millisecond.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from offpeak.aws.secrets import EncryptedToken, TokenCipher
from offpeak.aws.tables import Put, Table
from offpeak.errors import ConcurrentChange
from offpeak.instants import format_instant, parse_instant
from offpeak.oauth.signing_keys import Keys, SigningKey, looked_after, signing
from offpeak.telemetry import count, logger

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ALGORITHM = "ES256"
KEY = {"pk": "SIGNING_KEYS", "sk": "SIGNING_KEYS"}
MOST_TRIES = 4


class SigningKeyStore:
    """The published halves; reading them takes no right to use the encryption key."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self) -> tuple[Keys, int]:
        """Return the keys and the revision of their row, which is 0 before the first."""
        row = self._table.get(KEY)
        return (tuple(map(_from_row, row["keys"])), int(row["revision"])) if row else ((), 0)

    def save(self, keys: Keys, revision: int) -> None:
        """Write the keys that follow those of `revision`. Raises ConcurrentChange."""
        row = {**KEY, "keys": [_to_row(key) for key in keys], "revision": revision + 1}
        if revision == 0:
            self._table.write(Put(row, "attribute_not_exists(pk)"))
        else:
            self._table.write(Put(row, "revision = :before", {":before": revision}))


class Signer:
    """Signs with the key whose turn it is, and looks after the keys. `new_id` makes the id of a key."""

    def __init__(self, store: SigningKeyStore, cipher: TokenCipher, new_id: Callable[[], str]) -> None:
        self._store = store
        self._cipher = cipher
        self._new_id = new_id

    def look_after_keys(self, now: datetime) -> Keys:
        """Do what is due, and return the keys that are published. Raises ConcurrentChange."""
        for _ in range(MOST_TRIES):
            keys, revision = self._store.load()
            wanted = looked_after(keys, now, lambda: self._new_key(now))
            if wanted == keys:
                return keys
            try:
                self._store.save(wanted, revision)
            except ConcurrentChange:
                continue  # Somebody else looked after them at the same moment.
            if wanted[-1] not in keys:
                logger.info("signing_key_made", kid=wanted[-1].kid, published=len(wanted))
            return wanted
        raise ConcurrentChange("the signing keys are being changed by others")

    def replace_keys(self, now: datetime) -> SigningKey:
        """Withdraw all keys at once, because a private half may have leaked: a new one signs. All tokens end."""
        _, revision = self._store.load()
        key = self._new_key(now)
        self._store.save((key,), revision)
        logger.warning("signing_keys_replaced", kid=key.kid)
        count("SigningKeysReplaced")
        return key

    def private_key(self, now: datetime) -> tuple[str, EllipticCurvePrivateKey]:
        """Return the id and the private half of the key that signs now."""
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key = signing(self.look_after_keys(now), now)
        assert key is not None
        assert key.private is not None
        pem = self._cipher.decrypt(_encrypted(key.kid, key.private))
        return key.kid, load_pem_private_key(pem.encode(), password=None)  # type: ignore[return-value]

    def _new_key(self, now: datetime) -> SigningKey:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
        from jwt.algorithms import ECAlgorithm

        kid = self._new_id()
        pair = ec.generate_private_key(ec.SECP256R1())
        pem = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = json.loads(ECAlgorithm.to_jwk(pair.public_key()))
        whole = {**public, "kid": kid, "use": "sig", "alg": ALGORITHM}
        private = self._cipher.encrypt(pem, partner_id=kid, purpose=PURPOSE).ciphertext
        return SigningKey(kid, whole, private, now)


PURPOSE = "signing"
"""Bound to the ciphertext, with the key's id in the place where a partner's stands."""


def _encrypted(kid: str, ciphertext: str) -> EncryptedToken:
    return EncryptedToken(kid, PURPOSE, ciphertext)


def _to_row(key: SigningKey) -> dict[str, Any]:
    row = {"kid": key.kid, "public": dict(key.public), "made_at": format_instant(key.made_at)}
    return row if key.private is None else {**row, "private": key.private}


def _from_row(row: dict[str, Any]) -> SigningKey:
    return SigningKey(row["kid"], row["public"], row.get("private"), parse_instant(row["made_at"]))

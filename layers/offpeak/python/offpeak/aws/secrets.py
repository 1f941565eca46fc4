"""Tokens that must be readable again, encrypted by KMS; a ciphertext opens for its own partner and purpose only."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CACHED_S = 300.0
MOST_CACHED = 1000


@dataclass(frozen=True, slots=True)
class EncryptedToken:
    """A token as it is stored. `purpose` says whose it is; with `partner_id` it is bound to the ciphertext."""

    partner_id: str
    purpose: str
    ciphertext: str


class TokenCipher:
    """Encrypts and decrypts tokens with one KMS key. What was decrypted is kept in memory for five minutes at most,
    because KMS is paid by the call; a new token has a new ciphertext and is never hidden by an old one."""

    def __init__(self, client: Any, key_id: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._key_id = key_id
        self._now_s = now_s
        self._known: dict[EncryptedToken, tuple[float, str]] = {}

    def encrypt(self, token: str, *, partner_id: str, purpose: str) -> EncryptedToken:
        """Encrypt one token."""
        answer = self._client.encrypt(
            KeyId=self._key_id,
            Plaintext=token.encode(),
            EncryptionContext={"partner_id": partner_id, "purpose": purpose},
        )
        return EncryptedToken(partner_id, purpose, b64encode(answer["CiphertextBlob"]).decode())

    def decrypt(self, encrypted: EncryptedToken) -> str:
        """Return the token."""
        now_s = self._now_s()
        known = self._known.get(encrypted)
        if known is not None and now_s < known[0]:
            return known[1]
        answer = self._client.decrypt(
            KeyId=self._key_id,
            CiphertextBlob=b64decode(encrypted.ciphertext),
            EncryptionContext={"partner_id": encrypted.partner_id, "purpose": encrypted.purpose},
        )
        token = str(answer["Plaintext"], "utf-8")
        if len(self._known) >= MOST_CACHED:
            self._known.clear()
        self._known[encrypted] = (now_s + CACHED_S, token)
        return token

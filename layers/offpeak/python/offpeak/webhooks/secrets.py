"""Secrets of subscriptions: each is made once, shown once, and kept encrypted for its own subscription."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from offpeak.aws.secrets import EncryptedToken, TokenCipher
from offpeak.webhooks.model import Secret, Subscription, WebhookKey

PREFIX = "whsec_"


class SecretBox:
    """`new_token` makes a random text of at least 128 bits."""

    def __init__(self, cipher: TokenCipher, new_token: Callable[[], str]) -> None:
        self._cipher = cipher
        self._new_token = new_token

    def new(self, key: WebhookKey) -> tuple[str, Secret]:
        """Return a new secret, in clear and as it is to be stored."""
        text = PREFIX + self._new_token()
        encrypted = self._cipher.encrypt(text, partner_id=_owner(key), purpose=_purpose(key))
        return text, Secret(encrypted.ciphertext)

    def opened(self, subscription: Subscription, real_now: datetime) -> list[str]:
        """Return the secrets in clear by which a delivery is signed now, the current one first."""
        owner, purpose = _owner(subscription.key), _purpose(subscription.key)
        return [
            self._cipher.decrypt(EncryptedToken(owner, purpose, secret.ciphertext))
            for secret in subscription.secrets_at(real_now)
        ]


def _owner(key: WebhookKey) -> str:
    """No partner's id has a tilde."""
    return f"tenant~{key.tenant_id}"


def _purpose(key: WebhookKey) -> str:
    return f"webhook~{key.webhook_id}"

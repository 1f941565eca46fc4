"""Tokens under KMS: readable by whom they are for, and cached no longer than promised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud_server import root_client
from offpeak.aws.secrets import TokenCipher


@pytest.fixture(scope="module")
def kms(dynamodb: Any) -> Any:
    return root_client("kms", dynamodb.meta.endpoint_url)


@pytest.fixture(scope="module")
def key_id(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["KeyId"])


class CountingKms:
    """KMS, with its calls counted."""

    def __init__(self, kms: Any) -> None:
        self._kms = kms
        self.decrypted = 0

    def encrypt(self, **request: Any) -> Any:
        return self._kms.encrypt(**request)

    def decrypt(self, **request: Any) -> Any:
        self.decrypted += 1
        return self._kms.decrypt(**request)


def test_a_token_comes_back_and_its_ciphertext_tells_nothing(kms: Any, key_id: str) -> None:
    cipher = TokenCipher(kms, key_id)
    encrypted = cipher.encrypt("secret", partner_id="acme", purpose="theirs")
    assert "secret" not in encrypted.ciphertext
    assert cipher.decrypt(encrypted) == "secret"


@pytest.mark.parametrize("changes", [{"partner_id": "other"}, {"purpose": "ours"}])
def test_a_ciphertext_opens_for_its_own_partner_and_purpose_only(
    kms: Any, key_id: str, changes: dict[str, str]
) -> None:
    cipher = TokenCipher(kms, key_id)
    encrypted = cipher.encrypt("secret", partner_id="acme", purpose="theirs")
    cipher.decrypt(encrypted)
    with pytest.raises(ClientError):
        cipher.decrypt(replace(encrypted, **changes))


def test_a_decrypted_token_is_kept_for_five_minutes_and_no_longer(kms: Any, key_id: str) -> None:
    counting, time_s = CountingKms(kms), [0.0]
    cipher = TokenCipher(counting, key_id, now_s=lambda: time_s[0])
    encrypted = cipher.encrypt("secret", partner_id="acme", purpose="theirs")
    for time_s[0], calls in ((0.0, 1), (299.0, 1), (300.0, 2), (301.0, 2)):
        assert cipher.decrypt(encrypted) == "secret"
        assert counting.decrypted == calls


def test_a_new_token_is_not_hidden_by_the_one_that_is_kept(kms: Any, key_id: str) -> None:
    cipher = TokenCipher(kms, key_id)
    for token in ("old", "new"):
        assert cipher.decrypt(cipher.encrypt(token, partner_id="acme", purpose="theirs")) == token

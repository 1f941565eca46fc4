"""Others' key sets: fetched seldom, believed for a while, and never a way to make us fetch all the time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from offpeak.errors import PeerUnavailable, PeerUnusable
from offpeak.oauth.access_tokens import Issuer
from offpeak.oauth.key_sets import OUTSIDE, KeySets, read_key_set

ISSUER = Issuer("https://issuer.example/", "https://issuer.example/jwks", "offpeak", "azp")


def rsa_key(kid: str | None = "r1", **members: Any) -> dict[str, Any]:
    public = json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key()))
    return {**public, **({"kid": kid} if kid else {}), **members}


def ec_key(kid: str = "e1") -> dict[str, Any]:
    return {**json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())), "kid": kid}


class Server:
    """An issuer's key set, and how often it was asked for; `keys` None: it does not answer."""

    def __init__(self, *keys: Mapping[str, Any]) -> None:
        self.keys: list[Mapping[str, Any]] | None = list(keys)
        self.asked = 0
        self.now_s = 0.0
        self.sets = KeySets(self._fetch, OUTSIDE, now_s=lambda: self.now_s)

    def _fetch(self, _: Issuer) -> list[Mapping[str, Any]]:
        self.asked += 1
        if self.keys is None:
            raise PeerUnavailable("no answer")
        return self.keys

    def has(self, kid: str | None) -> bool:
        return self.sets.key(ISSUER, kid) is not None


def test_keys_of_several_kinds_are_found_by_their_id() -> None:
    server = Server(rsa_key(), ec_key())
    assert server.has("r1")
    assert server.has("e1")
    assert server.asked == 1


def test_a_token_without_key_id_means_the_only_key() -> None:
    assert Server(rsa_key(kid=None)).has(None)
    assert not Server(rsa_key(), ec_key()).has(None)


@pytest.mark.parametrize(
    "useless",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "x"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "x", "alg": "HS256"},
        {"kty": "unheard-of", "kid": "x"},
        {"kid": "x"},
        {"kty": "RSA", "kid": "x"},
        {"kty": "EC", "crv": "P-256", "x": 7, "y": None, "kid": "x"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "x"},
    ],
)
def test_what_checks_no_signature_of_ours_is_passed_over(useless: dict[str, Any]) -> None:
    server = Server(useless, ec_key())
    assert not server.has("x")
    assert server.has("e1")


def test_a_key_for_encryption_checks_no_signature() -> None:
    assert not Server(rsa_key("x", use="enc")).has("x")


def test_a_new_key_is_learnt_at_once_and_an_unknown_one_asked_for_seldom() -> None:
    server = Server(ec_key("old"))
    assert server.has("old")
    server.keys = [ec_key("old"), ec_key("new")]
    server.now_s = OUTSIDE.ask_again_s
    assert server.has("new")
    for _ in range(100):
        assert not server.has("made-up")
    assert server.asked == 2
    server.now_s += OUTSIDE.ask_again_s
    assert not server.has("made-up")
    assert server.asked == 3


def test_a_withdrawn_key_is_taken_for_ten_minutes_at_most() -> None:
    server = Server(ec_key("old"))
    assert server.has("old")
    server.keys = [ec_key("new")]
    server.now_s = OUTSIDE.fresh_s
    assert not server.has("old")


def test_an_issuer_that_is_down_shuts_nobody_out_for_a_day() -> None:
    server = Server(ec_key())
    assert server.has("e1")
    server.keys = None
    for number in range(1, 20):
        server.now_s = OUTSIDE.fresh_s + number
        assert server.has("e1")
    assert server.asked == 2, "nor is it asked with every call"
    server.now_s = OUTSIDE.stale_s
    with pytest.raises(PeerUnavailable):
        server.has("e1")


def test_an_issuer_that_never_answered_is_our_problem_and_not_the_callers() -> None:
    server = Server()
    server.keys = None
    with pytest.raises(PeerUnavailable):
        server.has("e1")


def test_an_issuer_that_is_down_is_not_asked_for_every_token_that_names_it() -> None:
    server = Server()
    server.keys = None
    for _ in range(20):
        with pytest.raises(PeerUnavailable):
            server.has("r1")
    assert server.asked == 1
    server.keys = [rsa_key()]
    server.now_s += OUTSIDE.ask_again_s
    assert server.has("r1")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"keys": {}}', b'{"keys": null}', b"\xff"])
def test_what_is_no_key_set_is_refused(body: bytes) -> None:
    with pytest.raises(PeerUnusable):
        read_key_set(body)


def test_a_key_set_is_read_to_a_bound_and_what_is_no_key_is_left_out() -> None:
    assert len(read_key_set(json.dumps({"keys": [7, None, *[{"kty": "RSA"}] * 100]}).encode())) < 51

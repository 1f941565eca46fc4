"""Callers by OAuth2: the token says who, the ApiKey says that it may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from offpeak.errors import NotAllowed, NotAuthenticated
from offpeak.gateway import deployed_at
from offpeak.oauth.clients import Client
from offpeak.partners.authorise import CACHED_S, Authoriser, policy
from offpeak.partners.bearer import bearer_in
from offpeak.partners.model import PartnerStatus
from tests.partners.builders import a_partner
from tests.partners.issuing import API_KEY, CLIENT, Issuing

SESSIONS = "/ocpi/emsp/{version}/sessions/{country_code}/{party_id}/{session_id}"
METHOD_ARN = "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/production/PUT/ocpi/emsp/2.2.1/sessions/NL/ACM/s1"


@pytest.fixture
def admitted(issuing: Issuing) -> Issuing:
    """A partner acme with a client and an ApiKey."""
    issuing.partners.save(a_partner())
    issuing.admit()
    return issuing


def shown(token: str, api_key: str | None = API_KEY) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **({"apikey": api_key} if api_key is not None else {})}


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc.def.ghi", "abc.def.ghi"),
        ("bearer  abc", "abc"),
        ("Bearer", None),
        ("Bearer a b", None),
        ("Token abc", None),
        ("Bearer a\nb", None),
        ("Bearer " + "a" * 5000, None),
        ("", None),
        (None, None),
    ],
)
def test_a_bearer_is_read_from_its_header(header: str | None, token: str | None) -> None:
    assert bearer_in(header) == token


def test_a_token_with_its_key_is_let_in_and_throttled_as_the_partner(admitted: Issuing) -> None:
    partner = admitted.partner()
    admitted.partners.save(replace(partner, usage_key="u" * 40))
    decision = Authoriser(admitted.partners, admitted.bearers).authorise(shown(admitted.token()), SESSIONS)
    answer = policy(decision, deployed_at(METHOD_ARN, ""))
    assert answer["usageIdentifierKey"] == "u" * 40
    assert answer["context"] == {
        "partner_id": "acme",
        "parties": '[["NL", "ACM"]]',
        "strict": "false",
        "registered": "true",
    }


@pytest.mark.parametrize(
    ("api_key", "named"), [(None, "ApiKey is missing"), ("", "ApiKey is missing"), ("wrong", "ApiKey holds no key")]
)
def test_whoever_has_a_token_but_no_key_is_told_so_by_the_function(
    admitted: Issuing, api_key: str | None, named: str
) -> None:
    decision = Authoriser(admitted.partners, admitted.bearers).authorise(shown(admitted.token(), api_key), SESSIONS)
    assert decision.refusal is not None
    assert named in decision.refusal
    assert policy(decision, deployed_at(METHOD_ARN, ""))["context"] == {"refusal": decision.refusal}, (
        "and nothing that opens a door"
    )


def test_the_key_of_another_partner_is_no_key(admitted: Issuing) -> None:
    admitted.partners.save(a_partner("other"))
    admitted.admit("other", "other.1", "key-of-other")
    found = admitted.bearers.find(admitted.token(), "key-of-other")
    assert found.problem == "the header ApiKey holds no key of yours"
    assert admitted.bearers.find(admitted.token("other.1"), "key-of-other").problem is None


def test_a_token_that_has_expired_is_told_so(admitted: Issuing) -> None:
    token = admitted.token(exp=admitted.now - timedelta(minutes=2))
    assert admitted.bearers.find(token, API_KEY).problem == "the access token has expired"


def test_clocks_may_differ_by_a_minute(admitted: Issuing) -> None:
    near = timedelta(seconds=50)
    assert admitted.bearers.find(admitted.token(exp=admitted.now - near), API_KEY).problem is None
    assert admitted.bearers.find(admitted.token(iat=admitted.now + near), API_KEY).problem is None


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://somebody.else"},
        {"aud": None},
        {"exp": None},
        {"iss": None},
        {"iss": "https://nobody.allowed/"},
        {"iss": "\ud800"},
        {"client_id": None},
        {"client_id": ""},
        {"client_id": "acme.2"},
        {"client_id": "nobody.1"},
        {"client_id": "no-dot"},
        {"client_id": "n" * 3000 + ".1"},
        {"nbf": 2**31},
        {"iat": 2**31},
    ],
)
def test_a_token_of_ours_that_says_something_else_is_not_taken(admitted: Issuing, claims: dict[str, Any]) -> None:
    with pytest.raises(NotAuthenticated):
        admitted.bearers.find(admitted.token(**claims), API_KEY)


def forgeries(good: str) -> Iterator[str]:
    header, payload, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    stranger = ec.generate_private_key(ec.SECP256R1())
    yield jwt.encode(claims, stranger, "ES256", headers={"kid": kid})
    yield jwt.encode(claims, stranger, "ES256", headers={"kid": "unknown"})
    yield jwt.encode(claims, stranger, "ES256")
    yield jwt.encode(claims, None, "none", headers={"kid": kid})
    yield jwt.encode(claims, "x" * 64, "HS256", headers={"kid": kid})
    yield f"{header}.{payload}."
    yield f"{header}.{payload}"
    yield f"{header}.{payload[:-2]}AA.{signature}"
    yield f"{header}.{payload}.{signature[:-4]}AAAA"
    yield "e30.e30.e30"
    yield "..."
    yield "W1tbW1tb" * 400 + ".W10.x"


def test_nothing_that_we_did_not_sign_is_taken(admitted: Issuing) -> None:
    for forged in forgeries(admitted.token()):
        with pytest.raises(NotAuthenticated):
            admitted.bearers.find(forged, API_KEY)


def test_a_revoked_client_is_refused_after_half_a_minute_at_most(admitted: Issuing) -> None:
    time_s = [0.0]
    authoriser = Authoriser(admitted.partners, admitted.bearers, now_s=lambda: time_s[0])
    headers = shown(admitted.token())
    authoriser.authorise(headers, SESSIONS)
    admitted.access.save(admitted.access.load("acme").without_client(CLIENT))
    time_s[0] = CACHED_S - 1
    assert authoriser.authorise(headers, SESSIONS).refusal is None
    time_s[0] = CACHED_S
    with pytest.raises(NotAuthenticated):
        authoriser.authorise(headers, SESSIONS)
    assert CACHED_S <= 60


def test_a_decision_is_remembered_for_both_headers_together(admitted: Issuing) -> None:
    authoriser, token = Authoriser(admitted.partners, admitted.bearers), admitted.token()
    assert authoriser.authorise(shown(token), SESSIONS).refusal is None
    assert authoriser.authorise(shown(token, None), SESSIONS).refusal is not None
    assert authoriser.authorise(shown(token, "wrong"), SESSIONS).refusal is not None


def test_a_decision_is_not_remembered_beyond_the_token(admitted: Issuing) -> None:
    time_s = [0.0]
    authoriser = Authoriser(admitted.partners, admitted.bearers, now_s=lambda: time_s[0])
    headers = shown(admitted.token(exp=admitted.now + timedelta(seconds=5)))
    authoriser.authorise(headers, SESSIONS)
    admitted.access.save(admitted.access.load("acme").without_client(CLIENT))
    time_s[0] = 6.0
    with pytest.raises(NotAuthenticated):
        authoriser.authorise(headers, SESSIONS)


@pytest.mark.parametrize("status", [PartnerStatus.LEFT, PartnerStatus.REMOVED])
def test_a_connection_that_has_ended_has_ended_for_clients_too(admitted: Issuing, status: PartnerStatus) -> None:
    """C6"""
    partner = admitted.partner()
    admitted.partners.save(replace(partner, status=status))
    with pytest.raises(NotAuthenticated):
        admitted.bearers.find(admitted.token(), API_KEY)


def test_a_suspended_partner_is_shut_out(admitted: Issuing) -> None:
    partner = admitted.partner()
    admitted.partners.save(replace(partner, suspended_at=admitted.now))
    with pytest.raises(NotAllowed):
        admitted.bearers.find(admitted.token(), API_KEY)


def test_a_token_outlives_the_turn_of_the_key_that_signed_it(admitted: Issuing) -> None:
    token = admitted.token()
    admitted.signer.look_after_keys(admitted.now + timedelta(days=29))
    admitted.signer.look_after_keys(admitted.now + timedelta(days=30))
    assert len(admitted.keys.load()[0]) == 2
    assert admitted.bearers.find(token, API_KEY).problem is None


def test_replaced_keys_end_all_tokens(admitted: Issuing) -> None:
    token = admitted.token()
    admitted.signer.replace_keys(admitted.now)
    with pytest.raises(NotAuthenticated):
        admitted.bearers.find(token, API_KEY)
    assert admitted.bearers.find(admitted.token(), API_KEY).problem is None


def test_an_outside_client_without_issuer_row_is_unknown(admitted: Issuing) -> None:
    admitted.access.save(admitted.access.load("acme").with_client(Client("x", admitted.now, "https://issuer.example")))
    with pytest.raises(NotAuthenticated, match="nobody allowed"):
        admitted.bearers.find(admitted.token("x", iss="https://issuer.example"), API_KEY)


def test_a_partner_that_leaves_and_comes_again_does_not_bring_its_old_access(admitted: Issuing) -> None:
    """C6"""
    issuer = "https://issuer.example/"
    admitted.access.save(admitted.access.load("acme").with_client(Client("x", admitted.now, issuer)))
    token = admitted.token()
    gone = admitted.partners.save_without_tokens(replace(admitted.partner(), status=PartnerStatus.LEFT))
    admitted.partners.save(replace(gone, status=PartnerStatus.INVITED))
    with pytest.raises(NotAuthenticated):
        admitted.bearers.find(token, API_KEY)
    assert admitted.access.partner_of("x", issuer) is None, "another partner may have it"

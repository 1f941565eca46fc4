"""Who is calling, and what the gateway is told about it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.errors import NotAllowed, NotAuthenticated
from offpeak.gateway import deployed_at
from offpeak.ocpi.tokens import authorization
from offpeak.partners.authorise import CACHED_S, Authoriser, Decision, policy
from offpeak.partners.bearer import Bearers
from offpeak.partners.model import Party
from offpeak.partners.store import FoundToken, PartnerStore, TokenKind, Tokens, digest
from tests.partners.builders import a_full_partner, a_partner

METHOD_ARN = "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/production/PUT/ocpi/emsp/2.2.1/sessions/NL/ACM/s1"
DEPLOYED = deployed_at(METHOD_ARN, "")
SESSIONS = "/ocpi/emsp/{version}/sessions/{country_code}/{party_id}/{session_id}"
REGISTRATION = ["/ocpi/versions", "/ocpi/{version}", "/ocpi/{version}/credentials"]


def shown(token: str, *, raw: bool = False) -> dict[str, str]:
    return {"authorization": authorization(token, raw=raw)}


@pytest.fixture
def registered(store: PartnerStore) -> PartnerStore:
    """A store with a partner whose token C is "token-c"."""
    store.save_credentials(store.save(a_partner()), Tokens(current=digest("token-c")))
    return store


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_a_registered_partner_is_known_by_its_token_in_either_form(
    registered: PartnerStore, bearers: Bearers, raw: bool, name: str
) -> None:
    """T1, T2"""
    headers = {"accept": "*/*", name: authorization("token-c", raw=raw)}
    assert Authoriser(registered, bearers).authorise(headers, SESSIONS).found.partner.partner_id == "acme"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Token",
        "Token wrong",
        "Bearer token-c",
        "token-c",
        f"Token {base64.b64encode(b'token-c' + chr(10).encode()).decode()}",
        f"Token {base64.b64encode(b' token-c').decode()}",
        "Token TOKEN-C",
    ],
)
def test_nobody_else_is_known(registered: PartnerStore, bearers: Bearers, header: str | None) -> None:
    """T1, T2"""
    with pytest.raises(NotAuthenticated):
        Authoriser(registered, bearers).authorise({"Authorization": header} if header else {}, "/ocpi/versions")


@pytest.mark.parametrize("resource", REGISTRATION)
def test_a_token_a_is_good_for_versions_and_credentials(store: PartnerStore, bearers: Bearers, resource: str) -> None:
    """T1"""
    store.save_invitation(a_partner(), "token-a")
    assert Authoriser(store, bearers).authorise(shown("token-a"), resource).resources is not None


@pytest.mark.parametrize("resource", [SESSIONS, "/ocpi/emsp/{version}/chargingprofiles/{session_id}", "/ocpi", "/"])
def test_a_token_a_is_good_for_nothing_else(store: PartnerStore, bearers: Bearers, resource: str) -> None:
    """T1"""
    store.save_invitation(a_partner(), "token-a")
    with pytest.raises(NotAuthenticated):
        Authoriser(store, bearers).authorise(shown("token-a"), resource)


def test_the_first_use_of_a_token_ends_the_one_before_it(store: PartnerStore, bearers: Bearers) -> None:
    """C1, C4"""
    partner = store.save_invitation(a_partner(), "token-a")
    store.save_credentials(partner, Tokens(current=digest("token-c"), replaces=frozenset({digest("token-a")})))
    authoriser = Authoriser(store, bearers)
    authoriser.authorise(shown("token-a"), "/ocpi/versions")
    authoriser.authorise(shown("token-c"), SESSIONS)
    with pytest.raises(NotAuthenticated):
        authoriser.authorise(shown("token-a"), "/ocpi/versions")


def test_a_token_that_ended_is_refused_after_half_a_minute_at_most(registered: PartnerStore, bearers: Bearers) -> None:
    """C6"""
    time_s = [0.0]
    authoriser = Authoriser(registered, bearers, now_s=lambda: time_s[0])
    found = authoriser.authorise(shown("token-c"), SESSIONS).found
    registered.save_without_tokens(found.partner)
    time_s[0] = CACHED_S - 1
    assert authoriser.authorise(shown("token-c"), SESSIONS).found == found
    time_s[0] = CACHED_S
    with pytest.raises(NotAuthenticated):
        authoriser.authorise(shown("token-c"), SESSIONS)


def test_a_suspended_partner_is_refused_within_half_a_minute_and_let_in_again_at_once(
    registered: PartnerStore, bearers: Bearers
) -> None:
    time_s = [0.0]
    authoriser = Authoriser(registered, bearers, now_s=lambda: time_s[0])
    partner = authoriser.authorise(shown("token-c"), SESSIONS).found.partner
    suspended = registered.save(replace(partner, suspended_at=datetime(2027, 3, 1, tzinfo=UTC)))
    time_s[0] = CACHED_S
    for resource in (SESSIONS, *REGISTRATION):
        with pytest.raises(NotAllowed):
            authoriser.authorise(shown("token-c"), resource)
    registered.save(replace(suspended, suspended_at=None))
    assert authoriser.authorise(shown("token-c"), SESSIONS)


def test_a_token_a_of_a_suspended_partner_opens_nothing(store: PartnerStore, bearers: Bearers) -> None:
    store.save_invitation(replace(a_partner(), suspended_at=datetime(2027, 3, 1, tzinfo=UTC)), "token-a")
    with pytest.raises(NotAllowed):
        Authoriser(store, bearers).authorise(shown("token-a"), "/ocpi/versions")


def test_a_token_that_was_unknown_is_known_at_once_when_it_is_given_out(store: PartnerStore, bearers: Bearers) -> None:
    authoriser = Authoriser(store, bearers)
    with pytest.raises(NotAuthenticated):
        authoriser.authorise(shown("token-c"), SESSIONS)
    store.save_credentials(a_partner(), Tokens(current=digest("token-c")))
    assert authoriser.authorise(shown("token-c"), SESSIONS)


def allowed(answer: dict[str, object], method_arn: str) -> bool:
    statements = json.loads(json.dumps(answer))["policyDocument"]["Statement"]
    assert [each["Effect"] for each in statements] == ["Allow"]
    return any(fnmatchcase(method_arn, resource) for each in statements for resource in each["Resource"])


def decision(kind: TokenKind, resources: tuple[str, ...] | None) -> Decision:
    return Decision(FoundToken("digest", kind, a_full_partner()), resources)


METHODS = st.sampled_from(["GET", "PUT", "PATCH", "POST", "DELETE"])
PREFIX = METHOD_ARN.rpartition("/PUT/")[0]


@given(METHODS, st.sampled_from([SESSIONS, *REGISTRATION]))
def test_the_policy_of_a_registered_partner_covers_all_that_is_partners(method: str, path: str) -> None:
    answer = policy(decision(TokenKind.CREDENTIALS, None), DEPLOYED)
    assert allowed(answer, f"{PREFIX}/{method}{path}")
    assert not allowed(answer, f"{PREFIX.replace('production', 'qa')}/{method}{path}")
    assert not allowed(answer, f"{PREFIX.replace('a1b2c3', 'zzz')}/{method}{path}")


@given(METHODS)
def test_the_policy_of_a_token_a_covers_versions_and_credentials_alone(method: str) -> None:
    """T1"""
    answer = policy(decision(TokenKind.INVITATION, tuple(REGISTRATION)), DEPLOYED)
    paths = [path.replace("{version}", version) for path in REGISTRATION for version in ("2.2.1", "2.3.0", "2.2")]
    assert all(allowed(answer, f"{PREFIX}/{method}{path}") for path in paths)
    assert not allowed(answer, METHOD_ARN)


def test_functions_are_told_of_the_caller_in_texts() -> None:
    answer = policy(decision(TokenKind.CREDENTIALS, None), DEPLOYED)
    assert answer["context"] == {
        "partner_id": "full",
        "parties": '[["NL", "ACM"], ["be", "Ac2"]]',
        "strict": "true",
        "registered": "true",
    }
    assert answer["usageIdentifierKey"] == "k" * 40


def test_a_partner_without_a_key_is_not_given_an_empty_one() -> None:
    without = replace(a_full_partner(), usage_key=None, parties=(Party("NL", "ACM"),))
    answer = policy(Decision(FoundToken("d", TokenKind.INVITATION, without), ()), DEPLOYED)
    assert "usageIdentifierKey" not in answer

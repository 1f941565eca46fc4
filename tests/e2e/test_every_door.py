"""Every endpoint for partners, by every credential: who is let in, and how the others are refused."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from infra.routes import ROUTES
from local.cpo.wire import authorization
from offpeak.oauth.access_tokens import own_issuer
from tests.e2e.oauth import bearer, client_of, token_of, token_signed_at
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene, scene_on
from tests.e2e.stage import Answer, Stage

CREDENTIALS = "/ocpi/{version}/credentials"
REGISTRATION = {"/ocpi/versions", "/ocpi/{version}", CREDENTIALS}
ENDPOINTS = [(method, each.path) for each in ROUTES if each.caller == "partner" for method in each.methods]
OF_A_PARTY = [each for each in ENDPOINTS if "{party_id}" in each[1] and "hubclientinfo" not in each[1]]
"""A hub tells of parties that are not its own."""
IDS = {"X-Request-ID": "request-7", "X-Correlation-ID": "chain-7"}


class Shown(StrEnum):
    """What a caller shows."""

    NOTHING = "no token"
    WRONG = "a wrong token"
    TOKEN_A = "a token A"
    BASE64 = "a token C in Base64"
    RAW = "a token C as it is"
    OTHERS = "another partner's token C"
    OLD_SCHEME = "a token C as Bearer"
    GARBAGE = "a Bearer that is no JWT"
    FORGED = "a JWT that a stranger signed"
    UNSIGNED = "a JWT without signature"
    EXPIRED = "a JWT that has expired"
    JWT = "a JWT with its ApiKey"
    NO_KEY = "a JWT without ApiKey"
    WRONG_KEY = "a JWT with a wrong ApiKey"
    OTHERS_KEY = "a JWT with another partner's ApiKey"
    KEY_ONLY = "an ApiKey without token"
    SUSPENDED = "the token C of a suspended partner"
    SUSPENDED_JWT = "the JWT of a suspended partner"


REFUSED: Mapping[Shown, tuple[tuple[int, int], str]] = {
    Shown.NOTHING: ((401, 2001), "Authorization"),
    Shown.WRONG: ((401, 2001), "Authorization"),
    Shown.OLD_SCHEME: ((401, 2001), "Authorization"),
    Shown.GARBAGE: ((401, 2001), "Authorization"),
    Shown.FORGED: ((401, 2001), "Authorization"),
    Shown.UNSIGNED: ((401, 2001), "Authorization"),
    Shown.KEY_ONLY: ((401, 2001), "Authorization"),
    Shown.EXPIRED: ((401, 2001), "expired"),
    Shown.NO_KEY: ((401, 2001), "the header ApiKey is missing"),
    Shown.WRONG_KEY: ((401, 2001), "the header ApiKey"),
    Shown.OTHERS_KEY: ((401, 2001), "the header ApiKey"),
    Shown.SUSPENDED: ((403, 2000), ""),
    Shown.SUSPENDED_JWT: ((403, 2000), ""),
}
"""Refused everywhere: codes, and what the message has to name."""


@dataclass(frozen=True)
class Doors:
    """One partner with a session S1 and all that may be shown for it."""

    stage: Stage
    partner: Partner
    headers: Mapping[Shown, Mapping[str, str]]

    def ask(self, method: str, route: str, shown: Shown) -> Answer:
        party = self.partner.party
        path = route.format_map(
            {
                "version": "2.2.1",
                "country_code": party.country_code,
                "party_id": party.party_id,
                "session_id": "S1",
                "kind": "set",
                "request_id": "nobody-has-this-id",
                "location_id": "LOC-1",
                "evse_uid": "EVSE-1",
                "connector_id": "1",
                "tariff_id": "T1",
                "uid": "EVSE-1",
            }
        )
        body = None if method in ("GET", "DELETE") else "{}"
        return self.stage.ask(method, path, None, headers={**IDS, **self.headers[shown]}, content=body)


@pytest.fixture(scope="module")
def doors(stage: Stage) -> Iterator[Doors]:
    with scene_on(stage) as scene:
        yield doors_of(scene)


def doors_of(scene: Scene) -> Doors:
    stage = scene.stage
    partner, other, suspended, newcomer = scene.partner(), scene.partner(), scene.partner(), scene.invited()
    assert partner.put(partner.session("S1")).codes == (201, 1000)
    client, others, shut_out = client_of(partner), client_of(other), client_of(suspended)
    suspended.command("suspend")
    token, now = token_of(stage, client), datetime.now(UTC)
    long_ago = now - timedelta(days=14, minutes=2)
    claims = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    assert claims["iss"] == own_issuer(scene.cloud.base_url).issuer
    forged = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": kid})
    unsigned = jwt.encode(claims, None, "none", headers={"kid": kid})
    key = client.api_key

    def ocpi(text: str, *, raw: bool = False) -> Mapping[str, str]:
        return {"Authorization": authorization(text, raw=raw)}

    headers: dict[Shown, Mapping[str, str]] = {
        Shown.NOTHING: {},
        Shown.WRONG: ocpi(secrets.token_urlsafe(48)),
        Shown.TOKEN_A: ocpi(newcomer.token_a),
        Shown.BASE64: ocpi(partner.token_c),
        Shown.RAW: ocpi(partner.token_c, raw=True),
        Shown.OTHERS: ocpi(other.token_c),
        Shown.OLD_SCHEME: bearer(partner.token_c, key),
        Shown.GARBAGE: bearer("e30.e30.e30", key),
        Shown.FORGED: bearer(forged, key),
        Shown.UNSIGNED: bearer(unsigned, key),
        Shown.EXPIRED: bearer(token_signed_at(stage, client, long_ago), key),
        Shown.JWT: bearer(token, key),
        Shown.NO_KEY: bearer(token),
        Shown.WRONG_KEY: bearer(token, secrets.token_urlsafe(32)),
        Shown.OTHERS_KEY: bearer(token, others.api_key),
        Shown.KEY_ONLY: {"ApiKey": key},
        Shown.SUSPENDED: ocpi(suspended.token_c),
        Shown.SUSPENDED_JWT: bearer(token_signed_at(stage, shut_out, now), shut_out.api_key),
    }
    return Doors(stage, partner, headers)


def is_ocpi(answer: Answer) -> bool:
    """Say whether an answer has OCPI's envelope and gives the request's ids back."""
    return {"status_code", "timestamp"} <= answer.envelope.keys() and all(
        answer.headers.get(name) == value for name, value in IDS.items()
    )


@pytest.mark.parametrize("shown", REFUSED)
@pytest.mark.parametrize(("method", "route"), ENDPOINTS)
def test_who_is_refused_everywhere(doors: Doors, method: str, route: str, shown: Shown) -> None:
    """T1, T2, T3, T5"""
    codes, named = REFUSED[shown]
    answer = doors.ask(method, route, shown)
    assert answer.codes == codes
    assert named in answer.message
    assert is_ocpi(answer)
    assert answer.data is None


@pytest.mark.parametrize(("method", "route"), ENDPOINTS)
def test_a_token_a_registers_and_does_nothing_else(doors: Doors, method: str, route: str) -> None:
    """T1"""
    answer = doors.ask(method, route, Shown.TOKEN_A)
    assert (answer.codes == (401, 2001)) == (route not in REGISTRATION)
    assert is_ocpi(answer)


@pytest.mark.parametrize("shown", [Shown.BASE64, Shown.RAW, Shown.JWT])
@pytest.mark.parametrize(("method", "route"), [each for each in ENDPOINTS if each != ("DELETE", CREDENTIALS)])
def test_who_is_let_in(doors: Doors, method: str, route: str, shown: Shown) -> None:
    """T1, T2: a JWT does all that a token C does, except to exchange that token for another."""
    answer = doors.ask(method, route, shown)
    is_refused = shown is Shown.JWT and route == CREDENTIALS
    assert (answer.http_status in (401, 403)) == is_refused
    assert is_ocpi(answer)


@pytest.mark.parametrize(("method", "route"), OF_A_PARTY)
def test_another_partner_finds_nothing_here(doors: Doors, method: str, route: str) -> None:
    """T8"""
    answer = doors.ask(method, route, Shown.OTHERS)
    assert answer.codes == (404, 2000)
    assert is_ocpi(answer)


def test_the_session_was_never_shown_to_another(doors: Doors) -> None:
    """T8: after all of these."""
    assert doors.partner.get("S1").data["id"] == "S1"

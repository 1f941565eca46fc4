"""Tenants at the door: a token of theirs with an ApiKey of theirs opens the app API, and nothing else opens it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from offpeak.errors import NotAllowed, NotAuthenticated, TokenRefused
from offpeak.gateway import deployed_at
from offpeak.oauth.access_tokens import own_issuer_for_apps
from offpeak.oauth.token_request import APP_SCOPE, Office, TokenRequest, give_token
from offpeak.ocpi.tokens import authorization
from offpeak.partners.authorise import CACHED_S
from offpeak.partners.store import Tokens, digest
from offpeak.tenants.authorise import is_welcome
from offpeak.tenants.model import owner_id
from tests.partners import issuing as partners
from tests.partners.builders import a_partner
from tests.partners.issuing import BASE_URL, SECRET
from tests.tenants.builders import a_tenant
from tests.tenants.conftest import API_KEY, CLIENT, Doors

USERS = "/v1/users"
SESSIONS = "/ocpi/emsp/{version}/sessions/{country_code}/{party_id}/{session_id}"
DEPLOYED = deployed_at("arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/production/GET/v1/users", "")


def shown(token: str, api_key: str | None = API_KEY) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **({"apikey": api_key} if api_key is not None else {})}


def ask(doors: Doors, headers: dict[str, str], resource: str = USERS) -> Any:
    return doors.authoriser.authorise(headers, resource, DEPLOYED)


def test_a_tenant_is_known_by_its_token_and_key_and_throttled_by_a_key_of_its_own(doors: Doors) -> None:
    answer = ask(doors, shown(doors.token()))
    assert answer["context"] == {"tenant_id": "hearth"}
    assert answer["usageIdentifierKey"] == "u" * 40
    [statement] = answer["policyDocument"]["Statement"]
    assert all("/v1/*" in each and "ocpi" not in each for each in statement["Resource"])


@pytest.mark.parametrize("api_key", [None, "", "wrong", partners.API_KEY, "key-of-other"])
def test_a_token_without_a_key_of_the_same_tenant_opens_nothing_and_is_told_why(
    doors: Doors, api_key: str | None
) -> None:
    doors.tenants.save(a_tenant("other"))
    doors.admit("other", "key-of-other")
    context = ask(doors, shown(doors.token(), api_key))["context"]
    assert "tenant_id" not in context
    assert "ApiKey" in context["refusal"]


@pytest.mark.parametrize(
    "resource",
    ["/ocpi/versions", SESSIONS, "/ocpi2.2/pair", "/ocpp2.0.1/pair", "/", "/v1", "/V1/users", "/pair/{token}"],
)
def test_a_tenant_has_no_business_outside_the_app_api(doors: Doors, resource: str) -> None:
    with pytest.raises(NotAllowed):
        ask(doors, shown(doors.token()), resource)


def test_a_partner_has_no_business_in_the_app_api_whatever_it_shows(doors: Doors) -> None:
    doors.issuing.partners.save_credentials(
        doors.issuing.partners.save(a_partner("second")), Tokens(current=digest("token-c"))
    )
    by_oauth = shown(doors.issuing.token(), partners.API_KEY)
    by_token = {"Authorization": authorization("token-c", raw=False)}
    for headers in (by_oauth, by_token):
        assert ask(doors, headers, "/ocpi/versions")["context"]["partner_id"]
        assert ask(doors, headers, "/ocpi2.2/pair")["context"]["partner_id"]
        with pytest.raises(NotAllowed):
            ask(doors, headers, USERS)


def test_a_token_that_was_signed_for_partners_is_none_for_apps_nor_the_other_way_round(doors: Doors) -> None:
    with pytest.raises(NotAuthenticated):
        ask(doors, shown(doors.token(aud=f"{BASE_URL}/ocpi")))
    with pytest.raises(NotAuthenticated):
        ask(doors, shown(doors.issuing.token(aud=f"{BASE_URL}/v1"), partners.API_KEY), "/ocpi/versions")


@pytest.mark.parametrize(
    "client_id",
    [f"{owner_id('nobody')}.1", f"{owner_id('hearth')}.2", "hearth.1", f"{owner_id('')}.1", "tenant~.1", "acme.1"],
)
def test_a_client_that_nobody_made_is_not_known(doors: Doors, client_id: str) -> None:
    with pytest.raises(NotAuthenticated):
        ask(doors, shown(doors.token(client_id)))


def test_a_token_whose_claims_were_altered_is_not_taken(doors: Doors) -> None:
    doors.tenants.save(a_tenant("other"))
    doors.admit("other", "key-of-other")
    header, payload, signature = doors.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "client_id": f"{owner_id('other')}.1"}).encode())
    with pytest.raises(NotAuthenticated):
        ask(doors, shown(f"{header}.{forged.decode().rstrip('=')}.{signature}", "key-of-other"))


def test_a_suspended_tenant_and_a_revoked_client_are_out_within_half_a_minute(doors: Doors) -> None:
    authoriser, headers = doors.authoriser, shown(doors.token())
    authoriser.authorise(headers, USERS, DEPLOYED)
    tenant = doors.tenants.known("hearth")
    doors.tenants.save(replace(tenant, suspended_at=doors.issuing.now))
    doors.time_s[0] = CACHED_S - 1
    assert authoriser.authorise(headers, USERS, DEPLOYED)
    doors.time_s[0] = CACHED_S
    with pytest.raises(NotAllowed):
        authoriser.authorise(headers, USERS, DEPLOYED)
    doors.tenants.save(replace(doors.tenants.known("hearth"), suspended_at=None))
    assert authoriser.authorise(headers, USERS, DEPLOYED), "and in again at once"
    doors.access.save(doors.access.load(owner_id("hearth")).without_client(CLIENT))
    doors.time_s[0] += CACHED_S
    with pytest.raises(NotAuthenticated):
        authoriser.authorise(headers, USERS, DEPLOYED)


def office(doors: Doors) -> Office:
    return Office(
        own_issuer_for_apps(BASE_URL), doors.access, lambda owner: is_welcome(owner, doors.tenants), APP_SCOPE
    )


def test_a_token_from_the_endpoint_opens_the_app_api(doors: Doors) -> None:
    asked = TokenRequest(CLIENT, SECRET, f"{BASE_URL}/v1")
    given = give_token(asked, office(doors), doors.issuing.signer, token_id="t1", now=doors.issuing.now)
    assert given["scope"] == "app"
    assert ask(doors, shown(str(given["access_token"])))["context"] == {"tenant_id": "hearth"}


def test_no_token_for_a_wrong_secret_another_audience_or_a_suspended_tenant(doors: Doors) -> None:
    def refused(asked: TokenRequest) -> str:
        with pytest.raises(TokenRefused) as refusal:
            give_token(asked, office(doors), doors.issuing.signer, token_id="t1", now=doors.issuing.now)
        return refusal.value.error

    assert refused(TokenRequest(CLIENT, "wrong", None)) == "invalid_client"
    assert refused(TokenRequest(CLIENT, SECRET, f"{BASE_URL}/ocpi")) == "invalid_request"
    doors.tenants.save(replace(doors.tenants.known("hearth"), suspended_at=doors.issuing.now))
    assert refused(TokenRequest(CLIENT, SECRET, None)) == "unauthorized_client"

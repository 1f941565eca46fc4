"""OAuth2 in both directions, as a CPO goes through it: over the wire, with the deployed stack and its clocks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.cpo import OAuthSettings, Place, TokenMisbehaviour
from local.cpo.places import location_object
from local.loopback_server import LoopbackServer
from offpeak.instants import format_instant
from offpeak.profiles.model import RequestState
from tests.e2e.oauth import access, ask_token, bearer, client_of, token_of
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import Answer

OURS_THERE = OAuthSettings("offpeak", "our-secret-at-the-cpo-0123456789", api_key="our-key-at-the-cpo-0123456789")


def put_with(partner: Partner, session_id: str, headers: dict[str, str]) -> Answer:
    return partner.stage.ask("PUT", partner.path(session_id), None, headers=headers, body=partner.session(session_id))


# -- tokens that we give out


@pytest.mark.parametrize("basic", [False, True])
def test_a_client_gets_a_token_that_anybody_can_check_and_works_with_it(scene: Scene, basic: bool) -> None:
    """RFC 6749, 4.4; RFC 9068; RFC 7517"""
    partner = scene.partner()
    client = client_of(partner)
    answer = ask_token(scene.stage, client, basic=basic, audience=client.audience)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    said = answer.json()
    scene.stage.tokens.add(said["access_token"])
    assert (said["token_type"], said["expires_in"]) == ("Bearer", 14 * 24 * 3600)

    published = scene.stage.http.get(f"{scene.cloud.base_url}/.well-known/jwks.json")
    assert "max-age" in published.headers["Cache-Control"]
    assert all("d" not in key for key in published.json()["keys"]), "no private half"
    keys = jwt.PyJWKSet.from_dict(published.json())
    key = keys[jwt.get_unverified_header(said["access_token"])["kid"]]
    claims = jwt.decode(
        said["access_token"], key, algorithms=["ES256"], audience=client.audience, issuer=scene.cloud.base_url
    )
    assert claims["sub"] == claims["client_id"] == client.client_id
    assert claims["exp"] - claims["iat"] == 14 * 24 * 3600
    assert claims["jti"]

    assert put_with(partner, "S1", bearer(said["access_token"], client.api_key)).codes == (201, 1000)
    assert partner.get("S1").codes == (200, 1000), "and the OCPI token works as before"


@pytest.mark.parametrize(
    ("form", "http_status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody.1"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"audience": "https://somebody.else"}, 400, "invalid_request"),
    ],
)
def test_a_wrong_request_for_a_token_is_refused_in_json(
    scene: Scene, form: dict[str, str], http_status: int, error: str
) -> None:
    """RFC 6749, 5.2"""
    answer = ask_token(scene.stage, client_of(scene.invited()), **form)
    assert (answer.status_code, answer.json()["error"]) == (http_status, error)
    assert answer.json()["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_no_form_or_no_post_is_refused_in_json(scene: Scene) -> None:
    url = f"{scene.cloud.base_url}/oauth/token"
    answer = scene.stage.http.post(url, json={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert scene.stage.http.get(url).status_code == 404, "as API Gateway answers a method that there is not"


def test_secrets_and_keys_are_changed_for_others_without_a_gap(scene: Scene) -> None:
    partner = scene.partner()
    client = client_of(partner)
    token = token_of(scene.stage, client)
    second_secret = access(partner, "rotate_client", client_id=client.client_id)["client_secret"]
    second_key = access(partner, "add_api_key")["api_key"]
    for secret in (client.secret, second_secret):
        assert ask_token(scene.stage, client, client_secret=secret).status_code == 200
    for number, key in enumerate((client.api_key, second_key)):
        assert put_with(partner, f"S{number}", bearer(token, key)).codes == (201, 1000)

    access(partner, "rotate_client", client_id=client.client_id, overlap_hours=0)
    assert ask_token(scene.stage, client, client_secret=second_secret).status_code == 401
    access(partner, "revoke_api_key", hint=client.api_key[:6])
    scene.cloud.client(
        "lambda"
    )  # the authoriser may remember the pair for half a minute: another token is another pair
    fresh = access(partner, "rotate_client", client_id=client.client_id)["client_secret"]
    another = ask_token(scene.stage, client, client_secret=fresh).json()["access_token"]
    scene.stage.tokens.add(another)
    refused = put_with(partner, "S9", bearer(another, client.api_key))
    assert refused.codes == (401, 2001)
    assert "ApiKey" in refused.message
    assert put_with(partner, "S9", bearer(another, second_key)).codes == (201, 1000)


def test_a_revoked_client_gets_no_token_and_its_token_opens_nothing(scene: Scene) -> None:
    partner = scene.partner()
    client = client_of(partner)
    token = token_of(scene.stage, client)
    access(partner, "revoke_client", client_id=client.client_id)
    assert ask_token(scene.stage, client).json()["error"] == "invalid_client"
    assert put_with(partner, "S1", bearer(token, client.api_key)).codes == (401, 2001)
    shown = access(partner, "show")
    assert shown["clients"] == []
    entries = partner.command("audit")["entries"]
    assert [each["changes"][0]["after"] for each in entries[:2]] == ["revoked", "created"]


def test_a_suspended_partner_gets_no_token(scene: Scene) -> None:
    partner = scene.partner()
    client = client_of(partner)
    partner.command("suspend")
    answer = ask_token(scene.stage, client)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


def test_a_cpo_can_work_with_access_tokens_alone(scene: Scene) -> None:
    """The whole way: session in, profile out, result in, each with OAuth2."""
    partner = demanding(scene)
    client = client_of(partner)
    partner.cpo.show_access(token_of(scene.stage, client), client.api_key)
    partner.plug_in("S1")
    scene.settle()
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED
    assert partner.cpo.oauth.refused == 0


# -- tokens of an outside issuer


@pytest.fixture
def outside() -> Iterator[OutsideIssuer]:
    issuer = OutsideIssuer()
    yield issuer
    issuer.server.stop()


class OutsideIssuer:
    """An identity provider that signs RS256 and names its clients in azp, as Auth0 and Entra do."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.asked = 0
        self.server = LoopbackServer(lambda _: Starlette(routes=[Route("/jwks", self._jwks)]), 0)
        self.server.start()
        self.url = f"{self.server.url}/"

    async def _jwks(self, _: Request) -> JSONResponse:
        self.asked += 1
        key = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return JSONResponse({"keys": [{**key, "kid": "rsa-1", "use": "sig", "alg": "RS256"}]})

    def token(self, client: str, audience: str = "offpeak") -> str:
        now = datetime.now(UTC)
        claims = {"iss": self.url, "aud": audience, "azp": client, "iat": now, "exp": now + timedelta(hours=1)}
        return jwt.encode(claims, self.key, "RS256", headers={"kid": "rsa-1"})


def test_an_outside_issuer_can_vouch_for_a_client(scene: Scene, outside: OutsideIssuer) -> None:
    partner, other = scene.partner(), scene.partner()
    key = access(partner, "add_api_key")["api_key"]
    scene.stage.tokens |= {outside.token("their-client")}
    assert put_with(partner, "S1", bearer(outside.token("their-client"), key)).codes == (401, 2001)
    access(partner, "allow_issuer", issuer=outside.url, jwks_url=f"{outside.server.url}/jwks", audience="offpeak")
    assert put_with(partner, "S1", bearer(outside.token("their-client"), key)).codes == (401, 2001), "nobody's client"
    access(partner, "bind_client", client_id="their-client", issuer=outside.url)
    assert put_with(partner, "S1", bearer(outside.token("their-client"), key)).codes == (201, 1000)
    assert put_with(partner, "S2", bearer(outside.token("their-client", "somebody else"), key)).codes == (401, 2001)
    assert put_with(partner, "S2", bearer(outside.token("their-client"))).message.count("ApiKey") == 1
    assert outside.asked <= 3, "its keys are remembered"
    refused = scene.cloud.invoke(
        "ops_access",
        {"action": "bind_client", "partner_id": other.partner_id, "client_id": "their-client", "issuer": outside.url},
    )
    assert refused["field"] == "client_id", "a client belongs to one partner"


# -- tokens that partners want from us


def demanding(scene: Scene, settings: OAuthSettings = OURS_THERE) -> Partner:
    """Return a registered partner that wants OAuth2 from us by now, and gets it."""
    partner = scene.partner()
    partner.cpo.demand_oauth(settings)
    scene.stage.tokens |= {settings.client_secret, settings.api_key or ""}
    order = {"token_url": partner.cpo.token_url, "client_id": settings.client_id}
    secrets = {"client_secret": settings.client_secret, **({"api_key": settings.api_key} if settings.api_key else {})}
    shown = access(partner, "use_oauth", **order, **secrets, scope="ocpi", audience="https://cpo.example")
    assert shown["has_token"]
    scene.stage.tokens |= set(partner.cpo.oauth.tokens)
    return partner


def make_due(scene: Scene, partner: Partner) -> None:
    """Let it be time to renew."""
    table = scene.stage.table("partners")
    row = table.get({"pk": f"PARTNER#{partner.partner_id}", "sk": "PEER_ACCESS"})
    assert row is not None
    long_ago = format_instant(datetime.now(UTC) - timedelta(hours=1))
    table._client.update_item(
        TableName=table.name,
        Key={"pk": {"S": row["pk"]}, "sk": {"S": row["sk"]}},
        UpdateExpression="SET renew_at = :ago, zone_and_partner = :due, fetched_at = :ago",
        ExpressionAttributeValues={":ago": {"S": long_ago}, ":due": {"S": f"{long_ago}#{partner.partner_id}"}},
    )


def test_a_token_is_renewed_by_the_clock_before_it_ends(scene: Scene) -> None:
    partner = demanding(scene)
    [first] = partner.cpo.oauth.tokens
    call = partner.cpo.oauth.calls[0]
    assert call.used_basic
    assert call.form == {"grant_type": "client_credentials", "scope": "ocpi", "audience": "https://cpo.example"}
    scene.cloud.invoke("refresh_tokens")
    assert partner.cpo.oauth.tokens == (first,), "not yet"
    make_due(scene, partner)
    scene.cloud.invoke("refresh_tokens")
    assert len(partner.cpo.oauth.tokens) == 2
    scene.stage.tokens |= set(partner.cpo.oauth.tokens)
    partner.cpo.oauth._good_until.pop(first)
    partner.plug_in("S1")
    scene.settle()
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED, "called with the new one"
    assert partner.cpo.oauth.refused == 0


@pytest.mark.parametrize(
    "wrong",
    [
        TokenMisbehaviour(http_status=401),
        TokenMisbehaviour(http_status=500),
        TokenMisbehaviour(http_status=302),
        TokenMisbehaviour(says="<html>"),
        TokenMisbehaviour(says='{"access_token": ""}'),
        TokenMisbehaviour(dead=True),
    ],
)
def test_the_old_token_is_used_until_a_new_one_has_worked(scene: Scene, wrong: TokenMisbehaviour) -> None:
    partner = demanding(scene)
    partner.cpo.oauth.wrong = wrong
    make_due(scene, partner)
    scene.cloud.invoke("refresh_tokens")
    shown = access(partner, "show")["our_access"]
    assert (shown["failures"], shown["has_token"]) == (1, True)
    lines = scene.cloud.logs("refresh_tokens")
    told = [line for line in lines if '"peer_token_not_renewed"' in line and partner.partner_id in line]
    assert len(told) == 1
    assert any("PeerTokensFailed" in line for line in lines), "what the alarm counts"
    partner.plug_in("S1")
    scene.settle()
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED

    partner.cpo.oauth.wrong = TokenMisbehaviour()
    make_due(scene, partner)
    scene.cloud.invoke("refresh_tokens")
    assert access(partner, "show")["our_access"]["failures"] == 0
    scene.stage.tokens |= set(partner.cpo.oauth.tokens)


def test_a_token_that_the_partner_ends_early_is_fetched_anew(scene: Scene) -> None:
    partner = demanding(scene)
    make_due(scene, partner)  # it was fetched an hour ago
    partner.cpo.oauth.revoke_all()
    partner.plug_in("S1")
    scene.settle()
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED
    assert len(partner.cpo.oauth.calls) == 2
    scene.stage.tokens |= set(partner.cpo.oauth.tokens)


def test_a_list_is_pulled_by_a_token_that_is_fetched_anew(scene: Scene) -> None:
    """T11"""
    partner = demanding(scene)
    make_due(scene, partner)  # it was fetched an hour ago
    partner.cpo.oauth.revoke_all()
    partner.cpo.remember(location_object(Place("E1"), partner.party, scene.now), module="locations")
    scene.cloud.invoke("sync_history")
    scene.settle()
    path = f"/ocpi/emsp/2.2.1/locations/{partner.party.country_code}/{partner.party.party_id}/AT-E1"
    assert partner.ask("GET", path).http_status == 200
    assert len(partner.cpo.oauth.calls) == 2
    scene.stage.tokens |= set(partner.cpo.oauth.tokens)


def test_a_token_that_lives_shorter_than_the_clock_ticks_is_fetched_when_it_is_needed(scene: Scene) -> None:
    partner = demanding(scene, OAuthSettings("offpeak", "short-lived-0123456789", expires_in_s=30))
    make_due(scene, partner)
    table = scene.stage.table("partners")
    key = {"pk": {"S": f"PARTNER#{partner.partner_id}"}, "sk": {"S": "PEER_ACCESS"}}
    over = format_instant(datetime.now(UTC) - timedelta(seconds=1))
    table._client.update_item(
        TableName=table.name,
        Key=key,
        UpdateExpression="SET expires_at = :over",
        ExpressionAttributeValues={":over": {"S": over}},
    )
    partner.plug_in("S1")
    scene.settle()
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED
    assert len(partner.cpo.oauth.calls) == 2
    scene.stage.tokens |= set(partner.cpo.oauth.tokens)


def test_a_partner_can_go_back_to_its_ocpi_token(scene: Scene) -> None:
    partner = demanding(scene)
    partner.cpo.demand_oauth(None)
    access(partner, "use_tokens")
    partner.plug_in("S1")
    scene.settle()
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED
    assert access(partner, "show")["our_access"] is None


def test_a_wrong_secret_is_told_to_the_operator_at_once(scene: Scene) -> None:
    partner = scene.partner()
    partner.cpo.demand_oauth(OURS_THERE)
    order = {"token_url": partner.cpo.token_url, "client_id": "offpeak", "client_secret": "not-this-one-0123456789"}
    shown = access(partner, "use_oauth", **order)
    assert (shown["has_token"], shown["failures"]) == (False, 1)


def test_a_renewal_of_the_ocpi_tokens_goes_by_the_access_token_too(scene: Scene) -> None:
    """C4"""
    partner = demanding(scene)
    before = partner.token_b
    partner.cpo.renew_credentials()
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert partner.token_b != before
    renewed = partner.command("rotate")
    assert renewed["problem"] is None, renewed
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert partner.cpo.oauth.refused == 0

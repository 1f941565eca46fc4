"""A partner's whole way through the functions: invited, authorised, registered, renewed, gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions import authorise, ocpi_credentials, ops_partners
from offpeak.ocpi.tokens import authorization
from tests.functions.conftest import BASE_URL, Cloud
from tests.functions.events import CONTEXT, authoriser_event, envelope_of, header_of, rest_event
from tests.functions.logs import captured_log
from tests.ocpi.peer import Peer, ocpi

PATH = "/ocpi/2.2.1/credentials"
SESSIONS = "/ocpi/emsp/{version}/sessions/{country_code}/{party_id}/{session_id}"


def invited() -> str:
    """Invite a partner and return its token A."""
    event = {"action": "invite", "partner_id": "acme", "settings": {"name": "Acme", "parties": ["NL-ACM"]}}
    return str(ops_partners.handler(event, CONTEXT)["token_a"])


def opens(peer: Peer) -> None:
    peer.answers["/versions"] = ocpi([{"version": "2.2.1", "url": f"{peer.url}/2.2.1"}])
    endpoint = {"identifier": "chargingprofiles", "role": "RECEIVER", "url": f"{peer.url}/cp"}
    peer.answers["/2.2.1"] = ocpi({"version": "2.2.1", "endpoints": [endpoint]})


def credentials(peer: Peer, **changes: object) -> str:
    role = {"role": "CPO", "country_code": "NL", "party_id": "ACM", "business_details": {"name": "Acme"}}
    return json.dumps({"token": "token-b", "url": f"{peer.url}/versions", "roles": [role], **changes})


def call(method: str, token: str, body: str | None = None) -> Any:
    headers = {"Authorization": authorization(token, raw=False), "X-Request-ID": "r1"}
    return ocpi_credentials.handler(rest_event(method, PATH, body, headers=headers), CONTEXT)


def authorised(token: str, resource: str = SESSIONS) -> Any:
    return authorise.handler(authoriser_event(resource, {"authorization": authorization(token, raw=False)}), CONTEXT)


def registered(peer: Peer) -> str:
    """Register the partner and return its token C."""
    opens(peer)
    answer = call("POST", invited(), credentials(peer))
    assert answer["statusCode"] == 200, answer
    return str(envelope_of(answer)["data"]["token"])


def test_the_answer_to_a_registration_is_our_credentials(cloud: Cloud, peer: Peer) -> None:
    """C1, C5"""
    opens(peer)
    answer = call("POST", invited(), credentials(peer))
    data = envelope_of(answer)["data"]
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (200, 1000)
    assert data["url"] == f"{BASE_URL}/ocpi/versions"
    assert data["roles"] == [
        {"role": "SCSP", "country_code": "DE", "party_id": "OFP", "business_details": {"name": "Offpeak"}}
    ]
    assert header_of(answer, "X-Request-ID") == "r1"


def test_a_token_a_is_authorised_for_registration_only(cloud: Cloud) -> None:
    """T1"""
    token = invited()
    assert authorised(token, "/ocpi/{version}/credentials")["context"]["registered"] == "false"
    with pytest.raises(Exception, match="^Unauthorized$"):
        authorised(token, SESSIONS)


def test_a_registered_partner_is_authorised_with_its_parties_and_its_key(cloud: Cloud, peer: Peer) -> None:
    """C5"""
    answer = authorised(registered(peer))
    assert answer["context"] == {
        "partner_id": "acme",
        "parties": '[["NL", "ACM"]]',
        "strict": "false",
        "registered": "true",
    }
    keys = cloud.client("apigateway").get_api_keys(nameQuery="acme", includeValues=True, limit=500)["items"]
    assert answer["usageIdentifierKey"] in [key["value"] for key in keys]


@pytest.mark.parametrize("headers", [None, {"Authorization": "Token nonsense"}, {"authorization": "Basic YTpi"}])
def test_nobody_else_is_authorised(cloud: Cloud, headers: dict[str, str] | None) -> None:
    """T1"""
    with pytest.raises(Exception, match="^Unauthorized$"):
        authorise.handler(authoriser_event("/ocpi/versions", headers), CONTEXT)


def test_the_credentials_are_given_again_to_whoever_asks_with_their_token(cloud: Cloud, peer: Peer) -> None:
    """C3"""
    token = registered(peer)
    assert envelope_of(call("GET", token))["data"]["token"] == token


def test_renewing_gives_a_new_token_and_the_old_one_ends_with_its_first_use(cloud: Cloud, peer: Peer) -> None:
    """C4"""
    first = registered(peer)
    second = envelope_of(call("PUT", first, credentials(peer, token="token-b2")))["data"]["token"]
    assert authorised(second)
    assert call("GET", first)["statusCode"] == 401
    assert call("GET", second)["statusCode"] == 200


def test_leaving_ends_everything(cloud: Cloud, peer: Peer) -> None:
    """C6"""
    token = registered(peer)
    answer = call("DELETE", token)
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (200, 1000)
    assert "data" not in envelope_of(answer)
    assert call("GET", token)["statusCode"] == 401
    with pytest.raises(Exception, match="^Unauthorized$"):
        authorised(token)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_before_registration_there_is_nothing_to_renew_or_leave(cloud: Cloud, peer: Peer, method: str) -> None:
    """C3, T6"""
    answer = call(method, invited(), credentials(peer))
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (405, 2000)


def test_after_registration_there_is_nothing_to_post(cloud: Cloud, peer: Peer) -> None:
    """C3, T6"""
    answer = call("POST", registered(peer), credentials(peer))
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (405, 2000)


@pytest.mark.parametrize(
    ("body", "http_status", "status", "says"),
    [
        ("{", 400, 2001, "not JSON"),
        ("[]", 200, 2001, "body: "),
        ("{}", 200, 2001, "token: "),
        (
            '{"token": "b", "url": "http://cpo.example/v", "roles": [{"country_code": "NL", "party_id": "ACM"}]}',
            200,
            2001,
            "url: ",
        ),
        (
            '{"token": "b", "url": "https://169.254.169.254/", "roles": [{"country_code": "NL", "party_id": "ACM"}]}',
            200,
            2001,
            "url: ",
        ),
    ],
)
def test_credentials_that_make_no_sense_are_refused_and_may_be_sent_again(
    cloud: Cloud, peer: Peer, body: str, http_status: int, status: int, says: str
) -> None:
    """T6, T7, C7"""
    token = invited()
    answer = call("POST", token, body)
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (http_status, status)
    assert says in envelope_of(answer)["status_message"]
    opens(peer)
    assert call("POST", token, credentials(peer))["statusCode"] == 200


def test_a_peer_that_cannot_be_used_is_told_so_with_the_code_of_ocpi(cloud: Cloud, peer: Peer) -> None:
    """C1, T7"""
    opens(peer)
    peer.answers["/versions"] = ocpi([])
    answer = call("POST", invited(), credentials(peer))
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (200, 3002)


def test_no_token_is_ever_logged(cloud: Cloud, peer: Peer) -> None:
    with captured_log() as log:
        token = registered(peer)
        call("PUT", token, credentials(peer, token="token-b2"))
        authorised(token)
        call("POST", token, credentials(peer, url="https://10.0.0.1/"))
    logged = json.dumps(log())
    assert {"partner_invited", "partner_registered", "request_refused"} <= {each["message"] for each in log()}
    for secret in (token, authorization(token, raw=False), "token-b"):
        assert secret not in logged

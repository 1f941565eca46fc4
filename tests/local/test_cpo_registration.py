from __future__ import annotations

import httpx
import pytest

from local.cpo import CallFailed, CpoSimulator, CredentialsTrouble, RegistrationFailed, Settings
from tests.local.cpo_scene import EVENING, after, registered_cpo, visit
from tests.local.fake_offpeak import IDS, TOKEN_A, TOKEN_C, FakeOffpeak, token


def test_the_handshake_reads_versions_posts_token_b_and_keeps_token_c() -> None:
    """C1"""
    offpeak = FakeOffpeak()
    with offpeak.serve(), CpoSimulator(start_at=EVENING) as cpo:
        cpo.register(offpeak.versions_url, TOKEN_A)
        assert [(call.method, call.path) for call in offpeak.received] == [
            ("GET", "/ocpi/versions"),
            ("GET", "/ocpi/2.2.1"),
            ("POST", "/ocpi/2.2.1/credentials"),
        ]
        assert {call.token for call in offpeak.received} == {TOKEN_A}
        credentials = offpeak.received[-1].body
        assert credentials["url"] == cpo.versions_url
        assert credentials["token"] == cpo.token
        assert [(role["role"], role["country_code"], role["party_id"]) for role in credentials["roles"]] == [
            ("CPO", "DE", "SIM")
        ]

        cpo.plug_in(visit())
        cpo.advance(EVENING)
        assert offpeak.received[-1].token == TOKEN_C


def test_versions_and_credentials_carry_no_routing_headers() -> None:
    """T4"""
    offpeak = FakeOffpeak()
    with offpeak.serve(), CpoSimulator(start_at=EVENING) as cpo:
        cpo.register(offpeak.versions_url, TOKEN_A)
        assert not any(name.startswith("ocpi-") for call in offpeak.received for name in call.headers)
        assert all(call.headers["x-request-id"] and call.headers["x-correlation-id"] for call in offpeak.received)


def test_a_refused_handshake_says_where_it_broke_off_and_leaves_no_token_behind() -> None:
    offpeak = FakeOffpeak(refuses=True)
    with offpeak.serve(), CpoSimulator(start_at=EVENING) as cpo:
        with pytest.raises(RegistrationFailed, match=r"credentials: HTTP 200, OCPI 3001: your versions cannot be read"):
            cpo.register(offpeak.versions_url, TOKEN_A)
        assert cpo.token is None


def test_nobody_at_the_versions_url_is_a_failed_registration() -> None:
    with CpoSimulator(start_at=EVENING) as cpo, pytest.raises(RegistrationFailed, match="GET http://127.0.0.1:9"):
        cpo.register("http://127.0.0.1:9/ocpi/versions", TOKEN_A)


def test_the_cpo_serves_versions_and_details_to_who_has_its_token() -> None:
    with registered_cpo() as (cpo, _offpeak):
        headers = {"Authorization": token(str(cpo.token)), **IDS}
        versions = httpx.get(cpo.versions_url, headers=headers).json()["data"]
        details = httpx.get(versions[0]["url"], headers=headers)
        assert details.headers["X-Request-ID"] == "request-1"
        assert {(each["identifier"], each["role"]) for each in details.json()["data"]["endpoints"]} == {
            ("credentials", "RECEIVER"),
            ("sessions", "SENDER"),
            ("locations", "SENDER"),
            ("tariffs", "SENDER"),
            ("chargingprofiles", "RECEIVER"),
        }
        raw = {"Authorization": f"Token {cpo.token}", **IDS}
        assert httpx.get(cpo.versions_url, headers=raw).status_code == 200
        assert cpo.complaints == ()

        stranger = httpx.get(cpo.versions_url, headers={"Authorization": token("stranger"), **IDS})
        assert stranger.status_code == 401
        assert stranger.json()["status_code"] == 2001
        assert httpx.get(cpo.versions_url).status_code == 401


def test_credentials_are_shown_renewed_and_withdrawn_on_request() -> None:
    """C3, C4, C6"""
    with registered_cpo() as (cpo, offpeak):
        url = cpo.versions_url.replace("versions", "2.2.1/credentials")
        old = {"Authorization": token(str(cpo.token)), **IDS}
        assert httpx.get(url, headers=old).json()["data"]["token"] == cpo.token
        assert httpx.post(url, headers=old, json={}).status_code == 405

        theirs = {"token": "newer", "url": offpeak.versions_url, "roles": [{"country_code": "NL", "party_id": "OFP"}]}
        renewed = httpx.put(url, headers=old, json=theirs).json()["data"]["token"]
        assert offpeak.received[-1].token == "newer"
        assert httpx.get(url, headers=old).status_code == 200
        assert httpx.get(url, headers={"Authorization": token(renewed), **IDS}).status_code == 200
        assert httpx.get(url, headers=old).status_code == 401

        assert httpx.delete(url, headers={"Authorization": token(renewed), **IDS}).json()["status_code"] == 1000
        assert cpo.token is None
        assert httpx.get(url, headers={"Authorization": token(renewed), **IDS}).status_code == 401


def test_the_cpo_renews_and_withdraws_its_own_credentials() -> None:
    """C4, C6"""
    with registered_cpo() as (cpo, offpeak):
        old_token = cpo.token
        cpo.renew_credentials()
        assert offpeak.received[-1].method == "PUT"
        assert cpo.token == offpeak.token_b != old_token
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        assert offpeak.received[-1].token == f"{TOKEN_C}-renewed"

        cpo.unregister()
        assert (offpeak.received[-1].method, cpo.token) == ("DELETE", None)
        assert "not registered" in str(cpo.advance(after(5)).refused[0].problem)
        with pytest.raises(CallFailed, match="not registered"):
            cpo.renew_credentials()


def test_a_failed_renewal_leaves_the_old_tokens_good() -> None:
    with registered_cpo() as (cpo, offpeak):
        old_token = cpo.token
        offpeak.refuses = True
        with pytest.raises(RegistrationFailed):
            cpo.renew_credentials()
        assert cpo.token == old_token
        assert httpx.get(cpo.versions_url, headers={"Authorization": token(str(old_token))}).status_code == 200


def test_a_cpo_of_old_habits_sends_its_token_raw() -> None:
    """T2"""
    offpeak = FakeOffpeak()
    settings = Settings(raw_token=True)
    with offpeak.serve(), CpoSimulator(start_at=EVENING, settings=settings) as cpo:
        with pytest.raises(RegistrationFailed):  # the fake decodes every token
            cpo.register(offpeak.versions_url, "raw!")
        assert offpeak.raw_headers == ["Token raw!"]


def give_credentials(cpo: CpoSimulator, offpeak: FakeOffpeak, method: str, shown: str, ours: str) -> httpx.Response:
    """Let Offpeak POST or PUT its credentials with a token that the CPO gave it."""
    url = cpo.versions_url.replace("versions", "2.2.1/credentials")
    theirs = {"token": ours, "url": offpeak.versions_url, "roles": [{"country_code": "NL", "party_id": "OFP"}]}
    return httpx.request(method, url, headers={"Authorization": token(shown), **IDS}, json=theirs)


def test_the_cpo_lets_offpeak_register_by_the_token_it_gave() -> None:
    """C2, C3: it calls back, and its token A ends with the first use of the one that it answers"""
    offpeak = FakeOffpeak()
    with offpeak.serve(), CpoSimulator(start_at=EVENING) as cpo:
        token_a = cpo.invite()
        assert give_credentials(cpo, offpeak, "PUT", token_a, "ours").status_code == 405
        functional = cpo.versions_url.replace("versions", "cpo/2.2.1/sessions")
        assert httpx.get(functional, headers={"Authorization": token(token_a), **IDS}).status_code == 401

        answer = give_credentials(cpo, offpeak, "POST", token_a, "ours").json()["data"]
        assert [call.token for call in offpeak.received] == ["ours", "ours"], "versions and details"
        assert (cpo.offpeak_token, cpo.version) == ("ours", "2.2.1")
        assert httpx.get(cpo.versions_url, headers={"Authorization": token(token_a), **IDS}).status_code == 200
        headers = {"Authorization": token(answer["token"]), **IDS}
        assert httpx.get(cpo.versions_url, headers=headers).status_code == 200
        assert httpx.get(cpo.versions_url, headers={"Authorization": token(token_a), **IDS}).status_code == 401
        assert give_credentials(cpo, offpeak, "POST", answer["token"], "ours").status_code == 405


@pytest.mark.parametrize(
    ("trouble", "calls_back", "takes_it", "keeps_the_old"),
    [
        (CredentialsTrouble.DIES_BEFORE, False, False, True),
        (CredentialsTrouble.DIES_AFTER_CALL_BACK, True, False, True),
        (CredentialsTrouble.LOSES_ANSWER, True, True, True),
        (CredentialsTrouble.LOSES_ANSWER_AND_VOIDS, True, True, False),
    ],
)
def test_the_cpo_dies_where_it_is_told_to(
    trouble: CredentialsTrouble, calls_back: bool, takes_it: bool, keeps_the_old: bool
) -> None:
    with registered_cpo() as (cpo, offpeak):
        old = str(cpo.token)
        cpo.trouble_credentials(trouble)
        with pytest.raises(httpx.RemoteProtocolError):
            give_credentials(cpo, offpeak, "PUT", old, "newer")
        assert (len(offpeak.received) > 0) == calls_back
        assert (cpo.offpeak_token == "newer") == takes_it
        kept = httpx.get(cpo.versions_url, headers={"Authorization": token(old), **IDS}).status_code == 200
        assert kept == keeps_the_old
        if keeps_the_old:
            assert give_credentials(cpo, offpeak, "PUT", old, "newer").status_code == 200, "once only"


def test_the_cpo_refuses_credentials_when_it_is_told_to() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.trouble_credentials(CredentialsTrouble.REFUSES)
        assert give_credentials(cpo, offpeak, "PUT", str(cpo.token), "newer").json()["status_code"] == 3001
        assert cpo.offpeak_token == TOKEN_C


def test_a_cpo_that_learns_a_version_serves_it_and_none_that_it_does_not_speak() -> None:
    """C6"""
    with registered_cpo() as (cpo, _offpeak):
        headers = {"Authorization": token(str(cpo.token)), **IDS}
        newer = cpo.versions_url.replace("versions", "2.3.0")
        assert httpx.get(newer, headers=headers).status_code == 404
        cpo.learn("2.2.1", "2.3.0")
        assert [each["version"] for each in httpx.get(cpo.versions_url, headers=headers).json()["data"]] == [
            "2.2.1",
            "2.3.0",
        ]
        details = httpx.get(newer, headers=headers).json()["data"]
        assert {each["url"].split("/")[-2] for each in details["endpoints"]} == {"2.3.0"}

"""Invitation, handshake, rotation and farewell, as a CPO goes through them."""

from __future__ import annotations

import pytest

from local.cpo import RegistrationFailed
from offpeak.profiles.model import RequestState
from tests.e2e.scene import Scene

VERSIONS, DETAILS = "/ocpi/versions", "/ocpi/2.2.1"
CREDENTIALS = f"{DETAILS}/credentials"


def test_a_token_a_opens_versions_and_credentials_only(scene: Scene) -> None:
    """T1"""
    partner = scene.invited()
    token = partner.token_a
    for path in (VERSIONS, DETAILS, CREDENTIALS):
        assert scene.stage.ask("GET", path, token).codes == (200, 1000)
    refused = scene.stage.ask("PUT", partner.path("S1"), token, body=partner.session("S1"))
    assert refused.codes == (401, 2001)
    assert partner.rows("S1") == []


def test_a_registration_calls_back_and_exchanges_tokens(scene: Scene) -> None:
    """C1, C3, C5"""
    partner = scene.partner()
    assert len({partner.token_a, partner.token_b, partner.token_c}) == 3

    assert partner.put(partner.session("S1")).codes == (201, 1000)
    again = partner.ask("POST", CREDENTIALS, {"token": "x", "url": partner.cpo.versions_url, "roles": []})
    assert again.http_status == 405
    assert partner.ask("GET", CREDENTIALS).data["token"] == partner.token_c
    assert scene.stage.ask("GET", VERSIONS, partner.token_a).http_status == 401, "its successor was used"


def test_a_registration_whose_answer_got_lost_can_be_repeated(scene: Scene) -> None:
    """C1"""
    partner = scene.invited()
    partner.register()
    lost = partner.token_c
    partner.register()
    assert partner.token_c == lost, "token A is void only once its successor was used"
    assert partner.put(partner.session("S1")).codes == (201, 1000)
    with pytest.raises(RegistrationFailed, match="401"):
        partner.register()


def test_a_registration_that_cannot_call_back_fails_and_leaves_token_a_good(scene: Scene) -> None:
    """C1: 3001"""
    partner = scene.invited()
    role = {"role": "CPO", "country_code": "DE", "party_id": "ABC", "business_details": {"name": "A"}}
    said = {"token": "token-b-0123456789", "url": "http://127.0.0.1:9/versions", "roles": [role]}
    assert scene.stage.ask("POST", CREDENTIALS, partner.token_a, body=said).codes == (200, 3001)
    partner.register()
    assert partner.put(partner.session("S1")).codes == (201, 1000)


@pytest.mark.parametrize("url", ["https://169.254.169.254/latest", "https://10.0.0.7/v", "http://example.org/v"])
def test_a_registration_from_an_address_that_we_do_not_call_is_refused(scene: Scene, url: str) -> None:
    """C7"""
    partner = scene.invited()
    role = {"role": "CPO", "country_code": "DE", "party_id": "ABC", "business_details": {"name": "A"}}
    refused = scene.stage.ask("POST", CREDENTIALS, partner.token_a, body={"token": "b", "url": url, "roles": [role]})
    assert refused.codes == (200, 2001)
    assert refused.message.startswith("url:")


def test_a_partner_of_old_habits_sends_its_tokens_raw(scene: Scene) -> None:
    """T2: either reading is accepted, and nothing that only looks like one."""
    partner = scene.partner(cpo={"raw_token": True})
    assert partner.ask("PUT", partner.path("S1"), partner.session("S1"), raw=True).codes == (201, 1000)
    assert partner.ask("GET", partner.path("S1"), raw=False).codes == (200, 1000)
    for token in (partner.token_c + "\n", partner.token_c[:-1], partner.token_c.swapcase(), "?"):
        assert scene.stage.ask("GET", partner.path("S1"), token).codes == (401, 2001)
    assert scene.stage.ask("GET", partner.path("S1"), None).codes == (401, 2001)
    partner.plug_in("S2")
    scene.settle()
    assert partner.newest("S2").state is RequestState.CHARGER_ACCEPTED


def test_a_renewal_changes_both_tokens_and_loses_nothing(scene: Scene) -> None:
    """C4: both tokens are good until the new one is first used."""
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    before = partner.token_c
    partner.cpo.renew_credentials()
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert partner.token_c != before
    assert scene.stage.ask("GET", CREDENTIALS, before).codes == (200, 1000)
    assert partner.get("S1").codes == (200, 1000)
    assert scene.stage.ask("GET", CREDENTIALS, before).http_status == 401

    partner.plug_in("S2")
    scene.settle()
    assert partner.newest("S2").state is RequestState.CHARGER_ACCEPTED, "we call with the new token as well"


def test_a_partner_that_leaves_is_forgotten_and_its_sessions_are_kept(scene: Scene) -> None:
    """C6"""
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    token, row = partner.token_c, partner.row("S1")
    partner.cpo.unregister()
    assert scene.stage.ask("GET", CREDENTIALS, token).http_status == 401
    assert scene.stage.ask("PUT", CREDENTIALS, token, body={}).http_status == 401
    assert partner.row("S1") == row

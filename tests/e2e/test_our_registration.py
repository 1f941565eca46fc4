"""We register at a CPO, renew, change version and leave, while answers get lost and the CPO dies."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from local.cpo import CredentialsTrouble
from offpeak.partners.model import PartnerStatus
from offpeak.partners.store import PartnerStore
from offpeak.profiles.model import RequestState
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene

CREDENTIALS = "/ocpi/2.2.1/credentials"
BOTH = {"versions": ("2.2.1", "2.3.0")}


def status_of(partner: Partner) -> PartnerStatus:
    known = PartnerStore(partner.stage.table("partners")).load(partner.partner_id)
    assert known is not None
    return known.status


def assert_both_sides_work(scene: Scene, partner: Partner, session_id: str = "S1") -> None:
    """A session comes in, and its profile gets out and is confirmed."""
    partner.plug_in(session_id)
    scene.cloud.invoke("fetch_prices")
    scene.settle()
    assert partner.newest(session_id).state is RequestState.CHARGER_ACCEPTED


@pytest.mark.parametrize("cpo", [{}, BOTH, {"raw_token": True}], ids=["2.2.1", "2.3.0", "raw tokens"])
def test_we_register_at_a_cpo_by_one_command_that_tells_each_step(scene: Scene, cpo: dict[str, object]) -> None:
    """C2, C5, C6: the highest version that both speak; T2"""
    partner = scene.stranger(cpo)
    told = partner.join()
    version = "2.3.0" if cpo == BOTH else "2.2.1"
    assert (told["status"], told["version"], told["problem"]) == ("REGISTERED", version, None)
    versions = partner.cpo.versions_url
    details = versions.replace("versions", version)
    assert [each["call"] for each in told["steps"]] == [
        f"GET {versions}",
        f"GET {details}",
        f"POST {details}/credentials",
        f"GET {versions}",
    ]
    assert {each["outcome"] for each in told["steps"]} == {"HTTP 200, OCPI 1000"}
    assert partner.cpo.version == version
    assert len({partner.token_a, partner.token_b, partner.token_c}) == 3
    assert_both_sides_work(scene, partner)


@pytest.mark.parametrize(
    "troubles",
    [
        [CredentialsTrouble.DIES_BEFORE],
        [CredentialsTrouble.DIES_AFTER_CALL_BACK],
        [CredentialsTrouble.LOSES_ANSWER],
        [CredentialsTrouble.REFUSES],
        [CredentialsTrouble.DIES_AFTER_CALL_BACK, CredentialsTrouble.LOSES_ANSWER, CredentialsTrouble.DIES_BEFORE],
    ],
    ids=str,
)
def test_a_registration_that_failed_on_its_way_is_repeated_with_the_same_token_a(
    scene: Scene, troubles: Sequence[CredentialsTrouble]
) -> None:
    """C1, C2: a lost answer bricks nobody"""
    partner = scene.stranger()
    partner.cpo.trouble_credentials(*troubles)
    told = partner.join()
    for _ in troubles:
        assert told["problem"]
        assert told["steps"][-1]["call"].startswith("POST ")
        assert status_of(partner) is PartnerStatus.INVITED
        told = partner.join_again()
    assert told["problem"] is None
    assert_both_sides_work(scene, partner)


def test_a_cpo_that_has_our_token_and_lost_its_answer_renews_from_its_side(scene: Scene) -> None:
    """C2, C4: either side can make a lost answer good"""
    partner = scene.stranger()
    partner.cpo.trouble_credentials(CredentialsTrouble.LOSES_ANSWER)
    assert partner.join()["problem"]
    partner.cpo.renew_credentials()
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert status_of(partner) is PartnerStatus.REGISTERED
    assert_both_sides_work(scene, partner)


def test_a_token_a_that_the_cpo_does_not_know_and_an_address_we_do_not_call_are_told(scene: Scene) -> None:
    """C2, C7"""
    partner = scene.stranger()
    settings = {"name": "A", "parties": ["DE-ABC"]}
    order = {"action": "register", "partner_id": partner.partner_id, "settings": settings}
    told = scene.cloud.invoke(
        "ops_partners", {**order, "versions_url": partner.cpo.versions_url, "token_a": "unheard-of"}
    )
    assert told["problem"] == "your versions answered HTTP 401, OCPI 2001: no token of ours"
    refused = scene.cloud.invoke("ops_partners", {**order, "versions_url": "https://10.0.0.7/v", "token_a": "a"})
    assert refused["field"] == "versions_url"
    assert PartnerStore(scene.stage.table("partners")).load(partner.partner_id) is None


def test_our_rotation_changes_both_tokens_and_loses_nothing(scene: Scene) -> None:
    """C4: both tokens of ours are good until the new one is first used"""
    partner = scene.partner()
    before = partner.token_b, partner.token_c
    assert partner.rotate()["problem"] is None
    assert not {partner.token_b, partner.token_c} & set(before)
    assert scene.stage.ask("GET", CREDENTIALS, before[1]).codes == (200, 1000)
    assert scene.stage.ask("GET", CREDENTIALS, partner.token_c).codes == (200, 1000)
    assert scene.stage.ask("GET", CREDENTIALS, before[1]).http_status == 401
    assert_both_sides_work(scene, partner)


@pytest.mark.parametrize(
    "trouble",
    [
        CredentialsTrouble.DIES_BEFORE,
        CredentialsTrouble.DIES_AFTER_CALL_BACK,
        CredentialsTrouble.LOSES_ANSWER,
        CredentialsTrouble.REFUSES,
    ],
)
def test_a_cpo_that_dies_in_our_rotation_goes_on_with_us_before_and_after_it_is_repeated(
    scene: Scene, trouble: CredentialsTrouble
) -> None:
    """C4: whichever token the CPO has in force by then"""
    partner = scene.partner()
    partner.cpo.trouble_credentials(trouble)
    assert partner.rotate()["problem"]
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert_both_sides_work(scene, partner, "S1")
    assert partner.rotate()["problem"] is None
    assert_both_sides_work(scene, partner, "S2")


def test_a_cpo_that_voids_our_access_with_a_lost_answer_mends_it_by_its_own_renewal(scene: Scene) -> None:
    """C4: the one case that we cannot mend alone; the CPO's calls still reach us meanwhile"""
    partner = scene.partner()
    partner.cpo.trouble_credentials(CredentialsTrouble.LOSES_ANSWER_AND_VOIDS)
    assert partner.rotate()["problem"]
    assert "HTTP 401" in partner.rotate()["problem"]
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert partner.put(partner.session("S1")).codes == (201, 1000)
    partner.cpo.renew_credentials()
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert_both_sides_work(scene, partner, "S2")


def test_tokens_are_rotated_by_the_clock_when_they_are_a_month_old(scene: Scene) -> None:
    """C4"""
    partner = scene.partner()
    before = partner.token_c
    scene.later(days=25)
    scene.cloud.invoke("rotate_tokens")
    assert partner.token_c == before
    scene.later(days=5)
    partner.cpo.trouble_credentials(CredentialsTrouble.DIES_BEFORE)
    scene.cloud.invoke("rotate_tokens")
    assert partner.token_c == before
    scene.later(hours=1)
    scene.cloud.invoke("rotate_tokens")
    assert partner.token_c != before
    renewed = partner.token_c
    scene.later(hours=1)
    scene.cloud.invoke("rotate_tokens")
    assert partner.token_c == renewed, "the next one is a month away"
    scene.stage.tokens |= {partner.token_b, partner.token_c}


def test_a_cpo_that_has_learnt_a_version_changes_to_it_by_its_renewal(scene: Scene) -> None:
    """C4, C6: and its profiles are asked for, and their results taken, in that version"""
    partner = scene.partner()
    assert partner.cpo.version == "2.2.1"
    partner.cpo.learn("2.2.1", "2.3.0")
    partner.cpo.renew_credentials()
    scene.stage.tokens |= {partner.token_b, partner.token_c}
    assert partner.cpo.version == "2.3.0"
    assert_both_sides_work(scene, partner)
    [call] = partner.profile_calls("S1")
    assert "/ocpi/emsp/2.3.0/chargingprofiles/results/" in call.response_url


def test_our_rotation_takes_up_a_version_that_the_cpo_has_learnt_or_unlearnt(scene: Scene) -> None:
    """C4, C6"""
    partner = scene.partner(cpo=BOTH)
    assert partner.cpo.version == "2.3.0"
    partner.cpo.learn("2.2.1")
    assert partner.rotate()["version"] == "2.2.1"
    partner.cpo.learn("2.2.1", "2.3.0")
    assert partner.rotate()["version"] == "2.3.0"
    assert_both_sides_work(scene, partner)


def test_a_registration_in_a_version_that_the_cpo_does_not_offer_is_3002(scene: Scene) -> None:
    """C1, C6: it asks in 2.3.0 and its versions say 2.2.1 alone"""
    partner = scene.invited()
    role = {"role": "CPO", "country_code": partner.party.country_code, "party_id": partner.party.party_id}
    token_b = partner.cpo.invite()
    scene.stage.tokens.add(token_b)
    said = {"token": token_b, "url": partner.cpo.versions_url, "roles": [role]}
    answer = scene.stage.ask("POST", "/ocpi/2.3.0/credentials", partner.token_a, body=said)
    assert answer.codes == (200, 3002)
    assert scene.stage.ask("POST", CREDENTIALS, partner.token_a, body=said).codes == (200, 1000)


@pytest.mark.parametrize("trouble", [None, CredentialsTrouble.LOSES_ANSWER])
def test_we_leave_and_tell_the_cpo_first(scene: Scene, trouble: CredentialsTrouble | None) -> None:
    """C6: a DELETE whose answer got lost is repeated"""
    partner = scene.partner()
    token = partner.token_c
    if trouble:
        partner.cpo.trouble_credentials(trouble)
        assert partner.part()["problem"]
        assert status_of(partner) is PartnerStatus.REGISTERED
    assert partner.part()["problem"] is None
    assert partner.cpo.offpeak_token is None
    assert status_of(partner) is PartnerStatus.REMOVED
    assert scene.eventually(lambda: scene.stage.ask("GET", CREDENTIALS, token).http_status == 401)


def test_we_leave_a_cpo_that_will_not_hear_of_it_when_an_operator_insists(scene: Scene) -> None:
    """C6"""
    partner = scene.partner()
    token = partner.token_c
    partner.cpo.trouble_credentials(CredentialsTrouble.REFUSES, CredentialsTrouble.REFUSES)
    assert "OCPI 3001" in partner.part()["problem"]
    assert "OCPI 3001" in partner.part(force=True)["problem"]
    assert status_of(partner) is PartnerStatus.REMOVED
    assert scene.stage.ask("PUT", CREDENTIALS, token, body={}).http_status == 401

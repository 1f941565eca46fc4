"""Two partners on one stack: neither sees, changes or delays what is the other's; and what every answer carries."""

from __future__ import annotations

import pytest

from local.cpo.wire import write_instant
from offpeak.instants import parse_instant
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING, PROFILES, SESSIONS

IDS = {"X-Request-ID": "request-7", "X-Correlation-ID": "chain-7"}


@pytest.fixture
def partner(scene: Scene) -> Partner:
    """A partner with a session S1."""
    partner = scene.partner()
    partner.put(partner.session("S1"))
    return partner


def test_two_partners_may_have_a_session_of_the_same_id(scene: Scene) -> None:
    """P6"""
    one, other = scene.partner(), scene.partner()
    one.plug_in("S1")
    other.plug_in("S1")
    scene.settle()
    other.patch("S1", kwh=7, last_updated=write_instant(scene.now))
    assert (one.get("S1").data["kwh"], other.get("S1").data["kwh"]) == (0, 7)
    assert one.newest("S1").request_id != other.newest("S1").request_id
    assert len(one.profile_calls("S1")) == 1


def test_a_foreign_party_is_not_found_and_nothing_is_stored(scene: Scene) -> None:
    """T8"""
    one, other = scene.partner(), scene.partner()
    assert other.put(other.session("foreign")).codes == (201, 1000)
    scene.settle()
    before = other.rows("foreign")
    for method, body in (("GET", None), ("PUT", other.session("foreign", kwh=9)), ("PATCH", {"kwh": 9})):
        assert one.ask(method, other.path("foreign"), body).codes == (404, 2000)
    assert one.ask("GET", f"{SESSIONS}/XX/YYY/foreign").codes == (404, 2000)
    assert one.get("foreign").codes == (404, 2000), "nor under its own party"
    assert other.rows("foreign") == before
    assert one.rows("foreign") == []


def test_a_result_of_anothers_request_is_not_found(scene: Scene) -> None:
    """P5: and looks like one of a request that never was."""
    one, other = scene.partner(), scene.partner()
    one.plug_in("S1")
    scene.settle()
    request = one.newest("S1")
    [call] = one.profile_calls("S1")
    foreign = other.ask("POST", call.response_url, {"result": "REJECTED"})
    never_was = other.ask("POST", call.response_url[:-1] + "~", {"result": "REJECTED"})
    wrong_kind = one.ask("POST", call.response_url.replace("/set/", "/clear/"), {"result": "REJECTED"})
    assert foreign.codes == never_was.codes == wrong_kind.codes == (404, 2000)
    assert foreign.message == never_was.message
    assert one.newest("S1") == request


def test_an_active_profile_of_anothers_session_is_not_found(scene: Scene) -> None:
    """P9"""
    one, other = scene.partner(), scene.partner()
    one.plug_in("S1")
    scene.settle()
    profile = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 32}]}
    body = {"start_date_time": write_instant(EVENING), "charging_profile": profile}
    assert other.ask("PUT", f"{PROFILES}/S1", body).codes == (404, 2000)
    assert one.standing("S1").override is None


@pytest.mark.parametrize(
    ("token", "path", "http_status"),
    [("good", "S1", 200), ("good", "nobody", 404), ("bad", "S1", 401)],
    ids=["success", "not found", "not authenticated"],
)
def test_the_ids_of_a_request_come_back(partner: Partner, token: str, path: str, http_status: int) -> None:
    """T3: in errors too."""
    answer = partner.stage.ask(
        "GET", partner.path(path), partner.token_c if token == "good" else "unknown", headers=IDS
    )
    assert answer.http_status == http_status
    assert {name: answer.headers.get(name) for name in IDS} == IDS


def test_ids_that_are_missing_are_made(partner: Partner) -> None:
    """T3"""
    answer = partner.ask("GET", partner.path("S1"))
    assert answer.headers["X-Request-ID"]
    assert answer.headers["X-Correlation-ID"]


def test_answers_of_functional_modules_go_back_to_whom_asked(partner: Partner) -> None:
    """T4"""
    routing = {
        "OCPI-from-country-code": "DE",
        "OCPI-from-party-id": partner.party.party_id,
        "OCPI-to-country-code": "NL",
        "OCPI-to-party-id": "OFP",
    }
    answer = partner.ask("GET", partner.path("S1"), headers=routing)
    assert {name: answer.headers[name] for name in routing} == {
        "OCPI-from-country-code": "NL",
        "OCPI-from-party-id": "OFP",
        "OCPI-to-country-code": "DE",
        "OCPI-to-party-id": partner.party.party_id,
    }
    versions = partner.ask("GET", "/ocpi/versions", headers=routing)
    assert not [name for name in versions.headers if name.lower().startswith("ocpi-")]


def test_every_answer_of_a_function_is_in_ocpis_envelope(partner: Partner) -> None:
    """T5: with data where there is any, else without the field."""
    found, missing = partner.get("S1"), partner.get("nobody")
    repeated = partner.put(partner.session("S1"))
    for answer in (found, missing, repeated):
        said = set(answer.envelope)
        assert {"status_code", "timestamp"} <= said <= {"data", "status_code", "status_message", "timestamp"}
        assert ("data" in said) == (answer is found)
        parse_instant(answer.envelope["timestamp"])


def test_what_does_not_exist_is_answered_in_ocpis_shape(partner: Partner) -> None:
    """T6"""
    assert partner.ask("DELETE", partner.path("S1")).status == 2000
    assert partner.ask("POST", partner.path("S1"), {}).status == 2000
    assert partner.ask("GET", "/ocpi/emsp/2.2.1/tariffs").status == 2000


def test_a_flood_from_one_partner_is_turned_away_and_another_is_served(scene: Scene) -> None:
    """Each partner has a bucket of its own; here it holds five requests."""
    noisy, quiet = scene.partner(), scene.partner()
    quiet.put(quiet.session("S1"))
    with scene.throttled(requests_per_s=1, burst=5):
        flood = [noisy.get("nobody") for _ in range(40)]
        served = quiet.get("S1")
    assert served.codes == (200, 1000)
    assert {each.http_status for each in flood} == {404, 429}
    turned_away = next(each for each in flood if each.http_status == 429)
    assert turned_away.status == 2000
    assert "Retry-After" in turned_away.headers

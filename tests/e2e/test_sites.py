"""What CPOs tell of their chargers and prices, and what becomes of it in the deployed stack."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from local.cpo import Place, Tariff
from local.cpo.places import location_object
from local.cpo.wire import write_instant
from offpeak.profiles.model import RequestState
from ops.__main__ import main
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING

EMSP = "/ocpi/emsp/{version}"
ONE_PHASE = {"power_type": "AC_1_PHASE", "max_amperage": 32}


def at(minutes: int) -> str:
    return write_instant(EVENING + timedelta(minutes=minutes))


def path(partner: Partner, module: str, *ids: str, version: str = "2.2.1") -> str:
    party = (partner.party.country_code, partner.party.party_id) if module != "hubclientinfo" else ()
    return "/".join((EMSP.format(version=version), module, *party, *ids))


def charger(partner: Partner, session_id: str) -> Any:
    shown = partner.stage.cloud.invoke(
        "ops_sessions", {"action": "show", "partner_id": partner.partner_id, "session_id": session_id}
    )
    return shown["charger"]


def test_every_receiver_answers_by_the_book(scene: Scene) -> None:
    """T4, T6, T7, T8, T12, T13, T14"""
    partner, stranger = scene.partner(), scene.partner()
    location = location_object(Place("E1"), partner.party, EVENING)
    evse = location["evses"][0]  # type: ignore[index,call-overload]
    tariff = {
        "id": "T1",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.25, "step_size": 1}]}],
        "last_updated": at(0),
    }
    for version in ("2.2.1", "2.3.0"):
        where = f"L-{version}"
        for each, body in (
            (path(partner, "locations", where, version=version), {**location, "id": where}),
            (path(partner, "locations", where, "E1", version=version), evse),
            (path(partner, "locations", where, "E1", "1", version=version), evse["connectors"][0]),
            (path(partner, "tariffs", f"T-{version}", version=version), {**tariff, "id": f"T-{version}"}),
        ):
            is_new = each.count(where) == 0 or each.endswith(where)
            assert partner.ask("GET", each).codes == ((404, 2000) if is_new else (200, 1000))
            assert partner.ask("PUT", each, content="{").codes == (400, 2001)
            assert partner.ask("PUT", each, body).codes == (201 if is_new else 200, 1000)
            assert partner.ask("PATCH", each, {"last_updated": at(-9), "status": "BLOCKED"}).codes == (200, 1000)
            assert partner.ask("PATCH", each, {"status": "BLOCKED"}).codes == (200, 2001)
            assert partner.ask("PUT", each, {**body, "id": "other", "uid": "other"}).codes == (200, 2001)
            told = partner.ask("GET", each)
            assert told.codes == (200, 1000)
            assert told.data["last_updated"] == at(0).replace("Z", ".000Z")
            assert told.data.get("status") in (None, "AVAILABLE"), "what is older changes nothing"
            assert stranger.ask("GET", each).codes == (404, 2000)
            assert stranger.ask("PUT", each, body).codes == (404, 2000)
            assert partner.stage.ask("GET", each, None).http_status == 401
        assert partner.ask("DELETE", path(partner, "tariffs", f"T-{version}", version=version)).codes == (200, 1000)
        client = path(partner, "hubclientinfo", "FR", "XYZ", version=version)
        info = {"country_code": "FR", "party_id": "XYZ", "role": "CPO", "status": "OFFLINE", "last_updated": at(0)}
        routing = {"OCPI-from-party-id": "ABC", "OCPI-to-party-id": "OFP"}
        answer = partner.ask("PUT", client, info, headers=routing)
        assert answer.codes == (201 if version == "2.2.1" else 200, 1000)
        assert not [name for name in answer.headers if name.lower().startswith("ocpi-")], "this module is not routed"
        assert partner.ask("GET", client).data["status"] == "OFFLINE"
        assert stranger.ask("GET", client).codes == (404, 2000)
    assert partner.ask("GET", path(partner, "locations", "L-2.2.1", version="2.1.1")).codes == (404, 2000)


def test_every_receiver_is_advertised_in_both_versions(scene: Scene) -> None:
    """C6: exactly our interfaces"""
    partner = scene.partner()
    for version in ("2.2.1", "2.3.0"):
        endpoints = partner.ask("GET", f"/ocpi/{version}").data["endpoints"]
        roles = {each["identifier"]: each["role"] for each in endpoints}
        assert roles == {
            "credentials": "SENDER",
            "sessions": "RECEIVER",
            "chargingprofiles": "SENDER",
            "locations": "RECEIVER",
            "tariffs": "RECEIVER",
            "hubclientinfo": "RECEIVER",
        }
        for identifier in ("locations", "tariffs", "hubclientinfo"):
            [url] = [each["url"] for each in endpoints if each["identifier"] == identifier]
            assert url.endswith(f"/ocpi/emsp/{version}/{identifier}")


def test_a_one_phase_charger_gets_amperes_of_its_own(scene: Scene) -> None:
    """P8"""
    partner = scene.partner()
    partner.cpo.tell_location(Place("EVSE-S1", **ONE_PHASE))  # type: ignore[arg-type]
    partner.plug_in("S1", phases=1, max_current_a=32)
    scene.settle()
    profile = partner.newest("S1").profile
    assert profile is not None
    assert (profile.unit, float(profile.periods[-1].limit)) == ("A", 32.0)
    seen = charger(partner, "S1")
    assert (seen["phases"], seen["max_power_w"], seen["takes_profiles"]) == (1, 7360, True)
    assert partner.is_confirmed("S1")


def test_an_evse_that_cannot_take_profiles_is_sent_none_and_an_operator_sees_why(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """P12"""
    partner = scene.partner()
    partner.cpo.tell_location(Place("EVSE-S1", capabilities=["RFID_READER"]))
    partner.plug_in("S1", "S2")
    scene.settle()
    assert partner.profile_calls("S1") == []
    assert len(partner.profile_calls("S2")) == 1, "of its EVSE nothing is known (S6)"
    assert main(["session", partner.partner_id, "S1", "--local"], lambda _: scene.cloud.deployed) == 0
    assert "lack CHARGING_PROFILE_CAPABLE" in capsys.readouterr().out


def test_the_tariff_that_a_cpo_tells_is_planned_by(scene: Scene) -> None:
    partner = scene.partner(planning={"ocpi_tariffs": True, "need_kwh": 5})
    night = Tariff("T1", 0.50, cheap_eur_per_kwh=0.10, cheap_from="20:00", cheap_until="21:00", most_eur=30)
    partner.cpo.tell_tariff(night)
    partner.cpo.tell_location(Place("EVSE-S1", tariff_ids=["T1"]))
    partner.plug_in("S1")
    scene.settle()
    plan = partner.standing("S1").plan
    assert plan is not None
    assert [each.start_at.hour for each in plan.blocks] == [18], "20:00 in Germany, when nothing else is cheap"
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED


def test_what_a_session_cost_is_told_in_the_words_of_the_version_that_asks(scene: Scene) -> None:
    """T16"""
    partner = scene.partner()
    partner.put(partner.session("S1", total_cost={"excl_vat": 4, "incl_vat": 4.76}))
    assert partner.get("S1").data["total_cost"] == {"excl_vat": 4, "incl_vat": 4.76}
    newer = partner.ask("GET", partner.path("S1").replace("2.2.1", "2.3.0")).data["total_cost"]
    assert newer == {"before_taxes": 4, "taxes": [{"name": "VAT", "amount": 0.76}]}


@pytest.mark.parametrize("answer", ["ACCEPTED", "DEPARTURE_REQUIRED", None])
def test_an_operator_tells_a_cpo_what_the_driver_wants(
    scene: Scene, answer: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """S7"""
    partner = scene.partner({"preferences_answer": answer})
    partner.plug_in("S1")
    scene.settle()
    command = [
        "session",
        partner.partner_id,
        "S1",
        "--local",
        "--preferences",
        "profile_type=CHEAP",
        "energy_need=22.5",
    ]
    assert main(command, lambda _: scene.cloud.deployed) == 0
    assert f"The CPO answered {answer or 'NOT_CAPABLE'}." in capsys.readouterr().err
    told = [("S1", {"profile_type": "CHEAP", "energy_need": 22.5})] if answer else []
    assert [(session_id, {**said}) for session_id, said in partner.cpo.preferences] == told  # type: ignore[misc]


def test_a_simulated_cpo_tells_of_its_chargers_by_curl(scene: Scene) -> None:
    partner = scene.partner()

    def order(handle: str, **said: object) -> object:
        return httpx.post(f"{partner.cpo.url}/_control/{handle}", json=said, trust_env=False).json()

    assert order("tell-location", evse_uid="E1", max_amperage=32) == {"location_id": "AT-E1"}
    assert order("tell-tariff", tariff_id="T1", eur_per_kwh=0.3) == {"tariff_id": "T1"}
    assert partner.ask("GET", path(partner, "locations", "AT-E1")).data["evses"][0]["uid"] == "E1"
    assert partner.ask("GET", path(partner, "tariffs", "T1")).data["currency"] == "EUR"
    assert "error" in order("tell-location", uid="E1")  # type: ignore[operator]

"""Locations, tariffs and hub clients through their handlers: what is answered, stored and given back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions import ocpi_hubclientinfo, ocpi_locations, ocpi_tariffs
from offpeak import wiring
from tests.conftest import MakeTable
from tests.functions.conftest import Cloud
from tests.functions.events import CONTEXT, envelope_of, rest_event

NOW = datetime.now(UTC).replace(microsecond=0)
EVSE_PATH = "locations/NL/ACM/LOC-1/E1"


def at(minutes: int) -> str:
    return (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def connector(connector_id: str = "1", **fields: Any) -> dict[str, Any]:
    return {
        "id": connector_id,
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 16,
        "tariff_ids": ["T1"],
        "last_updated": at(0),
    } | fields


def evse(uid: str = "E1", **fields: Any) -> dict[str, Any]:
    return {
        "uid": uid,
        "status": "AVAILABLE",
        "capabilities": ["CHARGING_PROFILE_CAPABLE"],
        "connectors": [connector()],
        "last_updated": at(0),
    } | fields


def location(*evses: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "country_code": "NL",
        "party_id": "ACM",
        "id": "LOC-1",
        "publish": False,
        "address": "Kade 1",
        "city": "Utrecht",
        "country": "NLD",
        "coordinates": {"latitude": "52.0907", "longitude": "5.1214"},
        "time_zone": "Europe/Amsterdam",
        "evses": list(evses),
        "last_updated": at(0),
    } | fields


def tariff(**fields: Any) -> dict[str, Any]:
    return {
        "country_code": "NL",
        "party_id": "ACM",
        "id": "T1",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.25, "vat": 10.0, "step_size": 1}]}],
        "last_updated": at(0),
    } | fields


class Answer:
    def __init__(self, answer: dict[str, Any]) -> None:
        said = envelope_of(answer)
        self.codes = answer["statusCode"], said["status_code"]
        self.data, self.message = said.get("data"), said.get("status_message", "")


Ask = Callable[..., Answer]


@pytest.fixture
def ask(cloud: Cloud, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Call a receiver as the partner acme, who may write for NL-ACM."""
    for name in ("locations", "tariffs", "hub_clients"):
        monkeypatch.setenv(f"{name.upper()}_TABLE", make_table(name).name)
    handlers = {
        "locations": ocpi_locations.handler,
        "tariffs": ocpi_tariffs.handler,
        "hubclientinfo": ocpi_hubclientinfo.handler,
    }

    def ask(method: str, path: str, body: object = None, *, version: str = "2.2.1", strict: bool = False) -> Answer:
        authorizer = {
            "partner_id": "acme",
            "parties": json.dumps([["NL", "ACM"]]),
            "strict": "true" if strict else "false",
            "registered": "true",
        }
        text = body if isinstance(body, str) else None if body is None else json.dumps(body)
        event = rest_event(method, f"/ocpi/emsp/{version}/{path}", text, authorizer=authorizer)
        return Answer(handlers[path.split("/")[0]](event, CONTEXT))

    return ask


def charger(evse_uid: str = "E1", connector_id: str | None = "1") -> Any:
    from offpeak.partners.model import Party

    wiring.chargers.cache_clear()
    return wiring.chargers().at("acme", Party("NL", "ACM"), evse_uid, connector_id)


def test_a_location_comes_back_as_it_was_told(ask: Ask) -> None:
    """T6, T16"""
    told = location(evse("E1"), evse("E2"))
    assert ask("PUT", "locations/NL/ACM/LOC-1", told).codes == (201, 1000)
    assert ask("PUT", "locations/NL/ACM/LOC-1", told).codes == (200, 1000)
    known = ask("GET", "locations/nl/acm/loc-1").data
    stamp = at(0).replace("Z", ".000Z")
    for each in (told, *told["evses"], *(one["connectors"][0] for one in told["evses"])):
        each["last_updated"] = stamp
    assert known == told
    assert ask("GET", EVSE_PATH).data == told["evses"][0]
    assert ask("GET", f"{EVSE_PATH}/1").data == told["evses"][0]["connectors"][0]


def test_an_evse_and_a_connector_are_pushed_by_themselves(ask: Ask) -> None:
    """T6, T14"""
    ask("PUT", "locations/NL/ACM/LOC-1", location(evse("E1")))
    assert ask("PATCH", EVSE_PATH, {"status": "CHARGING", "last_updated": at(5)}).codes == (200, 1000)
    assert ask("PUT", "locations/NL/ACM/LOC-1/E2", evse("E2", last_updated=at(6))).codes == (201, 1000)
    assert ask("PUT", f"{EVSE_PATH}/2", connector("2", last_updated=at(7))).codes == (201, 1000)
    assert ask("PATCH", f"{EVSE_PATH}/2", {"max_amperage": 32, "last_updated": at(8)}).codes == (200, 1000)
    known = ask("GET", "locations/NL/ACM/LOC-1").data
    assert [each["status"] for each in known["evses"]] == ["CHARGING", "AVAILABLE"]
    assert [each["max_amperage"] for each in known["evses"][0]["connectors"]] == [16, 32]
    assert known["last_updated"] == at(8).replace("Z", ".000Z"), "a whole is as new as its newest part"


def test_an_evse_that_a_newer_location_leaves_out_is_gone_for_sessions_too(ask: Ask) -> None:
    ask("PUT", "locations/NL/ACM/LOC-1", location(evse("E1"), evse("E2")))
    assert charger("E1") is not None
    assert ask("PUT", "locations/NL/ACM/LOC-1", location(evse("E2"), last_updated=at(5))).codes == (200, 1000)
    assert ask("GET", EVSE_PATH).codes == (404, 2000)
    assert charger("E1") is None
    assert charger("E2") is not None
    assert ask("PUT", EVSE_PATH, evse("E1", last_updated=at(2))).codes == (200, 1000), "told before it was gone"
    assert ask("GET", EVSE_PATH).codes == (404, 2000)


def test_a_location_of_hundreds_of_evses_is_kept_whole(ask: Ask) -> None:
    many = [evse(f"E{number}", directions=[{"language": "en", "text": "x" * 500}]) for number in range(400)]
    assert ask("PUT", "locations/NL/ACM/LOC-1", location(*many)).codes == (201, 1000)
    assert len(ask("GET", "locations/NL/ACM/LOC-1").data["evses"]) == 400
    assert ask("PATCH", "locations/NL/ACM/LOC-1/E7", {"status": "CHARGING", "last_updated": at(1)}).codes == (200, 1000)
    assert charger("E399") is not None


@pytest.mark.parametrize(
    "message",
    [
        {"uid": "E1", "status": "available", "connectors": [{"id": 1, "standard": "IEC_62196_T2"}], "floor": -1},
        {"uid": "E1", "physical_reference": 3, "capabilities": None, "connectors": []},
    ],
)
def test_an_evse_with_fields_missing_or_written_oddly_is_taken(ask: Ask, message: dict[str, Any]) -> None:
    """T13"""
    assert ask("PUT", EVSE_PATH, message).codes == (201, 1000)
    known = ask("GET", EVSE_PATH).data
    assert known["status"] in ("AVAILABLE", "#NA")
    assert "floor" not in known


def test_a_strict_partner_must_say_all_and_tell_the_location_first(ask: Ask) -> None:
    """T7, T13"""
    assert ask("PUT", EVSE_PATH, evse(), strict=True).codes == (200, 2003)
    missing = ask("PUT", "locations/NL/ACM/LOC-1", location(evse(status=None)), strict=True)
    assert missing.codes == (200, 2001)
    assert missing.message.startswith("evses.0.status")
    assert ask("GET", "locations/NL/ACM/LOC-1").codes == (404, 2000)
    too_long = ask("PUT", "locations/NL/ACM/LOC-1", location(evse(floor_level="basement")), strict=True)
    assert (too_long.codes, too_long.message.split(":")[0]) == ((200, 2001), "evses.0.floor_level")
    assert ask("PUT", "locations/NL/ACM/LOC-1", location(evse()), strict=True).codes == (201, 1000)
    assert ask("PUT", "tariffs/NL/ACM/T1", tariff(currency="EURO"), strict=True).codes == (200, 2001)
    assert ask("PUT", "tariffs/NL/ACM/T1", tariff(), version="2.3.0", strict=True).codes == (200, 2001), "tax_included"


@pytest.mark.parametrize(
    ("path", "valid"),
    [("locations/NL/ACM/LOC-1", location()), (EVSE_PATH, evse()), ("tariffs/NL/ACM/T1", tariff())],
)
def test_what_cannot_be_taken_is_answered_by_the_book(ask: Ask, path: str, valid: dict[str, Any]) -> None:
    """T6, T7, T8, T14"""
    id_name = "uid" if path is EVSE_PATH else "id"
    assert ask("GET", path).codes == (404, 2000)
    assert ask("PUT", path, '{"id": ').codes == (400, 2001)
    assert ask("PUT", path, [1]).codes == (200, 2001)
    assert ask("PUT", path, {**valid, id_name: "another"}).codes == (200, 2001)
    assert ask("PUT", path, {**valid, "last_updated": at(2000)}).codes == (200, 2001)
    assert ask("PUT", path.replace("ACM", "XYZ"), valid).codes == (404, 2000)
    assert ask("PATCH", path, {"last_updated": at(1)}).codes == (404, 2000)
    assert ask("PUT", path, valid).codes == (201, 1000)
    assert ask("PATCH", path, {"status": "CHARGING"}).codes == (200, 2001)
    assert ask("PUT", path.replace("LOC-1", "x" * 300).replace("T1", "x" * 300), valid).codes == (200, 2001)
    assert ask("PUT", path, valid, version="2.1.1").codes == (404, 2000)


@pytest.mark.parametrize(
    "last_updated", ["2026-01-15T18:00:00", "2026-01-15T18:00:00.250Z", "2026-01-15T19:00:00+01:00"]
)
def test_times_are_read_in_every_form_and_written_in_one(ask: Ask, last_updated: str) -> None:
    """T12"""
    ask("PUT", "tariffs/NL/ACM/T1", tariff(last_updated=last_updated))
    told = ask("GET", "tariffs/NL/ACM/T1").data["last_updated"]
    assert told in ("2026-01-15T18:00:00.000Z", "2026-01-15T18:00:00.250Z")


def test_an_older_message_changes_nothing(ask: Ask) -> None:
    """T14"""
    ask("PUT", "tariffs/NL/ACM/T1", tariff(last_updated=at(10)))
    assert ask("PUT", "tariffs/NL/ACM/T1", tariff(currency="SEK", last_updated=at(5))).codes == (200, 1000)
    assert ask("PATCH", "tariffs/NL/ACM/T1", {"currency": "SEK", "last_updated": at(9)}).codes == (200, 1000)
    assert ask("GET", "tariffs/NL/ACM/T1").data["currency"] == "EUR"


def test_a_tariff_is_given_back_in_the_words_of_the_version_that_asks(ask: Ask) -> None:
    """One code path: 2.2.1 has excl_vat and incl_vat, 2.3.0 before_taxes, after_taxes and tax_included."""
    ask("PUT", "tariffs/NL/ACM/T1", tariff(max_price={"excl_vat": 10, "incl_vat": 11.9}))
    assert ask("GET", "tariffs/NL/ACM/T1").data["max_price"] == {"excl_vat": 10, "incl_vat": 11.9}
    newer = ask("GET", "tariffs/NL/ACM/T1", version="2.3.0").data
    assert newer["max_price"] == {"before_taxes": 10, "after_taxes": 11.9}
    assert newer["tax_included"] == "NO"
    limit = {"before_taxes": 5, "after_taxes": 6}
    later = tariff(min_price=limit, tax_included="YES", last_updated=at(1))
    assert ask("PUT", "tariffs/NL/ACM/T1", later, version="2.3.0", strict=True).codes == (200, 1000)
    assert ask("GET", "tariffs/NL/ACM/T1", version="2.3.0").data["min_price"] == limit
    older = ask("GET", "tariffs/NL/ACM/T1").data
    assert older["min_price"] == {"excl_vat": 5, "incl_vat": 6}
    assert "tax_included" not in older


def test_a_deleted_tariff_is_gone_and_only_news_of_it_brings_it_back(ask: Ask) -> None:
    """T6, T14"""
    assert ask("DELETE", "tariffs/NL/ACM/T1").codes == (404, 2000)
    ask("PUT", "tariffs/NL/ACM/T1", tariff(last_updated=at(5)))
    assert ask("DELETE", "tariffs/NL/ACM/T1").codes == (200, 1000)
    assert ask("GET", "tariffs/NL/ACM/T1").codes == (404, 2000)
    assert ask("DELETE", "tariffs/NL/ACM/T1").codes == (404, 2000)
    assert ask("PUT", "tariffs/NL/ACM/T1", tariff(last_updated=at(5))).codes == (200, 1000)
    assert ask("GET", "tariffs/NL/ACM/T1").codes == (404, 2000)
    assert ask("PUT", "tariffs/NL/ACM/T1", tariff(last_updated=at(6))).codes == (201, 1000)
    assert ask("GET", "tariffs/NL/ACM/T1").codes == (200, 1000)


def test_a_hub_tells_of_any_party(ask: Ask) -> None:
    """T6, T14"""
    path = "hubclientinfo/DE/XYZ"
    info = {"country_code": "DE", "party_id": "XYZ", "role": "CPO", "status": "CONNECTED", "last_updated": at(0)}
    assert ask("GET", path).codes == (404, 2000)
    assert ask("PUT", path, info).codes == (201, 1000)
    assert ask("PUT", path, info | {"status": "OFFLINE", "last_updated": at(-5)}).codes == (200, 1000)
    assert ask("GET", path, version="2.3.0").data == info | {"last_updated": at(0).replace("Z", ".000Z")}
    assert ask("PUT", path, info | {"status": "offline", "last_updated": at(5)}).codes == (200, 1000)
    assert ask("GET", path).data["status"] == "OFFLINE"
    assert ask("PUT", path, info | {"party_id": "ABC"}).codes == (200, 2001)
    assert ask("PUT", path, info | {"status": "ASLEEP"}).codes == (200, 2001)
    assert ask("PUT", path, {"status": "CONNECTED"}, strict=True).codes == (200, 2001)
    assert ask("PUT", path, "{").codes == (400, 2001)

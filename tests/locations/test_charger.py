"""What an EVSE's connectors are to planning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from offpeak.locations.charger import (
    charger_at,
    chargers_from_row,
    chargers_of,
    chargers_to_row,
    fitted,
    takes_profiles,
)
from offpeak.locations.model import Address, Charger, LocationKey
from offpeak.locations.parse import parse_location_push
from offpeak.ocpi.merging import UNTOLD, Merged, merge
from offpeak.ocpi.wire_json import read_json, write_json
from offpeak.partners.model import Party, PlanningDefaults

NOW = datetime(2026, 1, 15, 17, tzinfo=UTC)
ADDRESS = Address(LocationKey("acme", Party("NL", "ACM"), "LOC-1"), "E1")


def an_evse(*connectors: dict[str, Any], capabilities: list[str] | None = None) -> Merged:
    body = {"uid": "E1", "capabilities": capabilities, "connectors": list(connectors)}
    told = parse_location_push(read_json(write_json(body)), ADDRESS, is_whole=True, strict=False, now=NOW)
    return merge(UNTOLD, told.push).parts["e1"]


def connector(connector_id: str = "1", **fields: Any) -> dict[str, Any]:
    return {"id": connector_id, "power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 16} | fields


@pytest.mark.parametrize(
    ("told", "phases", "voltage_v", "max_power_w"),
    [
        ({}, 3, 230, 11_040),
        ({"max_amperage": 32}, 3, 230, 22_080),
        ({"power_type": "AC_1_PHASE", "max_amperage": 32}, 1, 230, 7360),
        ({"power_type": "ac_2_phase"}, 2, 230, 7360),
        ({"max_electric_power": 3700}, 3, 230, 3700),
        ({"max_electric_power": 22_000}, 3, 230, 11_040),
        ({"max_electric_power": 11}, 3, 230, 11_000),  # kW are meant
        ({"max_voltage": 400}, 3, 230, 11_040),  # line to line is meant
        ({"max_voltage": 120, "power_type": "AC_1_PHASE"}, 1, 120, 1920),
        ({"power_type": "DC", "max_voltage": 500, "max_amperage": 100}, None, 230, 50_000),
        (
            {"power_type": "DC", "max_voltage": 920, "max_amperage": 500, "max_electric_power": 150_000},
            None,
            230,
            150_000,
        ),
        ({"power_type": None}, 2, 230, 5000),
        ({"power_type": None, "max_electric_power": 7400}, 2, 230, 7400),
        ({"power_type": "AC_5_PHASE", "max_amperage": 0, "max_voltage": 0}, 2, 230, 5000),
        ({"max_amperage": None}, 3, 230, 5000),
    ],
)
def test_settings_are_fitted_to_what_the_connector_tells(
    told: dict[str, Any], phases: int | None, voltage_v: int, max_power_w: int
) -> None:
    planning = PlanningDefaults(phases=2, max_power_w=5000)
    charger = charger_at(chargers_of(an_evse(connector(**told))), "1")
    after = fitted(planning, charger)
    assert (after.phases, after.voltage_v, after.max_power_w) == (phases, voltage_v, max_power_w)


def test_old_names_of_a_connectors_fields_are_understood() -> None:
    """T13"""
    old = {"id": "1", "power_type": "AC_1_PHASE", "voltage": "230", "amperage": "20", "tariff_id": "T7"}
    charger = charger_at(chargers_of(an_evse(old)), None)
    assert (charger.voltage_v, charger.max_current_a, charger.tariff_ids) == (230, 20, ("T7",))


def test_a_session_that_names_no_connector_is_at_the_only_kind_there_is() -> None:
    evse = an_evse(connector("1"), connector("2"), capabilities=["CHARGING_PROFILE_CAPABLE"])
    assert charger_at(chargers_of(evse), None).phases == 3
    assert charger_at(chargers_of(evse), "unheard of").phases == 3
    mixed = chargers_of(an_evse(connector("1"), connector("2", power_type="AC_1_PHASE")))
    assert charger_at(mixed, None).phases is None
    assert charger_at(mixed, "2").phases == 1


@pytest.mark.parametrize(
    ("capabilities", "lenient", "strict"),
    [
        (["CHARGING_PROFILE_CAPABLE", "RFID_READER"], True, True),
        (["charging_profile_capable"], True, True),
        (["RFID_READER"], False, False),
        ([], True, False),
        (None, True, False),
    ],
)
def test_profiles_go_to_evses_that_can_take_them(capabilities: list[str] | None, lenient: bool, strict: bool) -> None:
    """P12: who told no capabilities at all is taken at its word when it is held to the letter only"""
    charger = charger_at(chargers_of(an_evse(connector(), capabilities=capabilities)), "1")
    assert takes_profiles(charger, strict=False) is lenient
    assert takes_profiles(charger, strict=True) is strict


def test_an_evse_that_is_in_no_location_takes_profiles() -> None:
    """P12, S6"""
    assert takes_profiles(None, strict=True)


def test_chargers_come_back_as_they_were_stored() -> None:
    chargers = chargers_of(an_evse(connector(tariff_ids=["T1", "T2"]), capabilities=["RFID_READER"]))
    assert chargers_from_row(chargers_to_row(chargers)) == chargers
    assert isinstance(chargers["1"], Charger)

"""What an EVSE's connectors are to planning: read off what was told, and fitted into a partner's settings. Pure.

Nothing in here is required: most private chargers are in no Location (CONFORMANCE S6), and what is missing stays as the
partner's settings have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from math import sqrt
from typing import Any

from offpeak.locations.model import Charger
from offpeak.ocpi.merging import Merged
from offpeak.partners.model import PlanningDefaults

PHASES = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3}
"""PowerType (OCPI 2.2.1, 8.4.19) -> phases; DC has none."""

LINE_TO_LINE_V = 340
"""From here on a voltage of several phases is that between two of them: OCPI asks for line to neutral, and many say 400
all the same."""

LEAST_POWER_W = 1000
"""No charger gives less: a smaller number was meant in kW."""

ANY_CONNECTOR = ""
"""Whose charger is looked up where a session names no connector, or one that we do not know."""


def chargers_of(evse: Merged) -> dict[str, Charger]:
    """Return an EVSE's chargers by connector id, in small letters. ANY_CONNECTOR has what all of them share."""
    told = evse.value("capabilities")
    capabilities = told if isinstance(told, list) else None
    common = Charger(
        takes_profiles=None if capabilities is None else "CHARGING_PROFILE_CAPABLE" in capabilities,
        takes_preferences=None if capabilities is None else "CHARGING_PREFERENCES_CAPABLE" in capabilities,
    )
    chargers = {part_id: _charger(part, common) for part_id, part in evse.parts.items() if part.is_known}
    kinds = list(chargers.values())
    is_same = bool(kinds) and all(each == kinds[0] for each in kinds)
    return {**chargers, ANY_CONNECTOR: kinds[0] if is_same else common}


def charger_at(chargers: Mapping[str, Charger], connector_id: str | None) -> Charger:
    """Return the charger that a session is at."""
    return chargers.get((connector_id or ANY_CONNECTOR).casefold(), chargers[ANY_CONNECTOR])


def fitted(planning: PlanningDefaults, charger: Charger) -> PlanningDefaults:
    """Return the settings with phases, voltage and power as the charger has them, where it told them.

    The power is what amperes and volts come to, or the connector's own maximum where that is less (OCPI 2.2.1, 8.3.3).
    """
    phases = None if charger.is_dc else charger.phases or planning.phases
    voltage_v = planning.voltage_v if charger.is_dc else charger.voltage_v or planning.voltage_v
    powers = [charger.max_power_w] if charger.max_power_w else []
    if charger.max_current_a and (charger.phases or charger.is_dc):
        at_v = charger.voltage_v if charger.is_dc else voltage_v
        powers += [charger.max_current_a * at_v * (charger.phases or 1)] if at_v else []
    return replace(
        planning, phases=phases, voltage_v=voltage_v, max_power_w=min(powers) if powers else planning.max_power_w
    )


def takes_profiles(charger: Charger | None, *, strict: bool) -> bool:
    """Say whether profiles may be sent (CONFORMANCE P12). An EVSE that told no capabilities at all is taken at its word
    with a strict partner only."""
    return charger is None or (not strict if charger.takes_profiles is None else charger.takes_profiles)


def chargers_to_row(chargers: Mapping[str, Charger]) -> dict[str, Any]:
    return {
        f"#{connector_id}": {
            each.name: list(value) if isinstance(value := getattr(charger, each.name), tuple) else value
            for each in fields(Charger)
            if getattr(charger, each.name) != each.default
        }
        for connector_id, charger in chargers.items()
    }


def chargers_from_row(row: Mapping[str, Any]) -> dict[str, Charger]:
    return {connector_id[1:]: Charger(**_values(told)) for connector_id, told in row.items()}


def _values(told: Mapping[str, Any]) -> dict[str, Any]:
    def value(each: Any) -> Any:
        if isinstance(each, list):
            return tuple(each)
        return int(each) if isinstance(each, Decimal) else each

    return {name: value(each) for name, each in told.items()}


def _charger(connector: Merged, common: Charger) -> Charger:
    power_type = connector.value("power_type")
    phases = PHASES.get(power_type) if isinstance(power_type, str) else None
    tariff_ids = connector.value("tariff_ids")
    return replace(
        common,
        is_dc=power_type == "DC",
        phases=phases,
        voltage_v=_phase_voltage(_whole(connector.value("max_voltage")), phases),
        max_current_a=_whole(connector.value("max_amperage")),
        max_power_w=_watts(_whole(connector.value("max_electric_power"))),
        tariff_ids=tuple(str(each) for each in tariff_ids) if isinstance(tariff_ids, list) else (),
    )


def _whole(value: object) -> int | None:
    """Return a number that says something: 0 volts and 0 amperes say nothing."""
    return int(value) or None if isinstance(value, Decimal) else None


def _phase_voltage(voltage_v: int | None, phases: int | None) -> int | None:
    if voltage_v is not None and phases in (2, 3) and voltage_v >= LINE_TO_LINE_V:
        return int(round(voltage_v / sqrt(3), -1))
    return voltage_v


def _watts(power: int | None) -> int | None:
    return power * 1000 if power is not None and power < LEAST_POWER_W else power

"""From a CPO's EVSE or charging station to the one model of both. Pure."""

from __future__ import annotations

from decimal import Decimal

from offpeak.ocpi.locations import ConnectorObject, EvseObject
from offpeak.ocpi.pairing import StationObject
from offpeak.pairing.model import PairedConnector, PairedEvse, PairedStation, Tier

PHASES = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3, "DC": 1}
USUAL_V = 230
LINE_TO_LINE_V = 340
"""From here on a voltage of several phases is that between two of them."""


def of_evse(partner_id: str, evse: EvseObject) -> PairedStation:
    """Return what a code of one EVSE stands for. `evse` has a uid."""
    return PairedStation(partner_id, Tier.EVSE, (_evse(evse),))


def of_station(partner_id: str, station: StationObject) -> PairedStation:
    """Return what a code of a charging station stands for. It and its EVSEs have uids."""
    return PairedStation(partner_id, Tier.STATION, tuple(map(_evse, station.evses)), station.uid)


def _evse(evse: EvseObject) -> PairedEvse:
    connectors = tuple(
        PairedConnector(each.id or str(place), each.standard, _max_power_w(each))
        for place, each in enumerate(evse.connectors, start=1)
    )
    return PairedEvse(str(evse.uid), evse.evse_id, tuple(evse.capabilities), connectors)


def _max_power_w(connector: ConnectorObject) -> int | None:
    """Return what a connector gives at most, watts: as told, or as volts, amperes and phases come to."""
    if connector.max_electric_power:
        return int(connector.max_electric_power)
    phases = PHASES.get(connector.power_type or "")
    if phases is None or not connector.max_amperage:
        return None
    voltage_v = connector.max_voltage or Decimal(USUAL_V)
    if phases > 1 and voltage_v >= LINE_TO_LINE_V:
        voltage_v = Decimal(USUAL_V)
    return int(voltage_v * connector.max_amperage * phases)

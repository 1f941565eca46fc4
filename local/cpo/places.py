"""Where the CPO's chargers are and what charging costs there: Locations, EVSEs and tariffs as OCPI objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from local.cpo.wire import Json, Party, write_instant


@dataclass(frozen=True, slots=True)
class Place:
    """A Location with one EVSE, whose one connector is named 1, as it is in every session. Volts are line to neutral;
    `capabilities` None: not told."""

    evse_uid: str
    power_type: str = "AC_3_PHASE"
    max_voltage: int = 230
    max_amperage: int = 16
    max_electric_power: int | None = None
    capabilities: Sequence[str] | None = ("CHARGING_PROFILE_CAPABLE", "REMOTE_START_STOP_CAPABLE")
    tariff_ids: Sequence[str] = ()

    @property
    def location_id(self) -> str:
        """The Location's id, as sessions at this EVSE name it."""
        return f"AT-{self.evse_uid}"[:36]


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price of energy, EUR/kWh without VAT, and another one in some hours of the day (local times, HH:MM)."""

    tariff_id: str
    eur_per_kwh: float
    cheap_eur_per_kwh: float | None = None
    cheap_from: str = "00:00"
    cheap_until: str = "06:00"
    vat: float | None = None
    most_eur: float | None = None
    """What a session costs at most."""


def location_object(place: Place, party: Party, at: datetime) -> dict[str, Json]:
    """Return the whole Location object."""
    stamp = write_instant(at)
    connector: dict[str, Json] = {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": place.power_type,
        "max_voltage": place.max_voltage,
        "max_amperage": place.max_amperage,
        "tariff_ids": list(place.tariff_ids),
        "last_updated": stamp,
    }
    if place.max_electric_power is not None:
        connector["max_electric_power"] = place.max_electric_power
    evse: dict[str, Json] = {
        "uid": place.evse_uid,
        "status": "AVAILABLE",
        "connectors": [connector],
        "last_updated": stamp,
    }
    if place.capabilities is not None:
        evse["capabilities"] = list(place.capabilities)
    return {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": place.location_id,
        "publish": False,
        "address": "Ladestr. 1",
        "city": "Berlin",
        "country": "DEU",
        "coordinates": {"latitude": "52.520008", "longitude": "13.404954"},
        "evses": [evse],
        "time_zone": "Europe/Berlin",
        "last_updated": stamp,
    }


def tariff_object(tariff: Tariff, party: Party, version: str, at: datetime) -> dict[str, Json]:
    """Return the whole Tariff object, in the words of an OCPI version."""
    elements: list[Json] = []
    if tariff.cheap_eur_per_kwh is not None:
        hours = {"start_time": tariff.cheap_from, "end_time": tariff.cheap_until}
        elements.append({"price_components": [_energy(tariff.cheap_eur_per_kwh, tariff.vat)], "restrictions": hours})
    elements.append({"price_components": [_energy(tariff.eur_per_kwh, tariff.vat)]})
    said: dict[str, Json] = {
        "country_code": party.country_code,
        "party_id": party.party_id,
        "id": tariff.tariff_id,
        "currency": "EUR",
        "elements": elements,
        "last_updated": write_instant(at),
    }
    is_new = version != "2.2.1"
    if is_new:
        said["tax_included"] = "NO"
    if tariff.most_eur is not None:
        said["max_price"] = {"before_taxes" if is_new else "excl_vat": tariff.most_eur}
    return said


def _energy(eur_per_kwh: float, vat: float | None) -> Json:
    component: dict[str, Json] = {"type": "ENERGY", "price": eur_per_kwh, "step_size": 1}
    return component if vat is None else {**component, "vat": vat}

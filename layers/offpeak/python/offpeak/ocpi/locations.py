"""Locations, EVSEs and connectors on the wire (OCPI 2.2.1 and 2.3.0, 8.3): one reading for both versions.

2.3.0 only adds fields and opens enumerations, so all fields of both are known here. What we only give back is kept as
it came; unknown fields are kept out. Which fields must be there is decided by whoever reads the object.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from offpeak.ocpi.fields import AllTold, Code, Codes, Instant, NoneAsEmpty, Number, Told, Words, Written

Amount = Annotated[Number, Field(ge=0)] | None


class ConnectorObject(BaseModel):
    id: Written = None
    standard: Written = None
    format: Code = None
    power_type: Code = None
    max_voltage: Amount = None
    max_amperage: Amount = None
    max_electric_power: Amount = None
    tariff_ids: Words = []
    terms_and_conditions: Written = None
    capabilities: Codes = []
    last_updated: Instant | None = None


class EvseObject(BaseModel):
    uid: Written = None
    evse_id: Written = None
    status: Code = None
    status_schedule: AllTold = []
    capabilities: Codes = []
    connectors: Annotated[list[ConnectorObject], NoneAsEmpty] = []
    floor_level: Written = None
    coordinates: Told = None
    physical_reference: Written = None
    directions: AllTold = []
    parking_restrictions: Codes = []
    parking: AllTold = []
    images: AllTold = []
    accepted_service_providers: Words = []
    last_updated: Instant | None = None


class LocationObject(BaseModel):
    country_code: Written = None
    party_id: Written = None
    id: Written = None
    publish: bool | None = None
    publish_allowed_to: AllTold = []
    name: Written = None
    address: Written = None
    city: Written = None
    postal_code: Written = None
    state: Written = None
    country: Written = None
    coordinates: Told = None
    related_locations: AllTold = []
    parking_type: Code = None
    evses: Annotated[list[EvseObject], NoneAsEmpty] = []
    parking_places: AllTold = []
    directions: AllTold = []
    operator: Told = None
    suboperator: Told = None
    owner: Told = None
    facilities: Codes = []
    time_zone: Written = None
    opening_times: Told = None
    charging_when_closed: bool | None = None
    images: AllTold = []
    energy_mix: Told = None
    help_phone: Written = None
    last_updated: Instant | None = None


REQUIRED: dict[type[BaseModel], tuple[str, ...]] = {
    LocationObject: (
        "country_code",
        "party_id",
        "id",
        "publish",
        "address",
        "city",
        "country",
        "coordinates",
        "time_zone",
        "last_updated",
    ),
    EvseObject: ("uid", "status", "connectors", "last_updated"),
    ConnectorObject: (
        "id",
        "standard",
        "format",
        "power_type",
        "max_voltage",
        "max_amperage",
        "last_updated",
    ),
}
"""The fields with cardinality 1 or + (OCPI 2.2.1, 8.3.1 to 8.3.3)."""

LENGTHS = {
    "id": 36,
    "uid": 36,
    "evse_id": 48,
    "country_code": 2,
    "party_id": 3,
    "city": 45,
    "postal_code": 10,
    "state": 45,
    "country": 3,
    "floor_level": 4,
    "physical_reference": 16,
    "help_phone": 25,
}
"""The longest text that the specification allows in a field, whatever object it is of."""

RENAMED = {"voltage": "max_voltage", "amperage": "max_amperage", "tariff_id": "tariff_ids"}
"""A connector's fields as OCPI 2.1.1 called them, and what they are called now."""

PARTS: dict[type[BaseModel], tuple[str, str, type[BaseModel]]] = {
    LocationObject: ("evses", "uid", EvseObject),
    EvseObject: ("connectors", "id", ConnectorObject),
}
"""Object -> (the field that holds its parts, the field that is a part's id, the part)."""

"""The Session object on the wire (OCPI 2.2.1, 9.3.1): types checked, unknown fields kept out, nothing filled in.

What a field means, and which must be there, is decided by whoever reads the object.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from offpeak.ocpi.fields import AnyCase, Instant, NoneAsEmpty, Number, OptionalText, Text


class Dimension(StrEnum):
    """CdrDimensionType (OCPI 2.2.1, 10.4.2): the unit of each volume."""

    CURRENT = "CURRENT"  # A, negative when the car feeds the grid
    ENERGY = "ENERGY"  # kWh
    ENERGY_EXPORT = "ENERGY_EXPORT"  # kWh
    ENERGY_IMPORT = "ENERGY_IMPORT"  # kWh
    MAX_CURRENT = "MAX_CURRENT"  # A
    MIN_CURRENT = "MIN_CURRENT"  # A
    MAX_POWER = "MAX_POWER"  # kW
    MIN_POWER = "MIN_POWER"  # kW
    PARKING_TIME = "PARKING_TIME"  # h
    POWER = "POWER"  # kW, negative when the car feeds the grid
    RESERVATION_TIME = "RESERVATION_TIME"  # h
    STATE_OF_CHARGE = "STATE_OF_CHARGE"  # %, 0 to 100
    TIME = "TIME"  # h


SIGNED = frozenset(
    {
        Dimension.CURRENT,
        Dimension.MAX_CURRENT,
        Dimension.MIN_CURRENT,
        Dimension.POWER,
        Dimension.MAX_POWER,
        Dimension.MIN_POWER,
    }
)


class CdrDimension(BaseModel):
    """One volume of a period. A type that OCPI does not know is kept as text and not used."""

    type: Text
    volume: Number


class ChargingPeriodObject(BaseModel):
    start_date_time: Instant
    dimensions: Annotated[list[CdrDimension], NoneAsEmpty] = []
    tariff_id: OptionalText = None


class SessionObject(BaseModel):
    """A PUT's or a PATCH's body. `model_fields_set` tells what the message named."""

    model_config = ConfigDict(extra="ignore")

    country_code: OptionalText = None
    party_id: OptionalText = None
    id: OptionalText = None
    start_date_time: Instant | None = None
    end_date_time: Instant | None = None
    kwh: Annotated[Number, Field(ge=0)] | None = None
    cdr_token: dict[str, object] | None = None
    auth_method: OptionalText = None
    authorization_reference: OptionalText = None
    location_id: OptionalText = None
    evse_uid: OptionalText = None
    connector_id: OptionalText = None
    meter_id: OptionalText = None
    currency: OptionalText = None
    charging_periods: Annotated[list[ChargingPeriodObject], NoneAsEmpty] = []
    total_cost: dict[str, object] | None = None
    status: Annotated[
        Literal["ACTIVE", "COMPLETED", "INVALID", "PENDING", "RESERVATION"] | None,
        AnyCase,
    ] = None
    last_updated: Instant | None = None


REQUIRED = (
    "country_code",
    "party_id",
    "id",
    "start_date_time",
    "kwh",
    "cdr_token",
    "auth_method",
    "location_id",
    "evse_uid",
    "connector_id",
    "currency",
    "status",
    "last_updated",
)
"""The fields with cardinality 1 (OCPI 2.2.1, 9.3.1)."""

LENGTHS = {
    "country_code": 2,
    "party_id": 3,
    "id": 36,
    "authorization_reference": 36,
    "location_id": 36,
    "evse_uid": 36,
    "connector_id": 36,
    "currency": 3,
}
"""The longest text that the specification allows in a field."""

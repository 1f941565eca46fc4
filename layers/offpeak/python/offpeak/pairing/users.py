"""Users and their charging locations as apps tell them: checked by name, shown as they are told."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from offpeak.instants import format_instant
from offpeak.pairing.model import Account, Address, ChargingLocation, User
from offpeak.partners.row import tariff_to_row
from offpeak.partners.settings import UNNAMED, Name, TariffChange, TimeZone, tariff_with
from offpeak.prices.model import Tariff
from offpeak.prices.zones import PRICED

MOST_LOCATIONS = 20
"""Of one user."""

Reference = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
Line = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")
]
PostalCode = Annotated[
    str, StringConstraints(min_length=1, max_length=20, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")
]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


def _priced(zone: str) -> str:
    if zone not in PRICED:
        raise ValueError("is no bidding zone that prices are known of, such as DE-LU or IT-North")
    return zone


PricedZone = Annotated[str, AfterValidator(_priced), Field(json_schema_extra={"enum": sorted(PRICED)})]
"""Prices are fetched zone by zone in a minute: made-up names would keep those of others waiting."""


class _Change(BaseModel):
    """A change names only what it sets, and null takes it away; a name that does not exist is a mistake."""

    model_config = ConfigDict(extra="forbid")


class UserChange(_Change):
    """`reference` is what the tenant calls the user; nobody else gets to see it."""

    reference: Reference | None = None


class AddressObject(BaseModel):
    model_config = ConfigDict(extra="forbid")

    street: Line
    postal_code: PostalCode
    city: Line
    country_code: CountryCode
    """ISO 3166-1 alpha-2."""


class LocationChange(_Change):
    """`tariff` names all that differs from plain market prices. `connection_limit_a` is amperes on each phase, shared
    evenly by the EVSEs of the user's chargers there."""

    name: Name = UNNAMED
    time_zone: TimeZone = UNNAMED
    address: AddressObject | None = None
    bidding_zone: PricedZone | None = None
    tariff: TariffChange | None = None
    connection_limit_a: Annotated[int, Field(ge=6, le=1000)] | None = None


class NewLocation(LocationChange):
    name: Name
    time_zone: TimeZone


def user_with(user: User, change: UserChange) -> User:
    return replace(user, reference=change.reference) if "reference" in change.model_fields_set else user


def new_location(location_id: str, said: NewLocation, now: datetime) -> ChargingLocation:
    """Make a charging location. Raises InvalidMessage."""
    return location_with(ChargingLocation(location_id, said.name, said.time_zone, now), said)


def location_with(location: ChargingLocation, change: LocationChange) -> ChargingLocation:
    """Return a location with what a change names. Raises InvalidMessage."""
    named: dict[str, Any] = {name: getattr(change, name) for name in change.model_fields_set}
    if named.get("address") is not None:
        named["address"] = Address(**named["address"].model_dump())
    if named.get("tariff") is not None:
        named["tariff"] = tariff_with(Tariff(), named["tariff"], "tariff")
    return replace(location, **named)


def user_shown(user: User) -> dict[str, object]:
    return {
        "user_id": user.key.user_id,
        "reference": user.reference,
        "created_at": format_instant(user.created_at),
    }


def location_shown(location: ChargingLocation) -> dict[str, object]:
    return {
        "location_id": location.location_id,
        "name": location.name,
        "time_zone": location.time_zone,
        "address": asdict(location.address) if location.address else None,
        "bidding_zone": location.bidding_zone,
        "tariff": tariff_to_row(location.tariff) if location.tariff else None,
        "connection_limit_a": location.connection_limit_a,
        "created_at": format_instant(location.created_at),
    }


def locations_of(account: Account) -> list[ChargingLocation]:
    """Return a user's locations, the oldest first."""
    return sorted(account.locations.values(), key=lambda each: (each.created_at, each.location_id))

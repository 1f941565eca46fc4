"""What answers of the app API hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from offpeak.ocpi.fields import Instant
from offpeak.pairing.users import AddressObject, Line, Reference
from offpeak.partners.settings import BiddingZone, TariffChange

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class UserShown(TypedDict):
    user_id: Id
    reference: Reference | None
    created_at: Instant


class UserPage(TypedDict):
    users: list[UserShown]
    next: str | None
    """The cursor of the next page, null after the last."""


class LocationShown(TypedDict):
    location_id: Id
    name: Line
    time_zone: str
    address: AddressObject | None
    bidding_zone: BiddingZone | None
    tariff: TariffChange | None
    connection_limit_a: int | None
    created_at: Instant


class LocationList(TypedDict):
    locations: list[LocationShown]
    next: None

"""What answers of the app API hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from offpeak.ocpi.fields import Instant
from offpeak.pairing.connect import ConnectProblem, ConnectState
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


class ConnectSessionShown(TypedDict):
    connect_session_id: Id
    user_id: Id
    location_id: Id
    state: ConnectState
    problem: ConnectProblem | None
    """Of the last code, or why the session has failed."""
    charger_id: Id | None
    """The charger that was paired, or that the driver has already."""
    codes_left: int
    redirect_url: str
    language: str | None
    created_at: Instant
    expires_at: Instant
    """When the link ends."""


class ConnectSessionMade(ConnectSessionShown):
    start_url: str
    """What the driver opens. It is told this once."""

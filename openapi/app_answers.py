"""What answers of the app API hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from offpeak.ocpi.fields import Instant
from offpeak.pairing.connect import ConnectProblem, ConnectState
from offpeak.pairing.model import MoneyUnit
from offpeak.pairing.users import AddressObject, Line, Reference
from offpeak.partners.settings import TariffChange
from offpeak.planning.plan import ReasonCode
from offpeak.profiles.for_apps import ChargerState
from offpeak.profiles.model import RequestKind, RequestState
from offpeak.sessions.model import ChargingState, Confidence, SessionStatus

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class PairingCode(TypedDict):
    code: str
    user_id: Id
    location_id: Id
    charger_id: Id
    expires_at: Instant


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
    bidding_zone: str | None
    tariff: TariffChange | None
    connection_limit_a: int | None
    created_at: Instant


class LocationList(TypedDict):
    locations: list[LocationShown]
    next: None


class PlaceLookedAt(TypedDict):
    place: str
    became: Literal["UNPAIRED", "ERASED", "PSEUDONYMISED"]
    done: int
    """How many so far."""
    found_at_last_look: int | None


class DeletionShown(TypedDict):
    deletion_id: Id
    user_id: Id
    state: Literal["RUNNING", "FINISHED"]
    begun_at: Instant
    looks: int
    looked_at: Instant | None
    finished_at: Instant | None
    backups_expire_at: Instant | None
    listing: list[PlaceLookedAt]


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


class ConnectorShown(TypedDict):
    connector_id: str
    standard: str | None
    max_power_w: int | None


class EvseShown(TypedDict):
    uid: str
    evse_id: str | None
    connectors: list[ConnectorShown]


class ChargerShown(TypedDict):
    """Instants are those of the charging location, with their offset."""

    charger_id: Id
    location_id: Id
    paired_at: Instant
    station_uid: str | None
    evses: list[EvseShown]
    state: ChargerState
    since: Instant
    reason: str
    """Why the charger is taken to be in that state: a code, and `text` for a person."""
    text: str
    session_id: str | None
    """The session that runs there, or the last one."""
    smart_charging: bool


class ChargerPage(TypedDict):
    chargers: list[ChargerShown]
    next: str | None
    """The cursor of the next page, null after the last."""


class DeparturesShown(TypedDict):
    """Local times such as 06:45, null where nothing is said."""

    monday: str | None
    tuesday: str | None
    wednesday: str | None
    thursday: str | None
    friday: str | None
    saturday: str | None
    sunday: str | None


class SettingsShown(TypedDict):
    smart_charging: bool
    departures: DeparturesShown
    minimum_level: Decimal | None
    desired_level: Decimal | None
    early_departure: str | None
    early_level: Decimal | None
    battery_kwh: Decimal | None
    min_current_a: int | None
    need_kwh: Decimal | None
    minimum_now_kwh: Decimal | None
    early_kwh: Decimal | None
    discharge_allowed: bool
    money_unit: MoneyUnit
    boost_until: Instant | None


class Money(TypedDict):
    amount: Decimal
    unit: MoneyUnit


class SessionInList(TypedDict):
    session_id: str
    evse_uid: str | None
    status: SessionStatus
    start_at: Instant
    end_at: Instant | None
    last_updated: Instant
    delivered_kwh: Decimal
    state: ChargerState
    saving: Money | None


class SessionPage(TypedDict):
    sessions: list[SessionInList]
    next: str | None
    """The cursor of the next page, null after the last."""


class ChargingStateShown(TypedDict):
    state: ChargingState
    reason: str
    text: str
    confidence: Confidence
    power_w: int | None
    since: Instant | None


class UnmanagedShown(TypedDict):
    reason: str
    text: str


class PlanBlock(TypedDict):
    start_at: Instant
    end_at: Instant
    power_w: Decimal


class DriversPlan(TypedDict):
    """`facts` are what `text` says, for machines."""

    reason: ReasonCode
    text: str
    facts: dict[str, object]
    made_at: Instant
    need_kwh: Decimal
    blocks: list[PlanBlock]
    unlimited_from: Instant
    ready_at: Instant | None
    departure_at: Instant
    shortfall_kwh: Decimal
    uses_forecast: bool
    cost: Money
    saving: Money


class ProfileLife(TypedDict):
    request_id: str
    kind: RequestKind
    state: RequestState
    answer: str | None
    result: str | None
    steps: dict[str, Instant]


class DriversSession(SessionInList):
    state_of_charge: Decimal | None
    charging_state: ChargingStateShown
    unmanaged: UnmanagedShown | None
    """Why the session is sent no charging profile, null where it is."""
    plan: DriversPlan | None
    is_planned: bool
    """Whether all that was heard, and all that the driver wants, is in the plan by now."""
    waits_for_room: bool
    """Whether the newest plan waits until others who share a limit with it draw less."""
    overridden_since: Instant | None
    """Since when the charger has another profile than ours."""
    profiles: list[ProfileLife]

"""Users of a tenant, where they charge, the chargers that they have paired, and what they want of those. Pure.

All ids are opaque: made by us, and telling nothing of whom they stand for. They alone may stand in queues and logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum

from offpeak.partners.model import Tier as Tier
from offpeak.prices.model import Tariff


@dataclass(frozen=True, slots=True)
class UserKey:
    """Where all of a user is kept: the tenant's id is part of the key, so nobody reads another tenant's user."""

    tenant_id: str
    user_id: str

    @property
    def text(self) -> str:
        return f"{self.tenant_id}#{self.user_id}"


@dataclass(frozen=True, slots=True)
class ChargerKey:
    """A paired charger, and whose it is."""

    user: UserKey
    charger_id: str

    @property
    def text(self) -> str:
        return f"{self.user.text}#{self.charger_id}"


@dataclass(frozen=True, slots=True)
class User:
    """A driver. `reference` is what the tenant calls him, and never leaves the tenant's own answers."""

    key: UserKey
    created_at: datetime
    reference: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Address:
    street: str
    postal_code: str
    city: str
    country_code: str
    """ISO 3166-1 alpha-2."""


@dataclass(frozen=True, slots=True)
class ChargingLocation:
    """A driver's place with a grid connection and a tariff.

    `bidding_zone` and `tariff` None: as the partner's settings say. `connection_limit_a` is the most on each phase of
    the connection that his chargers there may be granted together; None: as each charger says. `pairings` counts all
    chargers that were ever linked there: so nobody takes a location away while one is being linked.
    """

    location_id: str
    name: str
    time_zone: str
    created_at: datetime
    address: Address | None = None
    bidding_zone: str | None = None
    tariff: Tariff | None = None
    connection_limit_a: int | None = None
    revision: int = 0
    pairings: int = 0


class MoneyUnit(StrEnum):
    """In what a driver is shown amounts of money. Prices of all bidding zones that we know are in euros."""

    EUR = "EUR"
    CENT = "CENT"


@dataclass(frozen=True, slots=True)
class DriverSettings:
    """What a driver wants of a charger. What is None is not said: habits, then the partner's settings, tell it.

    `departures` are local times of the charging location by weekday, Monday 0; a weekday that is not named is not said.
    Levels are shares of the battery. Without a state of charge from the car they mean nothing; then `need_kwh`, at the
    meter, is what a session should get, and `minimum_now_kwh` what of it is charged at once whatever the price.
    By `early_departure`, a local time, the car has `early_level` or `early_kwh`, should it leave before its departure.
    """

    smart_charging: bool = True
    departures: Mapping[int, time] = field(default_factory=dict)
    minimum_level: Decimal | None = None
    """Charged at once, whatever the price."""
    desired_level: Decimal | None = None
    early_departure: time | None = None
    early_level: Decimal | None = None
    early_kwh: Decimal | None = None
    battery_kwh: Decimal | None = None
    min_current_a: int | None = None
    """The least that his car charges at, amperes on each phase; no charger tells it."""
    need_kwh: Decimal | None = None
    minimum_now_kwh: Decimal | None = None
    boost_until: datetime | None = None
    """Charge at once, whatever the price, until then."""
    discharge_allowed: bool = False
    money_unit: MoneyUnit = MoneyUnit.EUR


@dataclass(frozen=True, slots=True)
class PairedConnector:
    connector_id: str
    standard: str | None = None
    max_power_w: int | None = None


@dataclass(frozen=True, slots=True)
class PairedEvse:
    """One EVSE as the CPO told it. Its `uid` compares case-insensitively (CiString) and keeps the case received."""

    uid: str
    evse_id: str | None = None
    capabilities: tuple[str, ...] = ()
    connectors: tuple[PairedConnector, ...] = ()


@dataclass(frozen=True, slots=True)
class Claimed:
    """An EVSE, or a charging station, by its CPO's name for it."""

    uid: str
    is_station: bool = False


@dataclass(frozen=True, slots=True)
class PairedStation:
    """What a code stands for, whichever tier its CPO speaks. `uid` None: a single EVSE, of no station that was told."""

    partner_id: str
    tier: Tier
    evses: tuple[PairedEvse, ...]
    uid: str | None = None

    @property
    def evse_uids(self) -> tuple[str, ...]:
        return tuple(evse.uid for evse in self.evses)

    @property
    def claims(self) -> tuple[Claimed, ...]:
        """All that one owner has at a time: the station, where it has a name, and each of its EVSEs."""
        station = (Claimed(self.uid, is_station=True),) if self.uid is not None else ()
        return station + tuple(map(Claimed, self.evse_uids))

    def is_same_as(self, other: PairedStation) -> bool:
        """Say whether another is this station, told in another order or case."""
        mine, others = ({(each.is_station, each.uid.casefold()) for each in it.claims} for it in (self, other))
        return self.partner_id == other.partner_id and mine == others


@dataclass(frozen=True, slots=True)
class Charger:
    """A charger that a driver has paired, at one of his charging locations."""

    key: ChargerKey
    station: PairedStation
    location_id: str
    paired_at: datetime
    settings: DriverSettings = DriverSettings()
    settings_revision: int = 0
    """Counts changes of `settings`; the ETag of that resource."""
    open_sessions: tuple[str, ...] = ()
    """Ids of its partner's sessions that are planned by these settings: whoever changes those wants their plans."""
    revision: int = 0
    """Counts all changes of the row."""


@dataclass(frozen=True, slots=True)
class FormerCharger:
    """What is left of a charger that a user has un-paired: by it the habits that were learnt at its EVSEs before
    `until`, in sessions' time, and its events are found when he is erased."""

    key: ChargerKey
    partner_id: str
    evse_uids: tuple[str, ...]
    until: datetime


def former(charger: Charger, until: datetime) -> FormerCharger:
    station = charger.station
    return FormerCharger(charger.key, station.partner_id, station.evse_uids, until)


@dataclass(frozen=True, slots=True)
class Account:
    """All that there is of a user, by ids."""

    user: User
    locations: Mapping[str, ChargingLocation] = field(default_factory=dict)
    chargers: Mapping[str, Charger] = field(default_factory=dict)

    def chargers_at(self, location_id: str) -> list[Charger]:
        return [each for each in self.chargers.values() if each.location_id == location_id]

    def sharing_with(self, charger: Charger) -> list[Charger]:
        """Return the other chargers at a charger's location, where all there share a limited connection."""
        location = self.locations.get(charger.location_id)
        if location is None or location.connection_limit_a is None:
            return []
        return [each for each in self.chargers_at(charger.location_id) if each.key != charger.key]


class Held(StrEnum):
    """What an EVSE's ownership row says."""

    OWNED = "OWNED"
    RELEASED = "RELEASED"
    """A tombstone: it was un-paired, and what is told of its sessions is refused until it is paired anew."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who has an EVSE or a charging station, across all tenants: one row keyed by partner and its name, so that there
    is one owner at most.

    `owner` None: a tombstone. `claim_id` is the attempt at pairing that made it, so that the same attempt may come
    again after a lost answer. `since` and `released_at`, the last time it was un-paired, are in sessions' time.
    """

    partner_id: str
    claimed: Claimed
    held: Held
    owner: ChargerKey | None
    claim_id: str
    since: datetime
    released_at: datetime | None = None
    unpairing_id: str | None = None
    """What the CPO has not acknowledged yet of its last un-pairing."""
    told_at: datetime | None = None
    """When, in real time, the CPO was last told that this EVSE is un-paired."""
    version: int = 0


class Why(StrEnum):
    """Who ended a pairing."""

    APP = "APP"
    """The driver, or the app for him."""
    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    CPO = "CPO"
    OPERATOR = "OPERATOR"


@dataclass(frozen=True, slots=True)
class Unpairing:
    """That a charger was un-paired, until its CPO has acknowledged it. It names nobody.

    `uid` is the EVSE's or the station's, `since` when it was un-paired; `due_at`, when the CPO is told next, and all
    other times are real.
    """

    unpairing_id: str
    partner_id: str
    tier: Tier
    uid: str
    evse_uids: tuple[str, ...]
    why: Why
    since: datetime
    due_at: datetime
    attempts: int = 0
    leased_until: datetime | None = None
    """Until then somebody is telling the CPO."""
    called_at: datetime | None = None
    problem: str | None = None
    """Why the last attempt failed."""
    revision: int = 0

    @property
    def claims(self) -> tuple[Claimed, ...]:
        station = (Claimed(self.uid, is_station=True),) if self.tier is Tier.STATION else ()
        return station + tuple(map(Claimed, self.evse_uids))

    def is_being_told(self, at: datetime) -> bool:
        return self.leased_until is not None and at < self.leased_until

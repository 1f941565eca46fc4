"""A partner: one CPO connection, the parties it may write for, and how its sessions are to be planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum

from offpeak.prices.model import Tariff


class ParkingTimeMeaning(StrEnum):
    """What a partner's PARKING_TIME dimension says (CONFORMANCE S4)."""

    SUSPENDED_EV = "SUSPENDED_EV"
    """The car does not ask for power: the text of today's specification."""
    SUSPENDED_EV_OR_EVSE = "SUSPENDED_EV_OR_EVSE"
    """Either side may be the one that holds back."""


class RateUnit(StrEnum):
    """The unit of a charging profile's limits: W in total, A per phase (OCPI ChargingRateUnit)."""

    WATT = "W"
    AMPERE = "A"


@dataclass(frozen=True, slots=True)
class PlanningDefaults:
    """What planning assumes for a partner's sessions where neither the driver nor the session says it.

    These are the documented defaults: a car leaves at `departure` local time (the first one that is at least
    `shortest_stay_s` after plug-in) and needs `need_kwh`; where STATE_OF_CHARGE is sent, the need is what lifts a
    battery of `battery_kwh` to `target_soc`.
    """

    time_zone: str = "Europe/Berlin"
    bidding_zone: str = "DE-LU"
    tariff: Tariff = Tariff()
    departure: time = time(7, 0)
    shortest_stay_s: int = 2 * 3600
    need_kwh: Decimal = Decimal(30)
    minimum_now_kwh: Decimal = Decimal(0)
    battery_kwh: Decimal = Decimal(60)
    target_soc: Decimal = Decimal("0.8")
    charging_efficiency: Decimal = Decimal("0.9")
    max_power_w: int = 11_040
    phases: int | None = None
    """Phases of the partner's AC chargers, where it vouches for them; None is unknown."""
    voltage_v: int = 230
    min_current_a: int = 6
    minimum_run_s: int = 0
    """No run of charging is shorter, where the need can be met so."""
    taper_from_soc: Decimal = Decimal("0.9")
    """From this state of charge on a car takes less, down to its least at 1."""
    discharge_w: int = 0
    """What the partner's chargers give back from a car's battery where its driver lets them; 0: none do."""
    min_soc: Decimal = Decimal("0.3")
    max_soc: Decimal = Decimal("0.9")
    """Between these a battery that gives energy is kept, but for what the need asks."""
    discharging_efficiency: Decimal = Decimal("0.9")
    wear_eur_per_kwh: Decimal = Decimal("0.05")
    """What a kWh that a battery gives costs it."""
    carbon_weight_eur_per_kg: Decimal = Decimal(0)
    """What a kilogram of CO2 counts for when times are compared; nobody is charged it. 0 leaves carbon out."""
    learn: bool = True
    """Keep what visits at a charger were like, and plan by it where nobody says when a car leaves and what it needs."""
    care_eur: Decimal = Decimal(4)
    """What it counts as when a car leaves without what it needs: the dial from thrifty (0) to careful (20)."""
    smart_charging: bool = True
    ocpi_tariffs: bool = False
    """Plan by the tariff that the partner told of the session over OCPI, where that can be; else by `tariff`."""


@dataclass(frozen=True, slots=True)
class Flags:
    """How a partner's system speaks OCPI."""

    strict: bool = False
    raw_token: bool = False
    """Send our token as it is instead of in Base64 (old habits of OCPI 2.1.1 and some 2.2 peers)."""
    endpoints_end_in_slash: bool = False
    """Advertise our endpoints so, to a partner that appends its country code to them without a slash of its own."""
    rate_unit: RateUnit | None = None
    """Send limits in this unit; None: A where the phases are known, else W."""
    parking_time: ParkingTimeMeaning = ParkingTimeMeaning.SUSPENDED_EV
    profile_timeout_s: int = 60
    """How long to wait for a result when the partner's answer names no time-out."""
    in_flight_cap: int = 8
    """Most calls to the partner at the same time."""
    negative_limits: bool = False
    """Its chargers read a limit below 0 as discharging; without this no battery gives energy."""
    slot_s: int | None = None
    """Its chargers change their power at multiples of so many seconds of the hour only; None: at any second."""
    only_paired: bool = False
    """Manage the EVSEs only that a driver has paired; else all that the partner tells sessions of."""


class Tier(StrEnum):
    """What a CPO's pairing interface answers with: one EVSE, or a charging station with all of its EVSEs."""

    EVSE = "EVSE"
    STATION = "STATION"


@dataclass(frozen=True, slots=True)
class Pairing:
    """How drivers pair a partner's chargers: by a code that the CPO gave them, which its pairing interface knows.

    `url` is where that interface begins, None where there is none. A code is asked about only where `code_pattern`, a
    regular expression, matches all of it; without one any code is. `code_hint` is shown to drivers as it is, so it
    should be an example of a code.
    """

    url: str | None = None
    tier: Tier = Tier.EVSE
    code_pattern: str | None = None
    code_hint: str | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """An OCPI party. Compares by what OCPI compares: country code and party id, case-insensitively."""

    country_code: str
    party_id: str

    def is_same_as(self, other: Party) -> bool:
        return (self.country_code.casefold(), self.party_id.casefold()) == (
            other.country_code.casefold(),
            other.party_id.casefold(),
        )


class PartnerStatus(StrEnum):
    INVITED = "INVITED"
    REGISTERED = "REGISTERED"
    LEFT = "LEFT"
    """The partner deleted its credentials; its sessions stay for audit (CONFORMANCE C6)."""
    REMOVED = "REMOVED"
    """We ended the connection; its sessions stay for audit."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One interface of a peer, from its version details."""

    identifier: str
    role: str
    url: str


@dataclass(frozen=True, slots=True)
class Partner:
    """One CPO connection (CONFORMANCE C5: found by its token, never by country and party).

    `parties` were agreed at invitation; `endpoints` and `peer_versions_url` are known once registered. Tokens are
    not in here: the store keeps them hashed for look-up and encrypted for recovery.
    """

    partner_id: str
    name: str
    parties: tuple[Party, ...]
    status: PartnerStatus = PartnerStatus.INVITED
    version: str = "2.2.1"
    peer_versions_url: str | None = None
    endpoints: tuple[Endpoint, ...] = ()
    our_party: Party = Party("DE", "OFP")
    """The party that we are towards this partner: in our credentials and in routing headers."""
    our_name: str = "Offpeak"
    usage_key: str | None = None
    """The value of the partner's API key, by which API Gateway throttles it. It opens nothing."""
    usage_key_id: str | None = None
    """By which API Gateway knows that key."""
    uses_oauth: bool = False
    """Whether we call the partner with access tokens of OAuth2; else with the OCPI token that it gave us."""
    suspended_at: datetime | None = None
    """Since when an operator has shut the partner out: its calls are refused and it gets no profiles."""
    flags: Flags = Flags()
    planning: PlanningDefaults = PlanningDefaults()
    pairing: Pairing = Pairing()
    revision: int = 0

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def is_registered(self) -> bool:
        """Say whether there is a connection that works may go through. While a partner is suspended there is none."""
        return self.status is PartnerStatus.REGISTERED and not self.is_suspended

    def endpoint(self, identifier: str, role: str) -> str | None:
        """Return the address of the peer's interface, or None where it has none. The role is a second wish:
        some peers leave it out or get it wrong on modules that exist in one role only."""
        same = [each for each in self.endpoints if each.identifier == identifier]
        exact = [each for each in same if each.role == role]
        return (exact or same)[0].url if same else None

    def owns(self, party: Party) -> bool:
        """Say whether this connection may write for `party`."""
        return any(party.is_same_as(own) for own in self.parties)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the authoriser says is calling: attached to every request that reaches a function."""

    partner_id: str
    parties: tuple[Party, ...]
    strict: bool = False
    registered: bool = True
    """False for token A: good for versions and credentials only."""

    def owns(self, party: Party) -> bool:
        return any(party.is_same_as(own) for own in self.parties)


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands between us and one partner's server: a circuit breaker and a cap on calls in flight.

    `leases` maps a call's id to the real time (epoch seconds) at which its place is free again even if the caller
    died; `open_until_s` is when a broken circuit lets one probe through.
    """

    partner_id: str
    cap: int
    leases: Mapping[str, float] = field(default_factory=dict)
    failures: int = 0
    open_until_s: float = 0.0
    revision: int = 0

    def renewed(self, **changes: object) -> Gate:
        return replace(self, revision=self.revision + 1, **changes)  # type: ignore[arg-type]

"""Locations as partners tell of them, and what a charger is to a session that charges there."""

from __future__ import annotations

from dataclasses import dataclass

from offpeak.partners.model import Party

LONGEST_ID = 255
"""Bytes of an id in a URL. OCPI gives ids 36 characters; two of them and a party fit into a table's key."""


@dataclass(frozen=True, slots=True)
class LocationKey:
    """Where a Location lives: below the connection that told of it, and the party whose it is."""

    partner_id: str
    party: Party
    location_id: str

    @property
    def text(self) -> str:
        """The key as one string; ids are CiStrings, so their case does not count."""
        return f"{owner_text(self.partner_id, self.party)}#{self.location_id.casefold()}"


@dataclass(frozen=True, slots=True)
class Address:
    """What a URL names: a Location, one of its EVSEs, or one of that one's connectors."""

    location: LocationKey
    evse_uid: str | None = None
    connector_id: str | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The ids below the Location, in small letters."""
        return tuple(each.casefold() for each in (self.evse_uid, self.connector_id) if each is not None)

    @property
    def is_storable(self) -> bool:
        """Say whether such an object can be kept at all."""
        ids = (self.location.location_id, self.evse_uid or "", self.connector_id or "")
        return all(len(each.encode()) <= LONGEST_ID for each in ids)


@dataclass(frozen=True, slots=True)
class Charger:
    """What is known of the connector that a session charges at; None: not told.

    `voltage_v` is that of one phase, `max_power_w` the most that the connector gives in all. `tariff_ids` are the
    tariffs that hold there. `takes_profiles` is False only where the EVSE told its capabilities and
    CHARGING_PROFILE_CAPABLE is none of them (CONFORMANCE P12).
    """

    takes_profiles: bool | None = None
    takes_preferences: bool | None = None
    is_dc: bool = False
    phases: int | None = None
    voltage_v: int | None = None
    max_current_a: int | None = None
    max_power_w: int | None = None
    tariff_ids: tuple[str, ...] = ()


def owner_text(partner_id: str, party: Party) -> str:
    """Return what scopes an id: two parties of one connection may use the same."""
    return f"{partner_id}#{party.country_code.upper()}-{party.party_id.upper()}"


def evse_key(partner_id: str, party: Party, evse_uid: str) -> str:
    """Return the key by which sessions find their EVSE: they need not know its Location."""
    return f"{owner_text(partner_id, party)}#{evse_uid.casefold()}"

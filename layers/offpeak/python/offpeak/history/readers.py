"""What the objects of each module's list are to us: what they are read as, and where they are merged.

A listed object is as whole as a PUT, and goes the same way from here on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from offpeak.errors import InvalidMessage
from offpeak.history.listed import Listed, ListedObject, id_in, party_in
from offpeak.history.stop import StopRule
from offpeak.locations.model import Address, LocationKey
from offpeak.locations.parse import parse_location_push
from offpeak.locations.receive import receive_location
from offpeak.locations.store import LocationStore
from offpeak.ocpi.merging import Outcome
from offpeak.partners.hub_clients import HubClients, client_party, read_client, receive_client
from offpeak.partners.model import Partner, Party
from offpeak.sessions.model import LONGEST_ID, MessageKind, SessionKey, SessionMessage
from offpeak.sessions.parse import parse_session_message
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.receive import Refuses, receive_session
from offpeak.sessions.store import SessionStore
from offpeak.tariffs.model import TariffKey
from offpeak.tariffs.parse import parse_tariff_push
from offpeak.tariffs.receive import receive_tariff
from offpeak.tariffs.store import TariffStore
from offpeak.telemetry import logger


@dataclass(frozen=True, slots=True)
class SessionReader:
    """`stop` says why a listed session must not come back, None where it may, `refuses` whose EVSE was un-paired."""

    sessions: SessionStore
    plan_queue: PlanQueue
    stop: StopRule
    real_now: Callable[[], datetime]
    refuses: Refuses | None = None

    def read(self, item: ListedObject, partner: Partner, now: datetime) -> Listed:
        message = session_in(item, partner, now)
        return Listed(
            message.key.text,
            message.key.session_id,
            Party(message.country_code, message.party_id),
            message.last_updated,
            partial(self._merge, message, partner, now),
        )

    def _merge(self, message: SessionMessage, partner: Partner, now: datetime) -> Outcome:
        why = self.stop(message)
        if why is not None:
            logger.info("session_kept_out", partner_id=partner.partner_id, session_id=message.key.session_id, why=why)
            return Outcome.KEPT
        return receive_session(
            message,
            self.sessions,
            self.plan_queue,
            partner.flags.parking_time,
            now=now,
            received_at=self.real_now(),
            is_pushed=False,
            refuses=self.refuses,
        )


@dataclass(frozen=True, slots=True)
class LocationReader:
    locations: LocationStore

    def read(self, item: ListedObject, partner: Partner, now: datetime) -> Listed:
        strict = partner.flags.strict
        address = Address(LocationKey(partner.partner_id, party_in(item, partner), id_in(item)))
        _check_length(address.is_storable)
        told = parse_location_push(dict(item), address, is_whole=True, strict=strict, now=now)
        merge = partial(receive_location, told, address, self.locations, strict=strict)
        place = address.location
        return Listed(place.text, place.location_id, place.party, told.push.stamp, merge)


@dataclass(frozen=True, slots=True)
class TariffReader:
    tariffs: TariffStore

    def read(self, item: ListedObject, partner: Partner, now: datetime) -> Listed:
        key = TariffKey(partner.partner_id, party_in(item, partner), id_in(item))
        _check_length(key.is_storable)
        told = parse_tariff_push(dict(item), key, partner.version, is_whole=True, strict=partner.flags.strict, now=now)
        merge = partial(receive_tariff, told, key, self.tariffs)
        return Listed(key.text, key.tariff_id, key.party, told.push.stamp, merge)


@dataclass(frozen=True, slots=True)
class HubClientReader:
    """A hub's clients are whoever is connected to it, and not the partner's own parties."""

    clients: HubClients

    def read(self, item: ListedObject, partner: Partner, now: datetime) -> Listed:
        party = client_party(item.get("country_code"), item.get("party_id"))
        client = read_client(dict(item), party, strict=partner.flags.strict, now=now)
        name = f"{party.country_code}-{party.party_id}".upper()
        merge = partial(receive_client, client, partner.partner_id, self.clients)
        return Listed(name, name, party, client.last_updated, merge)


def session_in(item: ListedObject, partner: Partner, now: datetime) -> SessionMessage:
    """Read a listed session. Raises InvalidMessage for one that cannot be taken (CONFORMANCE T8, T10)."""
    key = SessionKey(partner.partner_id, id_in(item))
    _check_length(key.is_storable)
    party = party_in(item, partner)
    return parse_session_message(
        MessageKind.PUT,
        dict(item),
        key=key,
        country_code=party.country_code,
        party_id=party.party_id,
        strict=partner.flags.strict,
        now=now,
    )


def _check_length(is_storable: bool) -> None:
    if not is_storable:
        raise InvalidMessage("id", f"is longer than {LONGEST_ID} bytes")

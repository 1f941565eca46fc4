"""Who is connected to a partner's hub: its clients, as it tells of them (OCPI 2.2.1, 15.3; CONFORMANCE T14).

A client may be any party, so the path names it and not the caller; no message of this module is routed (T4).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel

from offpeak.aws.tables import Item, Put, Table
from offpeak.errors import ConcurrentChange, InvalidMessage, UnknownObject
from offpeak.instants import format_instant, parse_instant
from offpeak.ocpi.fields import AnyCase, Code, Instant, Written, read_object
from offpeak.ocpi.merging import Outcome
from offpeak.ocpi.stamps import check_stamp
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Party
from offpeak.telemetry import count, logger


@dataclass(frozen=True, slots=True)
class HubClient:
    """`status` is CONNECTED, OFFLINE, PLANNED or SUSPENDED; `role` may be one that a newer version has."""

    party: Party
    role: str
    status: str
    last_updated: datetime


class ClientInfoObject(BaseModel):
    country_code: Written = None
    party_id: Written = None
    role: Code = None
    status: Annotated[Literal["CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED"], AnyCase]
    last_updated: Instant | None = None


class HubClients:
    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, partner_id: str, party: Party) -> HubClient:
        """Return one client. Raises UnknownObject."""
        row = self._table.get(_key(partner_id, party))
        if row is None:
            raise UnknownObject(f"{party.country_code}/{party.party_id} is no client that was told of")
        return _client(row)

    def save(self, partner_id: str, client: HubClient) -> Outcome:
        """Write a client unless what is known is as new, and say what became of it. Equal stamps are settled by what
        they say, so that any order of messages ends the same."""
        stamp = format_instant(client.last_updated)
        row = {
            **_key(partner_id, client.party),
            "country_code": client.party.country_code,
            "party_id": client.party.party_id,
            "role": client.role,
            "status": client.status,
            "last_updated": stamp,
            "rank": f"{stamp}|{client.status}|{client.role}",
        }
        try:
            self._table.write(Put(row, "attribute_not_exists(partner_id)"))
        except ConcurrentChange:
            pass
        else:
            return Outcome.CREATED
        try:
            self._table.write(Put(row, "#rank < :rank", {":rank": row["rank"]}, {"#rank": "rank"}))
        except ConcurrentChange:
            return Outcome.UNCHANGED
        return Outcome.UPDATED


def read_client(body: JsonValue, party: Party, *, strict: bool, now: datetime) -> HubClient:
    """Read a ClientInfo object that was addressed to `party`; without last_updated it counts as told now, unless the
    partner is held to the letter. Raises InvalidMessage, which names the field (T6, T8)."""
    wire = read_object(ClientInfoObject, body)
    for name, in_url in (("country_code", party.country_code), ("party_id", party.party_id)):
        said = getattr(wire, name)
        if said is not None and said.casefold() != in_url.casefold():
            raise InvalidMessage(name, f"is {said!r} in the body but {in_url!r} in the URL")
    for name in ("country_code", "party_id", "role", "last_updated"):
        if strict and getattr(wire, name) is None:
            raise InvalidMessage(name, "is required")
    stamp = wire.last_updated or now
    check_stamp("last_updated", stamp, now)
    told = Party(wire.country_code or party.country_code, wire.party_id or party.party_id)
    return HubClient(told, wire.role or "OTHER", wire.status, stamp)


def client_party(country_code: object, party_id: object) -> Party:
    """Return the party that a client is. Any may be a client of a hub, ours included. Raises InvalidMessage."""
    if not (isinstance(country_code, str) and isinstance(party_id, str)):
        raise InvalidMessage("party_id", "is required, and so is country_code")
    if not (len(country_code) == 2 and len(party_id) == 3 and (country_code + party_id).isalnum()):
        raise InvalidMessage("party_id", f"{country_code}/{party_id} is no party"[:200])
    return Party(country_code, party_id)


def receive_client(client: HubClient, partner_id: str, clients: HubClients) -> Outcome:
    """Keep what a hub told of a client."""
    outcome = clients.save(partner_id, client)
    logger.info(
        "hub_client_received",
        partner_id=partner_id,
        party=f"{client.party.country_code}-{client.party.party_id}",
        status=client.status,
        outcome=outcome.value,
    )
    count("HubClientMessagesReceived")
    return outcome


def client_object(client: HubClient) -> dict[str, JsonValue]:
    """Return the ClientInfo object; both versions write the same."""
    return {
        "country_code": client.party.country_code,
        "party_id": client.party.party_id,
        "role": client.role,
        "status": client.status,
        "last_updated": format_instant(client.last_updated),
    }


def _client(row: Item) -> HubClient:
    party = Party(row["country_code"], row["party_id"])
    return HubClient(party, row["role"], row["status"], parse_instant(row["last_updated"]))


def _key(partner_id: str, party: Party) -> dict[str, str]:
    return {"partner_id": partner_id, "party": f"{party.country_code.upper()}-{party.party_id.upper()}"}

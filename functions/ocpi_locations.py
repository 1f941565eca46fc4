"""OCPI locations, receiver interface: Locations, EVSEs and connectors are pushed here (OCPI 2.2.1, 8.2.2)."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import caller, json_body, ocpi_api, ocpi_ok, rest_handler
from offpeak.errors import InvalidMessage, UnknownObject
from offpeak.locations.model import LONGEST_ID, Address, LocationKey
from offpeak.locations.parse import parse_location_push
from offpeak.locations.receive import object_at, receive_location
from offpeak.locations.render import told_object
from offpeak.ocpi.merging import Outcome
from offpeak.partners.model import Party

LARGEST_LOCATION = 1024 * 1024
"""Bytes of a body: a Location may come with more than a thousand EVSEs."""

api = ocpi_api()
LOCATION = "/ocpi/emsp/<version>/locations/<country_code>/<party_id>/<location_id>"
EVSE = f"{LOCATION}/<evse_uid>"
CONNECTOR = f"{EVSE}/<connector_id>"


@api.get(LOCATION)
@api.get(EVSE)
@api.get(CONNECTOR)
def get_object(**ids: str) -> Response[str]:
    address = _address(**ids)
    told = object_at(wiring.locations().load_for(address).merged, address)
    if not told.is_known:
        raise UnknownObject("this is not known")
    return ocpi_ok(told_object(told, address, api.version))


@api.put(LOCATION)
@api.put(EVSE)
@api.put(CONNECTOR)
def put_object(**ids: str) -> Response[str]:
    return ocpi_ok(created=_receive(_address(**ids), is_whole=True) is Outcome.CREATED)


@api.patch(LOCATION)
@api.patch(EVSE)
@api.patch(CONNECTOR)
def patch_object(**ids: str) -> Response[str]:
    if _receive(_address(**ids), is_whole=False) is Outcome.KEPT:
        raise UnknownObject("this is not known yet; PUT it first")
    return ocpi_ok()


def _receive(address: Address, *, is_whole: bool) -> Outcome:
    strict = caller(api).strict
    told = parse_location_push(
        json_body(api, largest=LARGEST_LOCATION),
        address,
        is_whole=is_whole,
        strict=strict,
        now=wiring.clock().now(),
    )
    return receive_location(told, address, wiring.locations(), strict=strict)


def _address(country_code: str, party_id: str, location_id: str, **below: str) -> Address:
    """The object that a URL names; 404 where the party is not the caller's (CONFORMANCE T8)."""
    party = Party(country_code, party_id)
    if not caller(api).owns(party):
        raise UnknownObject(f"{country_code}/{party_id} is not a party of this connection")
    address = Address(LocationKey(caller(api).partner_id, party, location_id), **below)
    if not address.is_storable:
        raise InvalidMessage("location_id", f"ids in a URL have at most {LONGEST_ID} bytes")
    return address


handler = rest_handler(api, watch=wiring.watch)

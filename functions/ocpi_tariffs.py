"""OCPI tariffs, receiver interface: partners push what charging costs here (OCPI 2.2.1, 11.2.2)."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import caller, json_body, ocpi_api, ocpi_ok, rest_handler
from offpeak.errors import InvalidMessage, UnknownObject
from offpeak.ocpi.merging import Outcome
from offpeak.partners.model import Party
from offpeak.tariffs.model import LONGEST_ID, TariffKey
from offpeak.tariffs.parse import parse_tariff_push
from offpeak.tariffs.receive import delete_tariff, receive_tariff
from offpeak.tariffs.render import tariff_object

api = ocpi_api()
PATH = "/ocpi/emsp/<version>/tariffs/<country_code>/<party_id>/<tariff_id>"


@api.get(PATH)
def get_tariff(country_code: str, party_id: str, tariff_id: str) -> Response[str]:
    told = wiring.tariffs().load(_key(country_code, party_id, tariff_id)).merged
    if not told.is_known:
        raise UnknownObject(f"tariff {tariff_id} is not known")
    return ocpi_ok(tariff_object(told, api.version))


@api.put(PATH)
def put_tariff(country_code: str, party_id: str, tariff_id: str) -> Response[str]:
    return ocpi_ok(created=_receive(_key(country_code, party_id, tariff_id), is_whole=True) is Outcome.CREATED)


@api.patch(PATH)
def patch_tariff(country_code: str, party_id: str, tariff_id: str) -> Response[str]:
    """OCPI has no PATCH of tariffs; some send it all the same, and what it means is clear."""
    _receive(_key(country_code, party_id, tariff_id), is_whole=False)
    return ocpi_ok()


@api.delete(PATH)
def delete(country_code: str, party_id: str, tariff_id: str) -> Response[str]:
    delete_tariff(_key(country_code, party_id, tariff_id), wiring.tariffs())
    return ocpi_ok()


def _receive(key: TariffKey, *, is_whole: bool) -> Outcome:
    told = parse_tariff_push(
        json_body(api),
        key,
        api.version,
        is_whole=is_whole,
        strict=caller(api).strict,
        now=wiring.clock().now(),
    )
    return receive_tariff(told, key, wiring.tariffs())


def _key(country_code: str, party_id: str, tariff_id: str) -> TariffKey:
    """The tariff that a URL names; 404 where the party is not the caller's (CONFORMANCE T8)."""
    party = Party(country_code, party_id)
    if not caller(api).owns(party):
        raise UnknownObject(f"{country_code}/{party_id} is not a party of this connection")
    key = TariffKey(caller(api).partner_id, party, tariff_id)
    if not key.is_storable:
        raise InvalidMessage("tariff_id", f"is longer than {LONGEST_ID} bytes")
    return key


handler = rest_handler(api, watch=wiring.watch)

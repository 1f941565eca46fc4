"""Pairing that CPOs begin, and their un-pairing: the interfaces that we call at theirs, the other way round."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import caller, json_body, ocpi_api, ocpi_ok, rest_handler
from offpeak.ocpi.pairing import read_code, read_evse, read_station
from offpeak.pairing.by_cpo import pair_by_code, unpair_by_cpo
from offpeak.pairing.model import Claimed, PairedStation
from offpeak.pairing.stations import of_evse, of_station

api = ocpi_api()


@api.post("/ocpi2.2/pair")
def pair_evse() -> Response[str]:
    body = json_body(api)
    return _paired(read_code(body), of_evse(caller(api).partner_id, read_evse(body)))


@api.post("/ocpp2.0.1/pair")
def pair_station() -> Response[str]:
    body = json_body(api)
    return _paired(read_code(body), of_station(caller(api).partner_id, read_station(body)))


@api.post("/ocpi2.2/evse/<uid>/unpair")
def unpair_evse(uid: str) -> Response[str]:
    return _unpaired(Claimed(uid))


@api.post("/ocpp2.0.1/chargingstations/<uid>/unpair")
def unpair_station(uid: str) -> Response[str]:
    return _unpaired(Claimed(uid, is_station=True))


def _paired(code: str, station: PairedStation) -> Response[str]:
    is_shut_out = wiring.tenants().is_shut_out
    pair_by_code(code, station, wiring.issued_codes(), is_shut_out, wiring.claimer(), now=wiring.clock().now())
    return ocpi_ok()


def _unpaired(claimed: Claimed) -> Response[str]:
    unpair_by_cpo(caller(api).partner_id, claimed, wiring.unpairer(), now=wiring.clock().now())
    return ocpi_ok()


handler = rest_handler(api, watch=wiring.watch)

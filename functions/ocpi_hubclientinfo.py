"""OCPI hubclientinfo, receiver interface: hubs push here who is connected to them (OCPI 2.2.1, 15.2.2)."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import caller, json_body, ocpi_api, ocpi_ok, rest_handler
from offpeak.ocpi.merging import Outcome
from offpeak.partners.hub_clients import client_object, client_party, read_client, receive_client

api = ocpi_api(functional=False)
PATH = "/ocpi/emsp/<version>/hubclientinfo/<country_code>/<party_id>"


@api.get(PATH)
def get_client(country_code: str, party_id: str) -> Response[str]:
    client = wiring.hub_clients().load(caller(api).partner_id, client_party(country_code, party_id))
    return ocpi_ok(client_object(client))


@api.put(PATH)
def put_client(country_code: str, party_id: str) -> Response[str]:
    party = client_party(country_code, party_id)
    client = read_client(json_body(api), party, strict=caller(api).strict, now=wiring.clock().now())
    outcome = receive_client(client, caller(api).partner_id, wiring.hub_clients())
    return ocpi_ok(created=outcome is Outcome.CREATED)


handler = rest_handler(api)

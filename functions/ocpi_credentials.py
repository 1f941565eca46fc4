"""OCPI credentials: a partner registers, renews its registration, or leaves (OCPI 2.2.1, 7)."""

from __future__ import annotations

from uuid import uuid4

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import json_body, ocpi_api, ocpi_ok, request_ids, rest_handler
from offpeak.ocpi.credentials import CredentialsObject, credentials_object
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.paths import VERSIONS_PATH
from offpeak.ocpi.tokens import new_token, tokens_in
from offpeak.partners.audit import Actor
from offpeak.partners.handshake import Handshake
from offpeak.partners.register import GivenToken, Told, current_token, exchange_tokens, find_registrant, leave
from offpeak.partners.store import FoundToken

api = ocpi_api(functional=False)
PATH = "/ocpi/<version>/credentials"


@api.get(PATH)
def get_credentials() -> Response[str]:
    return _answer(current_token(_registrant(), _shown(), wiring.partners(), wiring.token_cipher()))


@api.post(PATH)
def post_credentials() -> Response[str]:
    return _answer(_exchange())


@api.put(PATH)
def put_credentials() -> Response[str]:
    return _answer(_exchange())


@api.delete(PATH)
def delete_credentials() -> Response[str]:
    registrant = _registrant()
    leave(registrant, wiring.partners(), _told(registrant))
    return ocpi_ok()


def _exchange() -> GivenToken:
    registrant = _registrant()
    return exchange_tokens(
        registrant,
        read_object(CredentialsObject, json_body(api)),
        store=wiring.partners(),
        cipher=wiring.token_cipher(),
        handshake=Handshake(
            wiring.ocpi_client(),
            wiring.peer_address_rule(),
            request_ids(api),
            new_id=lambda: str(uuid4()),
            access=lambda: wiring.peer_tokens().access_to(registrant.partner),
        ),
        new_token=new_token,
        version=api.version,
        now=wiring.clock().now(),
        told=_told(registrant),
    )


def _told(registrant: FoundToken) -> Told:
    """The partner itself did it, by a token of its own."""
    return wiring.told_by(Actor(registrant.partner.partner_id, "ocpi"))


def _registrant() -> FoundToken:
    return find_registrant(api.current_event.http_method, _shown(), wiring.partners())


def _shown() -> tuple[str, ...]:
    return tokens_in(api.current_event.headers.get("Authorization"))


def _answer(given: GivenToken) -> Response[str]:
    us = given.partner.our_party
    return ocpi_ok(
        credentials_object(
            given.token,
            wiring.base_url() + VERSIONS_PATH,
            country_code=us.country_code,
            party_id=us.party_id,
            name=given.partner.our_name,
        )
    )


handler = rest_handler(api)

"""OCPI sessions, receiver interface: partners push their charging sessions here (OCPI 2.2.1, 9.2.2)."""

from __future__ import annotations

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import caller, json_body, ocpi_api, ocpi_ok, rest_handler
from offpeak.errors import InvalidMessage, UnknownObject
from offpeak.ocpi.merging import Outcome
from offpeak.partners.model import Party
from offpeak.sessions.model import LONGEST_ID, MessageKind, SessionKey
from offpeak.sessions.parse import parse_session_message
from offpeak.sessions.receive import receive_session
from offpeak.sessions.render import session_object

api = ocpi_api()
PATH = "/ocpi/emsp/<version>/sessions/<country_code>/<party_id>/<session_id>"


@api.put(PATH)
def put_session(country_code: str, party_id: str, session_id: str) -> Response[str]:
    outcome = _receive(MessageKind.PUT, country_code, party_id, session_id)
    return ocpi_ok(created=outcome is Outcome.CREATED)


@api.patch(PATH)
def patch_session(country_code: str, party_id: str, session_id: str) -> Response[str]:
    outcome = _receive(MessageKind.PATCH, country_code, party_id, session_id)
    if outcome is Outcome.KEPT:
        raise UnknownObject(f"session {session_id} is not known yet; PUT it first")
    return ocpi_ok()


@api.get(PATH)
def get_session(country_code: str, party_id: str, session_id: str) -> Response[str]:
    known = wiring.sessions().known(_key(country_code, party_id, session_id))
    party = Party(country_code, party_id)
    if known is None or not party.is_same_as(Party(known.session.country_code, known.session.party_id)):
        raise UnknownObject(f"session {session_id} is not known")
    return ocpi_ok(session_object(known.session, api.version))


def _receive(kind: MessageKind, country_code: str, party_id: str, session_id: str) -> Outcome:
    received_at = datetime.now(UTC)
    key = _key(country_code, party_id, session_id)
    now = wiring.clock().now()
    message = parse_session_message(
        kind,
        json_body(api),
        key=key,
        country_code=country_code,
        party_id=party_id,
        strict=caller(api).strict,
        now=now,
    )
    partner = wiring.partners().load_cached(key.partner_id)
    outcome = receive_session(
        message,
        wiring.sessions(),
        wiring.plan_queue(),
        partner.flags.parking_time,
        now=now,
        received_at=received_at,
        refuses=wiring.refuses_session,
    )
    if outcome is Outcome.KEPT:
        from offpeak.history.begin import look_for_unknown  # which few requests need, and which takes time to import

        look_for_unknown(partner, message.last_updated, wiring.history_beginner(), now)
    return outcome


def _key(country_code: str, party_id: str, session_id: str) -> SessionKey:
    """The session that a URL names; 404 where the party is not the caller's (CONFORMANCE T8)."""
    if not caller(api).owns(Party(country_code, party_id)):
        raise UnknownObject(f"{country_code}/{party_id} is not a party of this connection")
    key = SessionKey(caller(api).partner_id, session_id)
    if not key.is_storable:
        raise InvalidMessage("session_id", f"is longer than {LONGEST_ID} bytes")
    return key


handler = rest_handler(api, watch=wiring.watch)

"""From an object in a partner's list of sessions to a SessionMessage: a listed session is as whole as a PUT."""

from __future__ import annotations

from datetime import datetime

from offpeak.errors import InvalidMessage
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Partner, Party
from offpeak.sessions.model import LONGEST_ID, MessageKind, SessionKey, SessionMessage
from offpeak.sessions.parse import parse_session_message


def read_listed(item: JsonValue | InvalidMessage, partner: Partner, now: datetime) -> SessionMessage:
    """Read one object of a list. No URL says whose it is, so the object has to, unless the partner has one party only.

    Raises InvalidMessage for an object that cannot be taken, or is of a party that is not the partner's (CONFORMANCE
    T8, T10).
    """
    if isinstance(item, InvalidMessage):
        raise item
    if not isinstance(item, dict):
        raise InvalidMessage("body", "must be a JSON object")
    session_id = item.get("id")
    if not isinstance(session_id, str) or not session_id:
        raise InvalidMessage("id", "is required")
    key = SessionKey(partner.partner_id, session_id)
    if not key.is_storable:
        raise InvalidMessage("id", f"is longer than {LONGEST_ID} bytes")
    party = _party(item, partner)
    return parse_session_message(
        MessageKind.PUT,
        item,
        key=key,
        country_code=party.country_code,
        party_id=party.party_id,
        strict=partner.flags.strict,
        now=now,
    )


def session_id_in(item: object) -> str | None:
    """Return what an object says its id is, for reports."""
    said = item.get("id") if isinstance(item, dict) else None
    return said[:LONGEST_ID] if isinstance(said, str) else None


def _party(item: dict[str, JsonValue], partner: Partner) -> Party:
    country_code, party_id = item.get("country_code"), item.get("party_id")
    if isinstance(country_code, str) and isinstance(party_id, str):
        party = Party(country_code, party_id)
        if not partner.owns(party):
            raise InvalidMessage("party_id", f"{country_code}/{party_id} is not a party of this connection"[:200])
        return party
    if len(partner.parties) != 1:
        raise InvalidMessage("party_id", "is required, for this connection has several parties")
    return partner.parties[0]

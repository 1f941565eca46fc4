"""A stored session as the OCPI object that GET answers (OCPI 2.2.1, 9.2.2.1; CONFORMANCE T12, T16)."""

from __future__ import annotations

import json
from decimal import Decimal

from pydantic import JsonValue

from offpeak.errors import InvalidMessage
from offpeak.instants import format_instant
from offpeak.ocpi.fields import NOT_AVAILABLE
from offpeak.ocpi.price import price_object, read_price
from offpeak.ocpi.sessions import REQUIRED
from offpeak.ocpi.wire_json import as_number, write_json
from offpeak.sessions.model import ChargingPeriod, Session
from offpeak.sessions.parse import KEPT_AS_JSON


def session_object(session: Session, version: str) -> dict[str, JsonValue]:
    """Return the Session object as a version writes it. A required text that its partner never sent is written as
    #NA."""
    said: dict[str, JsonValue | None] = {
        "country_code": session.country_code,
        "party_id": session.party_id,
        "id": session.key.session_id,
        "start_date_time": format_instant(session.start_at),
        "end_date_time": format_instant(session.end_at) if session.end_at else None,
        "kwh": as_number(session.kwh),
        **{name: _other(name, text, version) for name, text in session.others.items()},
        "location_id": session.location_id,
        "evse_uid": session.evse_uid,
        "connector_id": session.connector_id,
        "currency": session.currency,
        "charging_periods": [_period(period) for period in session.periods],
        "status": session.status.value,
        "last_updated": format_instant(session.last_updated),
    }
    filled = {name: NOT_AVAILABLE for name in REQUIRED if said.get(name) is None and name != "cdr_token"}
    return {name: value for name, value in {**said, **filled}.items() if value is not None}


def _other(name: str, text: str, version: str) -> JsonValue:
    if name not in KEPT_AS_JSON:
        return text
    value: JsonValue = json.loads(text)
    if name != "total_cost":
        return value
    try:
        price = read_price(json.loads(text, parse_float=Decimal), name)
    except InvalidMessage:
        return value  # It means something to its partner.
    plain: JsonValue = json.loads(write_json(price_object(price, version)))
    return plain


def _period(period: ChargingPeriod) -> JsonValue:
    return {
        "start_date_time": format_instant(period.start_at),
        "dimensions": [
            {"type": name, "volume": as_number(volume)} for name, volume in sorted(period.dimensions.items())
        ],
        **({"tariff_id": period.tariff_id} if period.tariff_id else {}),
    }

"""From a PUT's or a PATCH's body to a SessionMessage.

Lenient is the default: the guides of this trade have PUTs with six fields and PATCHes that write `start_datetime`
(CONFORMANCE S5). What was filled in, renamed or doubted is said in the message, so that it can be counted and shown.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

from offpeak.errors import InvalidMessage
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.sessions import LENGTHS, REQUIRED, SIGNED, ChargingPeriodObject, Dimension, SessionObject
from offpeak.ocpi.stamps import check_stamp
from offpeak.ocpi.wire_json import JsonValue, as_number
from offpeak.sessions.model import ChargingPeriod, MessageKind, SessionKey, SessionMessage

LENIENT_REQUIRED = ("start_date_time", "kwh", "status", "last_updated")
RENAMED = {"start_datetime": "start_date_time", "end_datetime": "end_date_time"}
"""Field names that peers use, and what the specification calls them."""

KEPT_AS_JSON = ("cdr_token", "total_cost")
IDENTITY = ("country_code", "party_id", "id")

LONGEST_JSON = 8192
"""Characters of an object that is kept as it came. OCPI's largest has a few hundred; a row holds 400 KB in all."""

LARGEST_KWH = Decimal(10) ** 6
MOST_PERIODS = 2000


def parse_session_message(
    kind: MessageKind,
    body: JsonValue,
    *,
    key: SessionKey,
    country_code: str,
    party_id: str,
    strict: bool,
    now: datetime,
) -> SessionMessage:
    """Read the body of a PUT or PATCH that was addressed to (country_code, party_id, key.session_id).

    Raises InvalidMessage, which names the field, for what cannot be taken (CONFORMANCE T6, T7, T8, T14).
    """
    if not isinstance(body, dict):
        raise InvalidMessage("body", "must be a JSON object")
    renamed = {} if strict else {old: new for old, new in RENAMED.items() if old in body and new not in body}
    wire = read_object(SessionObject, {renamed.get(name, name): value for name, value in body.items()})
    named = {name for name in wire.model_fields_set if getattr(wire, name) is not None}
    filled = tuple(name for name in REQUIRED if name not in named) if kind is MessageKind.PUT else ()

    _check_present(kind, named, strict)
    if strict:
        _check_lengths(wire)
    _check_identity(wire, country_code, party_id, key.session_id)
    _check_instants(wire, now)
    if wire.kwh is not None and wire.kwh > LARGEST_KWH:
        raise InvalidMessage("kwh", "is more than any session can take")
    if len(wire.charging_periods) > MOST_PERIODS:
        raise InvalidMessage("charging_periods", f"has more than {MOST_PERIODS} periods")

    told = set(SessionObject.model_fields) if kind is MessageKind.PUT else wire.model_fields_set
    assert wire.last_updated is not None
    return SessionMessage(
        kind=kind,
        key=key,
        country_code=country_code,
        party_id=party_id,
        last_updated=wire.last_updated,
        fields={
            name: _field_value(wire, name)
            for name in sorted(told - {"charging_periods", "last_updated", *IDENTITY})
            if not _would_erase(kind, name, wire)
        },
        periods=_periods(wire.charging_periods),
        filled=filled,
        renamed=tuple(sorted(renamed)),
    )


def _check_present(kind: MessageKind, named: set[str], strict: bool) -> None:
    if kind is MessageKind.PATCH:
        required: tuple[str, ...] = ("last_updated",)
    else:
        required = REQUIRED if strict else LENIENT_REQUIRED
    for name in required:
        if name not in named:
            raise InvalidMessage(name, "is required")


def _check_lengths(wire: SessionObject) -> None:
    for name, most in LENGTHS.items():
        text = getattr(wire, name)
        if text is not None and len(text) > most:
            raise InvalidMessage(name, f"is longer than {most} characters")


def _check_identity(wire: SessionObject, country_code: str, party_id: str, session_id: str) -> None:
    for name, addressed in zip(IDENTITY, (country_code, party_id, session_id), strict=True):
        said = getattr(wire, name)
        if said is not None and said.casefold() != addressed.casefold():
            raise InvalidMessage(name, f"is {said!r} in the body but {addressed!r} in the URL")


def _check_instants(wire: SessionObject, now: datetime) -> None:
    stamps = [(name, getattr(wire, name)) for name in ("start_date_time", "end_date_time", "last_updated")]
    stamps += [
        (f"charging_periods.{place}.start_date_time", period.start_date_time)
        for place, period in enumerate(wire.charging_periods)
    ]
    for name, stamp in stamps:
        if stamp is not None:
            check_stamp(name, stamp, now)


def _would_erase(kind: MessageKind, name: str, wire: SessionObject) -> bool:
    """A PATCH that sets a field to null which every session has: nothing a session could go on without."""
    return kind is MessageKind.PATCH and name in LENIENT_REQUIRED and getattr(wire, name) is None


def _field_value(wire: SessionObject, name: str) -> str | Decimal | datetime | None:
    value = getattr(wire, name)
    if name in KEPT_AS_JSON and value is not None:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=as_number)
        if len(text) > LONGEST_JSON:
            raise InvalidMessage(name, f"is larger than {LONGEST_JSON} characters")
        return text
    return value  # type: ignore[no-any-return]


def _periods(objects: list[ChargingPeriodObject]) -> tuple[ChargingPeriod, ...]:
    periods = []
    for place, each in enumerate(objects):
        dimensions: dict[str, Decimal] = {}
        for at, dimension in enumerate(each.dimensions):
            where = f"charging_periods.{place}.dimensions.{at}.volume"
            if dimension.type not in Dimension.__members__:
                continue
            if dimension.volume < 0 and dimension.type not in SIGNED:
                raise InvalidMessage(where, f"{dimension.type} cannot be negative")
            if dimension.type == Dimension.STATE_OF_CHARGE and dimension.volume > 100:
                raise InvalidMessage(where, "STATE_OF_CHARGE is a percentage, at most 100")
            dimensions[dimension.type] = dimension.volume
        periods.append(ChargingPeriod(each.start_date_time, dimensions, each.tariff_id))
    return tuple(periods)

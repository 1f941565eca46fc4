"""How messages add up to a session, in whatever order and however often they come.

Every field is a last-writer-wins register: the value with the newest `last_updated` stays, equal stamps are settled
by the greater value, and a status of COMPLETED is never left again (CONFORMANCE S3). Charging periods are such
registers too, one per start; a PUT replaces the whole list (S1), so periods older than the newest PUT are gone. All
of these are joins of a semilattice - commutative, associative, idempotent - hence any reordering and repetition of
the same messages ends in the same session, a PATCH before its PUT included (Shapiro et al., "Conflict-free
Replicated Data Types", 2011).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from offpeak.sessions.model import (
    ChargingPeriod,
    MessageKind,
    Session,
    SessionKey,
    SessionMessage,
    SessionStatus,
)

FieldValue = str | Decimal | datetime | None
TYPED = ("status", "start_date_time", "end_date_time", "kwh", "evse_uid", "location_id", "connector_id", "currency")


@dataclass(frozen=True, slots=True)
class Register:
    value: FieldValue
    stamp: datetime


@dataclass(frozen=True, slots=True)
class PeriodRegister:
    period: ChargingPeriod
    stamp: datetime


@dataclass(frozen=True, slots=True)
class MergedSession:
    """All that a session's messages said. `replaced_at` is the newest PUT's stamp; None while only PATCHes came, and
    then the session is not known yet: it answers 404 and waits for its PUT or for the history."""

    key: SessionKey
    last_updated: datetime
    replaced_at: datetime | None = None
    fields: Mapping[str, Register] = field(default_factory=dict)
    periods: Mapping[datetime, PeriodRegister] = field(default_factory=dict)


def merge(merged: MergedSession | None, message: SessionMessage) -> MergedSession:
    """Return `merged` with one message joined in. An equal result means that the message told nothing new."""
    stamp = message.last_updated
    base = merged or MergedSession(message.key, last_updated=stamp)
    said: dict[str, FieldValue] = {
        **message.fields,
        "country_code": message.country_code,
        "party_id": message.party_id,
        "id": message.key.session_id,
    }
    fields = dict(base.fields)
    for name, value in said.items():
        new = Register(value, stamp)
        fields[name] = max(fields.get(name, new), new, key=lambda register: _rank(name, register))

    periods = dict(base.periods)
    for period in message.periods:
        fresh = PeriodRegister(period, stamp)
        periods[period.start_at] = max(periods.get(period.start_at, fresh), fresh, key=period_rank)

    replaced_at = base.replaced_at
    if message.kind is MessageKind.PUT:
        replaced_at = max(replaced_at or stamp, stamp)
    if replaced_at is not None:
        periods = {start: register for start, register in periods.items() if register.stamp >= replaced_at}
    return MergedSession(
        key=base.key,
        last_updated=max(base.last_updated, stamp),
        replaced_at=replaced_at,
        fields=fields,
        periods=dict(sorted(periods.items())),
    )


def session_of(merged: MergedSession) -> Session | None:
    """Return the session that the messages add up to, or None before its first PUT."""
    if merged.replaced_at is None:
        return None
    value = {name: register.value for name, register in merged.fields.items()}
    status, kwh = SessionStatus(_text(value["status"])), value["kwh"]
    start_at, end_at = value["start_date_time"], value.get("end_date_time")
    assert isinstance(kwh, Decimal)
    assert isinstance(start_at, datetime)
    return Session(
        key=SessionKey(merged.key.partner_id, _text(value["id"])),
        country_code=_text(value["country_code"]),
        party_id=_text(value["party_id"]),
        status=status,
        start_at=start_at,
        end_at=end_at if isinstance(end_at, datetime) else None,
        last_updated=merged.last_updated,
        kwh=kwh,
        evse_uid=_optional_text(value.get("evse_uid")),
        location_id=_optional_text(value.get("location_id")),
        connector_id=_optional_text(value.get("connector_id")),
        currency=_optional_text(value.get("currency")),
        periods=tuple(register.period for register in merged.periods.values()),
        others={
            name: _text(each)
            for name, each in sorted(value.items())
            if each is not None and name not in (*TYPED, "country_code", "party_id", "id")
        },
    )


def period_rank(register: PeriodRegister) -> tuple[datetime, str]:
    """Order registers of one period start: newest stamp first, then a fixed tie-break on what they say."""
    period = register.period
    said = sorted((name, str(volume.normalize())) for name, volume in period.dimensions.items())
    return register.stamp, f"{said}{period.tariff_id}"


def _rank(name: str, register: Register) -> tuple[bool, datetime, bool, FieldValue]:
    """Order registers of one field: COMPLETED above all, then the newest stamp, then any value above none."""
    is_final = name == "status" and register.value == SessionStatus.COMPLETED
    is_said = register.value is not None
    return is_final, register.stamp, is_said, register.value if is_said else ""


def _text(value: FieldValue) -> str:
    assert isinstance(value, str)
    return value


def _optional_text(value: FieldValue) -> str | None:
    return None if value is None else _text(value)

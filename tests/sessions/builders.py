"""Sessions and messages for tests: everything has a sensible value until a test says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from offpeak.sessions.merge import FieldValue
from offpeak.sessions.model import (
    ChargingPeriod,
    MessageKind,
    Session,
    SessionKey,
    SessionMessage,
    SessionStatus,
)

PLUG_IN = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
KEY = SessionKey("p1", "S-1")


def at(minutes: float) -> datetime:
    """The instant so many minutes after plug-in."""
    return PLUG_IN + timedelta(minutes=minutes)


def period(minutes: float, **volumes: float | str) -> ChargingPeriod:
    return ChargingPeriod(at(minutes), {name: Decimal(str(volume)) for name, volume in volumes.items()})


def a_put(minutes: float = 0, *periods: ChargingPeriod, **fields: FieldValue) -> SessionMessage:
    said: dict[str, FieldValue] = {
        "status": "ACTIVE",
        "start_date_time": PLUG_IN,
        "end_date_time": None,
        "kwh": Decimal(0),
        "evse_uid": "E1",
        "total_cost": None,
    }
    return SessionMessage(MessageKind.PUT, KEY, "NL", "EXA", at(minutes), {**said, **fields}, periods)


def a_patch(minutes: float, *periods: ChargingPeriod, **fields: FieldValue) -> SessionMessage:
    return SessionMessage(MessageKind.PATCH, KEY, "NL", "EXA", at(minutes), fields, periods)


def a_session(
    *periods: ChargingPeriod,
    status: SessionStatus = SessionStatus.ACTIVE,
    kwh: float | str = 0,
    last_updated: datetime | None = None,
) -> Session:
    newest = max((each.start_at for each in periods), default=PLUG_IN)
    return Session(
        key=KEY,
        country_code="NL",
        party_id="EXA",
        status=status,
        start_at=PLUG_IN,
        last_updated=last_updated or newest + timedelta(minutes=5),
        kwh=Decimal(str(kwh)),
        evse_uid="E1",
        periods=periods,
    )

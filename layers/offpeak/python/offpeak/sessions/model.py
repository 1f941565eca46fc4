"""A charging session as we know it: what a partner told us, merged, and what we infer from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

LONGEST_ID = 255
"""Bytes of a session id in a URL. OCPI gives it 36 characters; the tables' keys hold about a thousand bytes."""


class SessionStatus(StrEnum):
    """OCPI 2.2.1, 9.4.5 SessionStatus."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    INVALID = "INVALID"
    PENDING = "PENDING"
    RESERVATION = "RESERVATION"


class MessageKind(StrEnum):
    PUT = "PUT"
    PATCH = "PATCH"


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Where a session lives. OCPI's charging profile paths name no party, so the partner scopes the id (P6)."""

    partner_id: str
    session_id: str

    @property
    def is_storable(self) -> bool:
        """Say whether a session can live here at all."""
        return len(self.session_id.encode()) <= LONGEST_ID

    @property
    def text(self) -> str:
        """The key as one string; session ids are CiStrings, so their case does not count."""
        return f"{self.partner_id}#{self.session_id.casefold()}"


@dataclass(frozen=True, slots=True)
class ChargingPeriod:
    """From `start_at` until the next period: volumes by CdrDimensionType (ENERGY kWh, POWER kW, TIME h, ...)."""

    start_at: datetime
    dimensions: Mapping[str, Decimal]
    tariff_id: str | None = None


@dataclass(frozen=True, slots=True)
class SessionMessage:
    """One PUT or PATCH, parsed. `fields` holds what the message set, by OCPI field name; None is an explicit null,
    or, in a PUT, a field that was left out. `filled` and `renamed` say what lenient parsing did (S5)."""

    kind: MessageKind
    key: SessionKey
    country_code: str
    party_id: str
    last_updated: datetime
    fields: Mapping[str, str | Decimal | datetime | None]
    periods: tuple[ChargingPeriod, ...] = ()
    filled: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """The session that all messages so far add up to. `periods` ascend by start."""

    key: SessionKey
    country_code: str
    party_id: str
    status: SessionStatus
    start_at: datetime
    last_updated: datetime
    kwh: Decimal
    end_at: datetime | None = None
    evse_uid: str | None = None
    location_id: str | None = None
    connector_id: str | None = None
    currency: str | None = None
    periods: tuple[ChargingPeriod, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    """What we keep only to give it back on GET: cdr_token, total_cost and the like, as JSON text."""

    @property
    def is_open(self) -> bool:
        return self.status in (SessionStatus.ACTIVE, SessionStatus.PENDING)


class ChargingState(StrEnum):
    CHARGING = "CHARGING"
    SUSPENDED_EV = "SUSPENDED_EV"
    SUSPENDED_EVSE = "SUSPENDED_EVSE"
    CONNECTED = "CONNECTED"
    FINISHED = "FINISHED"
    UNKNOWN = "UNKNOWN"


class Confidence(StrEnum):
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


@dataclass(frozen=True, slots=True)
class InferredState:
    """A charging state, why we believe it (one of charging_state.REASONS) and how much."""

    state: ChargingState
    reason: str
    confidence: Confidence
    power_w: int | None = None
    """Mean power in the newest period that tells it, watts."""


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session with its place in the planner's books.

    `plan_wanted` counts the causes of a plan, `plan_done` the last count that was planned: the row is its own outbox.
    `received_at` is the real time at which the newest of those causes reached us, `basis_changed_at` that of the last
    change of prices or settings that was one, or of the session's coming. `is_whole` is False where only the newest
    charging periods are at hand.
    """

    session: Session
    state: InferredState
    delivered_kwh: Decimal
    state_of_charge: Decimal | None
    plan_wanted: int
    plan_done: int
    received_at: datetime
    basis_changed_at: datetime | None = None
    is_whole: bool = True
    discharge_allowed: bool = False
    """The driver lets the car's battery give energy."""
    state_since: datetime | None = None
    """When the session was first said to be in its charging state, as far as that was noted."""

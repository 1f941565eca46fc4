"""A profile request: one PUT, GET or DELETE that we sent to a CPO, and its life from `requested` to `observed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from offpeak.planning.profile import ChargingProfile
from offpeak.sessions.model import SessionKey


class RequestKind(StrEnum):
    SET = "set"
    GET = "get"
    CLEAR = "clear"


class RequestState(StrEnum):
    """requested -> cpo_accepted -> charger_accepted -> observed; every other state is an end that may still be
    overtaken by a late result (CONFORMANCE P3, P4)."""

    REQUESTED = "requested"
    CPO_ACCEPTED = "cpo_accepted"
    CHARGER_ACCEPTED = "charger_accepted"
    OBSERVED = "observed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"


class Step(StrEnum):
    """The steps whose real time is kept, in the order in which they usually come."""

    RECEIVED = "received"
    """The message that caused the plan came in."""
    PLANNED = "planned"
    SENT = "sent"
    ANSWERED = "answered"
    CONFIRMED = "confirmed"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """One request. `due_at` (domain time) is when the sweep looks at it again; None: nothing is awaited.

    `steps` holds real instants; `created_at` and `due_at` live in the time of the session.
    """

    request_id: str
    key: SessionKey
    kind: RequestKind
    state: RequestState
    created_at: datetime
    due_at: datetime | None
    profile: ChargingProfile | None = None
    attempts: int = 0
    detail: str | None = None
    steps: Mapping[Step, datetime] = field(default_factory=dict)
    revision: int = 0

"""A profile request: one PUT, GET or DELETE that we sent to a CPO, and its life from `requested` to `observed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.pairing.model import ChargerKey
from offpeak.partners.model import Party
from offpeak.planning.plan import Plan
from offpeak.planning.profile import ChargingProfile
from offpeak.sessions.model import SessionKey


class RequestKind(StrEnum):
    SET = "set"
    GET = "get"
    CLEAR = "clear"


class RequestState(StrEnum):
    """requested -> cpo_accepted -> charger_accepted -> observed; every other state is an end that may still be
    overtaken by a late result (CONFORMANCE P3, P4), except `superseded`."""

    REQUESTED = "requested"
    CPO_ACCEPTED = "cpo_accepted"
    CHARGER_ACCEPTED = "charger_accepted"
    OBSERVED = "observed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"


PASSING = frozenset({AnswerType.TOO_OFTEN, AnswerType.UNKNOWN_SESSION})
"""Refusals that the same request may outlive: a limit on frequency, and a CPO whose modules do not all know the
session yet."""


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
class Circuit:
    """What a profile was made for, where the charger told it; `phases` None: not known, or direct current."""

    phases: int | None
    voltage_v: int
    max_power_w: int


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """One request. `due_at` (domain time) is when the sweep looks at it again; None: nothing is awaited.

    `steps` holds real instants, the first time of each; so is `claimed_until`, until when a sender may be calling the
    CPO with this request. `created_at`, `due_at` and `in_force_at` live in the time of the session.
    """

    request_id: str
    key: SessionKey
    party: Party
    """Whose session it is: requests are routed to that party."""
    kind: RequestKind
    state: RequestState
    created_at: datetime
    due_at: datetime | None
    profile: ChargingProfile | None = None
    circuit: Circuit | None = None
    """None: as the partner's settings say."""
    attempts: int = 0
    claimed_until: datetime | None = None
    answer: AnswerType | None = None
    result: ResultType | None = None
    in_force_at: datetime | None = None
    """When the charger's acceptance reached us."""
    detail: str | None = None
    after: str | None = None
    """The request that may still be on its way to the CPO, and must have ended before this one is sent."""
    about: str | None = None
    """GET only: the request whose fate the active profile is to tell."""
    steps: Mapping[Step, datetime] = field(default_factory=dict)
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Override:
    """The charger's active profile differs from ours. `what` says how, for a person.

    `verified` tells a profile that we asked for from one that the CPO pushed; `asked_at` is when we last asked.
    `is_wider` says that it allows more than ours, which is gone then.
    """

    since: datetime
    what: str
    verified: bool = False
    asked_at: datetime | None = None
    is_wider: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What a session's row says about its profiles. `plan` is the plan behind the newest request.

    `backoff_until` is when the EVSE may be asked again, after `backoff_steps` refusals or silences in a row;
    `wake_at` when a plan is wanted without any other cause. `renewed_at` is when an overridden profile was last sent
    again, `wants_renewal` that it should be now. `limit_w_steps` is what the charger took, as (from when, watts),
    with some of the past: by it the charging state is inferred, and what the car can draw. `draw_w` is the most
    that the car drew so far while it was granted all. `is_unseen` says that the charger took the newest profile and the
    session's power has not shown it yet, `is_sated` that the car draws nothing though it might.

    `held` are the SETs and CLEARs that may be in force or come to be (exposure.may_hold), oldest first, and the newest.
    `planned_zone` is the bidding zone by whose prices and signals the session was planned last, `root_id` the tree of
    limit groups that it is planned with. There `waits_for` are keys of sessions whose confirmations make room for its
    newest plan, none of them where no room is in sight, and None where it waits for nothing; `is_awaited` says that
    others wait for what becomes of its own request.

    `charger` is the driver's that the session is listed with, by `begun_at`. All times are the session's.
    """

    key: SessionKey
    plan: Plan | None = None
    newest_request_id: str | None = None
    backoff_until: datetime | None = None
    backoff_steps: int = 0
    wake_at: datetime | None = None
    override: Override | None = None
    wants_renewal: bool = False
    renewed_at: datetime | None = None
    limit_w_steps: tuple[tuple[datetime, int], ...] = ()
    draw_w: int | None = None
    is_unseen: bool = False
    is_sated: bool = False
    held: tuple[str, ...] = ()
    planned_zone: str | None = None
    root_id: str | None = None
    waits_for: tuple[str, ...] | None = None
    is_awaited: bool = False
    charger: ChargerKey | None = None
    begun_at: datetime | None = None
    revision: int = 0

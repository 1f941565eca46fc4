"""What a fresh plan means for the charger: send a profile, take ours away, or leave things as they are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from offpeak.ocpi.profile_types import AnswerType
from offpeak.planning.profile import ChargingProfile, is_lower, same_effect
from offpeak.profiles.lifecycle import UNSETTLED
from offpeak.profiles.model import PASSING, ProfileRequest, RequestKind, RequestState, Standing
from offpeak.sessions.model import SessionStatus

TOO_OLD = timedelta(minutes=10)
"""A profile that was planned so long ago, and not sent yet, is planned anew instead."""
AGAIN_AFTER = timedelta(minutes=15)
"""An overridden profile is asked about, and sent again, no more often than this."""


class Action(StrEnum):
    SET = "set"
    CLEAR = "clear"
    KEEP = "keep"
    """Nothing is sent, and the newest request stands."""
    END = "end"
    """Nothing is sent any more: what the newest request still waits for has lost its meaning."""


@dataclass(frozen=True, slots=True)
class Intent:
    """`why` is one word for logs; `in_effect` says whether the charger has the fresh plan, or is about to."""

    action: Action
    why: str
    in_effect: bool = False
    wake_at: datetime | None = None


def intent_of(
    profile: ChargingProfile | None,
    *,
    status: SessionStatus,
    unmanaged: str | None,
    has_receiver: bool,
    takes_profiles: bool = True,
    newest: ProfileRequest | None,
    standing: Standing,
    now: datetime,
    is_capped: bool = False,
) -> Intent:
    """Decide what to send. `profile` is the fresh plan's, None where none can be set for now (barred_of); `newest` is
    the session's newest SET or CLEAR request, and `unmanaged` why the session is not managed, None where it is.
    `is_capped` says that the plan keeps caps of the grid.
    """
    barred = barred_of(
        status=status,
        unmanaged=unmanaged,
        has_receiver=has_receiver,
        takes_profiles=takes_profiles,
        newest=newest,
        standing=standing,
        now=now,
    )
    if barred is not None:
        return barred
    assert profile is not None
    return _set(profile, newest, standing, now, is_capped=is_capped)


def barred_of(
    *,
    status: SessionStatus,
    unmanaged: str | None,
    has_receiver: bool,
    takes_profiles: bool = True,
    newest: ProfileRequest | None,
    standing: Standing,
    now: datetime,
) -> Intent | None:
    """Return what to do about a session that no profile can be set for now, whatever its plan; None where one can.

    The rules in order: only a running session takes a profile; a partner without the interface gets none; an EVSE
    that refused or was silent is left alone for a while (CONFORMANCE P10); one that is not managed, or cannot take
    profiles, gets none (P12), though one that it has is taken away.
    """
    if status is not SessionStatus.ACTIVE:
        return Intent(Action.KEEP, "not_charging_yet")
    if not has_receiver:
        return Intent(Action.KEEP, "no_receiver")
    if standing.backoff_until is not None and now < standing.backoff_until:
        return Intent(Action.KEEP, "backing_off", wake_at=standing.backoff_until)
    if unmanaged:
        return _clear(newest, unmanaged)
    if not takes_profiles:
        has_left = newest is None or newest.attempts > 0 or newest.after is not None
        return Intent(Action.KEEP if has_left else Action.END, "evse_not_capable")
    is_unsupported = newest is not None and newest.profile is not None and newest.answer is AnswerType.NOT_SUPPORTED
    if is_unsupported and newest is not None and newest.state is RequestState.REJECTED:
        return Intent(Action.KEEP, "not_supported")
    return None


def _clear(newest: ProfileRequest | None, unmanaged: str) -> Intent:
    if newest is None:
        return Intent(Action.KEEP, unmanaged)
    if newest.kind is RequestKind.SET:
        never_left = newest.attempts == 0 and newest.after is None
        return Intent(Action.END if never_left else Action.CLEAR, unmanaged)
    if newest.state is RequestState.UNKNOWN or newest.answer in PASSING:
        return Intent(Action.CLEAR, "unknown_before")
    # Else the charger would keep a limit that nobody answers for any more, until its session ends.
    if newest.state is RequestState.REJECTED and newest.answer is not AnswerType.NOT_SUPPORTED:
        return Intent(Action.CLEAR, "refused_before")
    return Intent(Action.KEEP, unmanaged)


def _set(
    profile: ChargingProfile, newest: ProfileRequest | None, standing: Standing, now: datetime, *, is_capped: bool
) -> Intent:
    if newest is None or newest.profile is None:
        return Intent(Action.SET, "first", in_effect=True)
    # A little more than is in force may wait; a little less may not where others, or the grid, count on it.
    is_held = is_capped or standing.root_id is not None
    if not same_effect(newest.profile, profile, now) or (is_held and is_lower(profile, newest.profile, now)):
        return Intent(Action.SET, "changed", in_effect=True)
    match newest.state:
        case RequestState.REQUESTED if now - newest.created_at > TOO_OLD:
            return Intent(Action.SET, "too_old", in_effect=True)
        # Where others share a limit with it a refused profile is asked for again: they have to do with less until then.
        case RequestState.REJECTED if newest.answer not in PASSING and standing.root_id is None:
            return Intent(Action.KEEP, "refused_before")
        case RequestState.REJECTED | RequestState.UNKNOWN | RequestState.SUPERSEDED:
            return Intent(Action.SET, "again", in_effect=True)
    if standing.wants_renewal and newest.state not in UNSETTLED:
        renew_at = renewal_at(standing, now)
        if now < renew_at:
            return Intent(Action.KEEP, "overridden_again", in_effect=True, wake_at=renew_at)
        return Intent(Action.SET, "overridden", in_effect=True)
    return Intent(Action.KEEP, "same", in_effect=True)


def renewal_at(standing: Standing, now: datetime) -> datetime:
    """Return when an overridden profile may be sent again: now, unless that was done lately."""
    return now if standing.renewed_at is None else max(now, standing.renewed_at + AGAIN_AFTER)

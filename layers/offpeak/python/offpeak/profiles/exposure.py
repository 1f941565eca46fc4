"""What a session may draw at most at each instant, whatever became of the requests that were sent for it: pure.

A limit group is safe when these sums stay within its caps, because they hold for every order in which requests reach
their chargers, and for every one that gets lost (docs/planning.md, "Caps are safe while they change").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.partners.model import PlanningDefaults
from offpeak.planning.profile import ChargingProfile
from offpeak.profiles.circuit import as_planned
from offpeak.profiles.model import ProfileRequest, RequestState
from offpeak.profiles.power_steps import EVER, PowerSteps, at_most, flat, from_now, held_in_slots, highest

LATE_FOR = timedelta(minutes=1)
"""A call that nobody answered may still take hold until so long after the next request was planned."""


def may_hold(requests: Sequence[ProfileRequest]) -> tuple[ProfileRequest, ...]:
    """Return those of a session's requests that may be in force or may still come to be, oldest first.

    `requests` are SETs and CLEARs, oldest first. That is the last one that the charger confirmed, and all since then
    except those that certainly never take hold. Calls for one session do not overlap, so what was answered before the
    confirmed one was sent is past. A call without an answer may take hold after its successor: which of the two is in
    force nobody knows, until one is confirmed when the older cannot come any more.
    """
    confirmed = next((place for place, each in reversed([*enumerate(requests)]) if is_confirmed(each)), None)
    if confirmed is None:
        return tuple(each for each in requests if can_hold(each))
    before = (
        each
        for each, following in pairwise(requests[: confirmed + 1])
        if can_hold(each) and _lingers(each, following, requests[confirmed])
    )
    return (*before, requests[confirmed], *(each for each in requests[confirmed + 1 :] if can_hold(each)))


def can_hold(request: ProfileRequest) -> bool:
    """Say whether a request may be in force, or may still come to be.

    A refusal tells so of the call that it answers; where another call went before it, that one may have taken hold.
    """
    if request.attempts == 0:
        return request.state is RequestState.REQUESTED
    is_refused = request.result is ResultType.REJECTED or request.answer not in (None, AnswerType.ACCEPTED)
    return request.result is ResultType.ACCEPTED or not is_refused or request.attempts > 1


def is_confirmed(request: ProfileRequest) -> bool:
    """Say whether the charger told that it took a request; one that was superseded may hear of it too."""
    return request.result is ResultType.ACCEPTED


def is_awaited(request: ProfileRequest) -> bool:
    """Say whether something that is on its way will tell what became of a request."""
    return request.state in (RequestState.REQUESTED, RequestState.CPO_ACCEPTED)


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a charger gives at most, and what it gives a car for which it has no profile, watts. `slot_s` is there where
    it changes its power at the edges of slots only, so long and counted from full hours."""

    max_power_w: int
    unmanaged_w: int
    slot_s: int | None = None


def exposure_of(
    held: Sequence[ProfileRequest], planning: PlanningDefaults, hardware: Hardware, *, is_lost: bool
) -> PowerSteps:
    """Return the most that a session may draw from each instant on, watts.

    `held` is what `may_hold` returns. Without a confirmed profile among them the charger may have none; where ours
    `is_lost`, because the charger was seen to allow more, it may have any.
    """
    if is_lost:
        return flat(hardware.max_power_w)
    known = [steps_of(each, planning, hardware) for each in held]
    is_limited = any(is_confirmed(each) for each in held)
    return highest(known if is_limited else [flat(hardware.unmanaged_w), *known])


def steps_of(request: ProfileRequest, planning: PlanningDefaults, hardware: Hardware) -> PowerSteps:
    """Return the most that can be drawn under a request; one that takes profiles away leaves what the charger gives
    without any."""
    if request.profile is None:
        return flat(hardware.unmanaged_w)
    return steps_under(request.profile, as_planned(planning, request), hardware)


def steps_under(profile: ChargingProfile, planning: PlanningDefaults, hardware: Hardware) -> PowerSteps:
    """Return the most that can be drawn under a profile."""
    steps = at_most(profile, planning, hardware.max_power_w, hardware.unmanaged_w)
    return held_in_slots(from_now(steps, profile.start_at), hardware.slot_s) if hardware.slot_s else steps


def held_from_before(taken: Sequence[tuple[datetime, int]], hardware: Hardware, now: datetime) -> PowerSteps:
    """Return what a charger goes on with by what it was allowed before `now`: until its slot ends, where it obeys then.

    `taken` are the limits that it took, as (from when, watts). Before the first of them it gave what it gives without.
    """
    if hardware.slot_s is None:
        return flat(0.0)
    limits = ((at, float(min(limit_w, hardware.max_power_w))) for at, limit_w in taken if at < now)
    return held_in_slots(((EVER, float(hardware.unmanaged_w)), *limits, (now, 0.0)), hardware.slot_s)


def _lingers(request: ProfileRequest, following: ProfileRequest, confirmed: ProfileRequest) -> bool:
    """Say whether a request that was overtaken may have taken hold last, or still does so. The answer to a repeated
    call tells nothing of the one before it."""
    is_single = request.attempts == 1
    if is_single and request.answer is not None:
        return False
    assert confirmed.in_force_at
    if request.in_force_at and request.in_force_at > confirmed.in_force_at:
        return True
    return not (is_single and request.result is not None) and confirmed.in_force_at < following.created_at + LATE_FOR


def is_in_doubt(held: Sequence[ProfileRequest], now: datetime) -> bool:
    """Say whether an older call may have taken hold after the newest request was confirmed, and none still can: sending
    that one again would settle it. `held` is what `may_hold` returns."""
    return (
        len(held) > 1
        and is_confirmed(held[-1])
        and all(now >= following.created_at + LATE_FOR for following in held[1:])
    )

"""What the charger really does: an active profile that was pushed or asked for, held against ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from offpeak.errors import ConcurrentChange, UnknownObject
from offpeak.ocpi.profile_types import ResultType
from offpeak.partners.model import PlanningDefaults
from offpeak.planning.profile import ChargingProfile
from offpeak.profiles.circuit import as_planned
from offpeak.profiles.follow_up import Tells, follow_up, plan_tree
from offpeak.profiles.intent import AGAIN_AFTER, renewal_at
from offpeak.profiles.lifecycle import resulted
from offpeak.profiles.likeness import Comparison, Likeness, compare
from offpeak.profiles.model import Override, ProfileRequest, RequestState, Standing
from offpeak.profiles.send_queue import ask_to_send
from offpeak.profiles.settle import question_about, settle
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.model import SessionKey
from offpeak.telemetry import count, logger

MOST_TRIES = 8

TAKEN = (RequestState.CHARGER_ACCEPTED, RequestState.OBSERVED)
"""States in which ours should be the active profile."""


def receive_active_profile(
    key: SessionKey,
    active: ChargingProfile,
    profiles: ProfileStore,
    to: Tells,
    planning: PlanningDefaults,
    *,
    question_id: str,
    now: datetime,
    at: datetime,
) -> None:
    """Take a profile that a CPO pushed (OCPI 2.2.1, 14.2.2.2; CONFORMANCE P9).

    Before anything is done about an override, the request `question_id` asks for the active profile. `now` is the
    session's time, `at` the real one. When a session is over its profile is gone too, and that is no override. Raises
    UnknownObject for a session that is not known.
    """
    known = to.sessions.known(key) if key.is_storable else None
    if known is None:
        raise UnknownObject(f"session {key.session_id} is not known")
    if not known.session.is_open:
        return

    def question(newest: ProfileRequest) -> ProfileRequest:
        return question_about(newest, question_id, now, at)

    asked = _hold_against_ours(key, active, profiles, to, planning, now, at, question)
    if asked:
        ask_to_send(to.send_queue, asked)


def receive_asked_profile(
    asked: ProfileRequest,
    active: ChargingProfile,
    profiles: ProfileStore,
    to: Tells,
    planning: PlanningDefaults,
    *,
    now: datetime,
    at: datetime,
) -> None:
    """Take the active profile that the GET `asked` brought. What concerns an older request tells nothing."""
    if profiles.standing(asked.key).newest_request_id == asked.about:
        _hold_against_ours(asked.key, active, profiles, to, planning, now, at, None)


def _hold_against_ours(
    key: SessionKey,
    active: ChargingProfile,
    profiles: ProfileStore,
    to: Tells,
    planning: PlanningDefaults,
    now: datetime,
    at: datetime,
    question: Callable[[ProfileRequest], ProfileRequest] | None,
) -> ProfileRequest | None:
    for _ in range(MOST_TRIES):
        standing = profiles.standing(key)
        newest = profiles.request(standing.newest_request_id) if standing.newest_request_id else None
        if newest is None or newest.profile is None:
            return None
        found = compare(newest.profile, active, as_planned(planning, newest), now)
        if newest.state is RequestState.UNKNOWN and found.likeness is Likeness.SAME:
            shown = partial(resulted, result=ResultType.ACCEPTED, now=now, resulted_at=at)
            follow_up(settle(newest, shown, profiles, planning, to.outbox, question_id="", now=now, at=at), to, now)
            return None
        if newest.state not in TAKEN:
            return None
        after = judged(standing, found, is_verified=question is None, now=now)
        if after == standing:
            return None
        asks = question is not None and after.override is not None and after.override.asked_at == now
        asked = question(newest) if question is not None and asks else None
        try:
            profiles.save(*([asked] if asked else []), standing=after)
        except ConcurrentChange:
            continue
        _report(key, standing, after, found)
        if after.root_id is not None and _is_wider(after) and not _is_wider(standing):
            plan_tree(key, after.root_id, to, now)  # The others may have to do with less until ours is back.
        return asked
    raise ConcurrentChange(f"session {key.session_id} keeps changing")


def judged(standing: Standing, found: Comparison, *, is_verified: bool, now: datetime) -> Standing:
    """Return the standing after its active profile was seen. Pure.

    A difference is shown as an override. It is asked about before anything is done; then ours is sent again where the
    active profile allows more, because ours is gone: at once, or when the last time is long enough ago. Where it
    allows less, somebody has put a limit on top, and sending again would change nothing.
    """
    if found.likeness is Likeness.SAME:
        return replace(standing, override=None, wants_renewal=False)
    before = standing.override
    is_wider = found.likeness is Likeness.WIDER
    asked_at = before.asked_at if before else None
    override = Override(before.since if before else now, found.what, is_verified, asked_at, is_wider)
    if not is_verified:
        if before is not None and before.asked_at is not None and now - before.asked_at < AGAIN_AFTER:
            return standing
        return replace(standing, override=replace(override, asked_at=now))
    if is_wider:
        return replace(standing, override=override, wants_renewal=True, wake_at=renewal_at(standing, now))
    return replace(standing, override=override)


def _is_wider(standing: Standing) -> bool:
    return standing.override is not None and standing.override.is_wider


def _report(key: SessionKey, before: Standing, after: Standing, found: Comparison) -> None:
    if after.override is not None and before.override is None:
        count("ProfilesOverridden")
    logger.info(
        "active_profile_compared",
        partner_id=key.partner_id,
        session_id=key.session_id,
        likeness=found.likeness.value,
        what=found.what,
        is_verified=after.override is not None and after.override.verified,
        wants_renewal=after.wants_renewal,
    )

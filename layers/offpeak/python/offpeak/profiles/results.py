"""What a CPO sends to our response URLs (OCPI 2.2.1, 14.2.2.1; CONFORMANCE P1, P4, P5)."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from offpeak.errors import UnknownObject
from offpeak.ocpi.chargingprofiles import ProfileResult
from offpeak.ocpi.profile_types import ResultType
from offpeak.partners.model import PlanningDefaults
from offpeak.profiles.active import receive_asked_profile
from offpeak.profiles.follow_up import Tells, follow_up
from offpeak.profiles.lifecycle import resulted
from offpeak.profiles.likeness import limit_in_words
from offpeak.profiles.model import ProfileRequest, RequestKind
from offpeak.profiles.settle import settle
from offpeak.profiles.store import ProfileStore

LONGEST_REQUEST_ID = 64
"""Characters. Ours have half as many; longer ones are nobody's."""


def awaiting(kind: str, request_id: str, partner_id: str, profiles: ProfileStore) -> ProfileRequest:
    """Return the request that a result is for. Raises UnknownObject for one that never was, is another partner's, or
    of another kind: all look the same from outside (P5)."""
    request = profiles.request(request_id) if len(request_id) <= LONGEST_REQUEST_ID else None
    if request is None or request.key.partner_id != partner_id or request.kind.value != kind:
        raise UnknownObject("no such request is waiting for a result")
    return request


def receive_result(
    request: ProfileRequest,
    result: ProfileResult,
    profiles: ProfileStore,
    to: Tells,
    planning: PlanningDefaults,
    *,
    question_id: str,
    now: datetime,
    at: datetime,
) -> None:
    """Take a result; a repetition has no second effect (P5).

    After a result that tells nothing, the request `question_id` asks what the charger has. `now` is the session's
    time, `at` the real one.
    """
    detail = None
    # The active profile first: a process that dies in between may see it twice, which does no harm, but never loses it.
    if request.kind is RequestKind.GET and result.result is ResultType.ACCEPTED and result.profile is not None:
        receive_asked_profile(request, result.profile, profiles, to, planning, now=now, at=at)
        detail = f"the charger has {limit_in_words(result.profile, max(now, result.profile.start_at))} now"
    transition = partial(resulted, result=result.result, now=now, resulted_at=at, detail=detail)
    settled = settle(request, transition, profiles, planning, to.outbox, question_id=question_id, now=now, at=at)
    follow_up(settled, to, now)

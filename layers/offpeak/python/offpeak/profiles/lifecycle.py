"""The life of a profile request: pure transitions that hold in whatever order, and however often, events come.

    requested ---answer ACCEPTED---> cpo_accepted ---result ACCEPTED---> charger_accepted ---seen---> observed
        |                                |                 ^
        |--answer refuses--> rejected    |--time-out--> unknown       any unsettled state --newer request--> superseded
        '--given up--------> unknown     '--result REJECTED--> rejected

The result is the truth: it may overtake the answer (CONFORMANCE P2), it counts after `unknown` (P4), it counts after a
refusal that answered a repeated send, and only the first definite one has an effect (P5). The first answer counts. A
request that was superseded notes what it hears and stays superseded (P11). Every function returns the request itself
when nothing changes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.profiles.model import ProfileRequest, RequestState, Step

AWAITED = frozenset({RequestState.REQUESTED, RequestState.CPO_ACCEPTED})
"""States in which something is still to come."""
UNSETTLED = AWAITED | {RequestState.UNKNOWN}
"""States that a newer request ends."""


def claimed(request: ProfileRequest, *, until: datetime, due_at: datetime, sent_at: datetime) -> ProfileRequest:
    """A sender is about to call the CPO, and has until `until` (real time)."""
    return replace(
        request,
        claimed_until=until,
        due_at=due_at,
        attempts=request.attempts + 1,
        steps={Step.SENT: sent_at, **request.steps},
    )


def to_be_retried(request: ProfileRequest, *, due_at: datetime, detail: str) -> ProfileRequest:
    """The call failed, or could not be made yet; another follows."""
    if request.state is not RequestState.REQUESTED:
        return _released(request)
    return replace(request, claimed_until=None, due_at=due_at, detail=detail)


def answered(
    request: ProfileRequest, answer: AnswerType, *, due_at: datetime, answered_at: datetime, detail: str | None = None
) -> ProfileRequest:
    """The CPO answered; when it accepted, its result is awaited until `due_at`."""
    if Step.ANSWERED in request.steps:
        return _released(request)
    request = replace(request, claimed_until=None, answer=answer, steps={**request.steps, Step.ANSWERED: answered_at})
    if answer is AnswerType.ACCEPTED and request.state in UNSETTLED and request.result is None:
        return replace(request, state=RequestState.CPO_ACCEPTED, due_at=due_at, detail=None)
    if answer is not AnswerType.ACCEPTED and request.state is RequestState.REQUESTED:
        return replace(request, state=RequestState.REJECTED, due_at=None, detail=detail or answer.value)
    return request


def resulted(
    request: ProfileRequest, result: ResultType, *, now: datetime, resulted_at: datetime, detail: str | None = None
) -> ProfileRequest:
    """The charger's result came; `detail` is what came with an ACCEPTED. `now` is the session's time, `resulted_at` the
    real one."""
    if request.result in (ResultType.ACCEPTED, ResultType.REJECTED) or request.result is result:
        return request
    request = replace(request, result=result)
    if result is ResultType.ACCEPTED:
        request = replace(request, in_force_at=now, steps={**request.steps, Step.CONFIRMED: resulted_at})
    if request.state is RequestState.SUPERSEDED:
        return request
    match result:
        case ResultType.ACCEPTED:
            return replace(request, state=RequestState.CHARGER_ACCEPTED, due_at=None, detail=detail)
        case ResultType.REJECTED:
            return replace(request, state=RequestState.REJECTED, due_at=None, detail="the charger refused")
        case ResultType.UNKNOWN:
            return given_up(request, detail="the CPO does not know whether the charger took it")


def given_up(request: ProfileRequest, *, detail: str) -> ProfileRequest:
    """What was awaited did not come, and nobody waits any longer."""
    if request.state not in AWAITED:
        return _released(request)
    return replace(request, state=RequestState.UNKNOWN, claimed_until=None, due_at=None, detail=detail)


def superseded(request: ProfileRequest, *, detail: str) -> ProfileRequest:
    """A newer request took this one's place, or its session ended. A claim stays: the call may be on its way."""
    if request.state not in UNSETTLED:
        return request
    return replace(request, state=RequestState.SUPERSEDED, due_at=None, detail=detail)


def observed(request: ProfileRequest, *, observed_at: datetime) -> ProfileRequest:
    """The session's power follows the profile."""
    if request.state is not RequestState.CHARGER_ACCEPTED:
        return request
    return replace(request, state=RequestState.OBSERVED, steps={**request.steps, Step.OBSERVED: observed_at})


def _released(request: ProfileRequest) -> ProfileRequest:
    return request if request.claimed_until is None else replace(request, claimed_until=None)

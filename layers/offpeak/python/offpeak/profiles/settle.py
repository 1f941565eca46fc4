"""What becomes of a request, and what that means for its session, written together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.errors import ConcurrentChange
from offpeak.events.outbox import Outbox
from offpeak.ocpi.profile_types import AnswerType
from offpeak.partners.model import Party, PlanningDefaults
from offpeak.partners.watch import notice
from offpeak.profiles.backoff import backed_off, recovered
from offpeak.profiles.circuit import as_planned
from offpeak.profiles.events import profile_event
from offpeak.profiles.likeness import in_watts
from offpeak.profiles.model import PASSING, ProfileRequest, RequestKind, RequestState, Standing, Step
from offpeak.profiles.quality import figures_of
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.model import SessionKey
from offpeak.telemetry import count, logger, measure_ms

MOST_TRIES = 8
SENT_WITHIN = timedelta(minutes=1)
"""When the sweep looks for a request whose message to the send queue may be lost."""

STEPS_KEPT = 12
"""Changes of limit in the past that a session's row keeps; several pauses, and a few hundred bytes."""

TELLING = frozenset({RequestState.CHARGER_ACCEPTED, RequestState.REJECTED, RequestState.UNKNOWN})
"""The states that mean something for the session, where its newest request came into them."""

Transition = Callable[[ProfileRequest], ProfileRequest]


@dataclass(frozen=True, slots=True)
class Settled:
    """The request as it is now. `question` is a GET that asks what the charger has, to be sent now; `awaited_by` is the
    tree of limit groups in which others wait for what became of the request."""

    request: ProfileRequest
    has_changed: bool
    question: ProfileRequest | None = None
    awaited_by: str | None = None


def settle(
    request: ProfileRequest,
    transition: Transition,
    profiles: ProfileStore,
    planning: PlanningDefaults,
    outbox: Outbox,
    *,
    question_id: str,
    now: datetime,
    at: datetime,
) -> Settled:
    """Apply a transition, and its consequence for the session when this is the session's newest request.

    After an accepted profile without a result we ask for the active one, as the request `question_id`. `now` is the
    session's time, `at` the real one. Raises ConcurrentChange after too many tries.
    """
    for _ in range(MOST_TRIES):
        after = transition(request)
        if after is request:
            return Settled(request, has_changed=False)
        standing = question = awaited_by = event = None
        if _is_telling(request, after):
            known = profiles.standing(after.key)
            awaited_by = known.root_id if known.is_awaited else None
            event = profile_event(request, after, known, now)
            if known.newest_request_id == after.request_id and after.state in TELLING:
                standing = consequence(after, known, as_planned(planning, after), now)
                question = question_about(after, question_id, now, at) if is_worth_asking(after) else None
        try:
            told = [outbox.put(event, at=at)] if event else []
            profiles.save(*(each for each in (after, question) if each), standing=standing, also=told)
        except ConcurrentChange:
            request = profiles.request(request.request_id) or request
            continue
        if after.state is not request.state:
            report(after)
        if event:
            outbox.wake(event.stream, event.event_id)
        return Settled(after, has_changed=True, question=question, awaited_by=awaited_by)
    raise ConcurrentChange(f"request {request.request_id} is being changed by too many at once")


def _is_telling(before: ProfileRequest, after: ProfileRequest) -> bool:
    """Say whether a change of a request may mean something for its session."""
    if after.kind is RequestKind.GET:
        return False
    return (after.state is not before.state and after.state in TELLING) or after.result is not before.result


def consequence(request: ProfileRequest, standing: Standing, planning: PlanningDefaults, now: datetime) -> Standing:
    """Return the session's standing after its newest request came into its present state. Pure."""
    match request.state:
        case RequestState.CHARGER_ACCEPTED:
            return replace(
                recovered(standing),
                limit_w_steps=limits_taken(request, standing, planning),
                override=None,
                is_unseen=request.profile is not None,
            )
        case RequestState.REJECTED if request.answer is not AnswerType.NOT_SUPPORTED:
            is_clear, is_grouped = request.kind is RequestKind.CLEAR, standing.root_id is not None
            return backed_off(standing, now, wakes=request.answer in PASSING or is_clear or is_grouped)
        case RequestState.UNKNOWN:
            return backed_off(standing, now, wakes=True)
    return standing


def is_worth_asking(request: ProfileRequest) -> bool:
    """Say whether the active profile can tell what became of a request: the CPO took it, and was heard."""
    return (
        request.kind is RequestKind.SET
        and request.state is RequestState.UNKNOWN
        and request.answer is AnswerType.ACCEPTED
    )


def question_about(request: ProfileRequest, question_id: str, now: datetime, at: datetime) -> ProfileRequest:
    """Return the GET that asks for the active profile, to compare with `request`'s."""
    return new_question(request.key, request.party, request.request_id, question_id, now, at)


def new_question(
    key: SessionKey, party: Party, about: str | None, question_id: str, now: datetime, at: datetime
) -> ProfileRequest:
    """Return a GET that asks for the active profile, to compare with that of the request `about`, if there is one."""
    return ProfileRequest(
        request_id=question_id,
        key=key,
        party=party,
        kind=RequestKind.GET,
        state=RequestState.REQUESTED,
        created_at=now,
        due_at=now + SENT_WITHIN,
        about=about,
        steps={Step.PLANNED: at},
    )


def report(request: ProfileRequest) -> None:
    """Log and count what became of a request."""
    logger.info(
        "profile_settled" if request.state is not RequestState.CPO_ACCEPTED else "profile_taken_by_cpo",
        request_id=request.request_id,
        partner_id=request.key.partner_id,
        session_id=request.key.session_id,
        kind=request.kind.value,
        state=request.state.value,
        detail=request.detail,
    )
    if request.kind is RequestKind.GET:
        return
    notice(request.key.partner_id, request.created_at, figures_of(request))
    match request.state:
        case RequestState.UNKNOWN:
            count("ProfilesUnknown")
        case RequestState.REJECTED:
            count("ProfilesRejected")
        case RequestState.CHARGER_ACCEPTED:
            count("ProfilesConfirmed")
            if Step.SENT in request.steps:
                took = request.steps[Step.CONFIRMED] - request.steps[Step.SENT]
                measure_ms("SentToConfirmed", took / timedelta(milliseconds=1))


def limits_taken(
    request: ProfileRequest, standing: Standing, planning: PlanningDefaults
) -> tuple[tuple[datetime, int], ...]:
    """Return what the charger took, as (from when, watts). Pure.

    What went before stays for a while: what the car drew then tells what it draws when it may draw all, and a profile
    that is replaced every few minutes would take that with it.
    """
    profile = request.profile
    if profile is None:
        return ()
    before = [step for step in standing.limit_w_steps if step[0] < profile.start_at][-STEPS_KEPT:]
    steps: list[tuple[datetime, int]] = []
    for period in profile.periods:
        limit_w = int(in_watts(period.limit, profile.unit, planning))
        steps.append((profile.start_at + timedelta(seconds=period.start_period_s), limit_w))
    taken = [*before, *steps]
    return tuple(step for place, step in enumerate(taken) if place == 0 or taken[place - 1][1] != step[1])

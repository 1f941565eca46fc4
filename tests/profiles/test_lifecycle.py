"""P1 to P5, P11: whatever order events come in, and however often, a request ends where the specification allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.profiles.lifecycle import answered, claimed, given_up, observed, resulted, superseded, to_be_retried
from offpeak.profiles.model import ProfileRequest, RequestState, Step
from tests.profiles.builders import REAL, a_request
from tests.sessions.builders import at

Event = tuple[str, Callable[[ProfileRequest], ProfileRequest]]

ANSWERS = {
    answer: (
        f"answer {answer}",
        lambda request, answer=answer: answered(request, answer, due_at=at(2), answered_at=REAL + timedelta(seconds=1)),
    )
    for answer in AnswerType
}
RESULTS = {
    result: (
        f"result {result}",
        lambda request, result=result: resulted(request, result, now=at(1), resulted_at=REAL + timedelta(seconds=2)),
    )
    for result in ResultType
}
TIME_OUT: Event = ("time-out", lambda request: given_up(request, detail="no result in time"))
SUPERSEDED: Event = ("superseded", lambda request: superseded(request, detail="superseded by request-2"))
OBSERVED: Event = ("observed", lambda request: observed(request, observed_at=REAL + timedelta(seconds=3)))
SENT: Event = (
    "sent",
    lambda request: (
        claimed(request, until=REAL + timedelta(seconds=10), due_at=at(1), sent_at=REAL)
        if request.state is RequestState.REQUESTED
        else request
    ),
)
RETRY: Event = ("retry", lambda request: to_be_retried(request, due_at=at(1), detail="no answer"))

EVENTS: list[Event] = [*ANSWERS.values(), *RESULTS.values(), TIME_OUT, SUPERSEDED, OBSERVED, SENT, RETRY]
histories = st.lists(st.sampled_from(EVENTS), max_size=12)


def after(*events: Event) -> ProfileRequest:
    request = a_request()
    for _, event in events:
        request = event(request)
    return request


def names(history: Sequence[Event]) -> list[str]:
    return [name for name, _ in history]


@given(histories)
def test_a_request_counts_as_taken_exactly_when_the_charger_said_so(history: list[Event]) -> None:
    """P3"""
    request = after(*history)
    definite = [name for name in names(history) if name in ("result ACCEPTED", "result REJECTED")]
    is_taken = request.state in (RequestState.CHARGER_ACCEPTED, RequestState.OBSERVED)
    assert is_taken <= (definite[:1] == ["result ACCEPTED"])
    if definite[:1] == ["result ACCEPTED"] and "superseded" not in names(history):
        assert is_taken


@given(histories, histories)
def test_a_superseded_request_stays_superseded(before: list[Event], later: list[Event]) -> None:
    """P11"""
    request = after(*before, SUPERSEDED)
    if request.state is RequestState.SUPERSEDED:
        assert after(*before, SUPERSEDED, *later).state is RequestState.SUPERSEDED
        assert request.due_at is None


@given(histories, st.sampled_from(EVENTS))
def test_an_event_that_comes_twice_has_no_second_effect(history: list[Event], event: Event) -> None:
    """P5"""
    name, happen = event
    once = after(*history, event)
    twice = happen(once)
    if name == "sent":
        twice = replace(twice, attempts=once.attempts)  # sending again is counted; nothing else may differ
    assert twice == once


@given(histories)
def test_the_time_of_each_step_is_kept_once_and_never_moves(history: list[Event]) -> None:
    request = a_request()
    for _, event in history:
        following = event(request)
        assert following.steps.items() >= request.steps.items()
        request = following


@given(histories)
def test_something_is_due_as_long_as_something_is_awaited_and_no_longer(history: list[Event]) -> None:
    request = after(*history)
    is_awaited = request.state in (RequestState.REQUESTED, RequestState.CPO_ACCEPTED)
    assert (request.due_at is not None) == is_awaited


@given(histories)
def test_only_a_taken_profile_is_observed(history: list[Event]) -> None:
    before, now = after(*history), after(*history, OBSERVED)
    was_taken = before.state in (RequestState.CHARGER_ACCEPTED, RequestState.OBSERVED)
    assert (now.state is RequestState.OBSERVED) == was_taken


@pytest.mark.parametrize(
    "order", list(permutations([SENT, ANSWERS[AnswerType.ACCEPTED], RESULTS[ResultType.ACCEPTED]])), ids=names
)
def test_answer_and_result_come_to_the_same_in_any_order(order: tuple[Event, ...]) -> None:
    """P2"""
    request = after(*order)
    assert request.state is RequestState.CHARGER_ACCEPTED
    assert request.steps[Step.CONFIRMED] == REAL + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ([], RequestState.REQUESTED),
        ([ANSWERS[AnswerType.ACCEPTED]], RequestState.CPO_ACCEPTED),
        ([ANSWERS[AnswerType.NOT_SUPPORTED]], RequestState.REJECTED),
        ([ANSWERS[AnswerType.TOO_OFTEN]], RequestState.REJECTED),
        ([ANSWERS[AnswerType.ACCEPTED], ANSWERS[AnswerType.TOO_OFTEN]], RequestState.CPO_ACCEPTED),
        ([ANSWERS[AnswerType.ACCEPTED], RESULTS[ResultType.REJECTED]], RequestState.REJECTED),
        ([ANSWERS[AnswerType.ACCEPTED], RESULTS[ResultType.UNKNOWN]], RequestState.UNKNOWN),
        ([RESULTS[ResultType.UNKNOWN], ANSWERS[AnswerType.ACCEPTED]], RequestState.UNKNOWN),
        ([ANSWERS[AnswerType.ACCEPTED], TIME_OUT], RequestState.UNKNOWN),
        ([ANSWERS[AnswerType.ACCEPTED], TIME_OUT, RESULTS[ResultType.ACCEPTED]], RequestState.CHARGER_ACCEPTED),
        ([ANSWERS[AnswerType.ACCEPTED], TIME_OUT, RESULTS[ResultType.REJECTED]], RequestState.REJECTED),
        ([RESULTS[ResultType.UNKNOWN], RESULTS[ResultType.ACCEPTED]], RequestState.CHARGER_ACCEPTED),
        ([TIME_OUT, ANSWERS[AnswerType.ACCEPTED]], RequestState.CPO_ACCEPTED),
        ([ANSWERS[AnswerType.TOO_OFTEN], RESULTS[ResultType.ACCEPTED]], RequestState.CHARGER_ACCEPTED),
        ([RESULTS[ResultType.ACCEPTED], RESULTS[ResultType.REJECTED]], RequestState.CHARGER_ACCEPTED),
        ([RESULTS[ResultType.ACCEPTED], OBSERVED], RequestState.OBSERVED),
        ([RESULTS[ResultType.ACCEPTED], OBSERVED, TIME_OUT], RequestState.OBSERVED),
        ([ANSWERS[AnswerType.ACCEPTED], SUPERSEDED], RequestState.SUPERSEDED),
        ([ANSWERS[AnswerType.ACCEPTED], TIME_OUT, SUPERSEDED], RequestState.SUPERSEDED),
        ([RESULTS[ResultType.ACCEPTED], SUPERSEDED], RequestState.CHARGER_ACCEPTED),
    ],
    ids=lambda value: ", ".join(names(value)) if isinstance(value, list) else "",
)
def test_each_history_ends_in_its_state(history: list[Event], state: RequestState) -> None:
    """P3, P4, P5, P11"""
    assert after(*history).state is state


def test_a_superseded_request_notes_what_became_of_it() -> None:
    request = after(SENT, SUPERSEDED, RESULTS[ResultType.ACCEPTED])
    assert request.result is ResultType.ACCEPTED
    assert Step.CONFIRMED in request.steps


def test_a_claim_outlives_superseding_but_not_the_end_of_the_call() -> None:
    assert after(SENT, SUPERSEDED).claimed_until is not None
    assert after(SENT, SUPERSEDED, ANSWERS[AnswerType.ACCEPTED]).claimed_until is None
    assert after(SENT, SUPERSEDED, RETRY).claimed_until is None


def test_a_refusal_says_what_it_was() -> None:
    assert after(ANSWERS[AnswerType.NOT_SUPPORTED]).detail == "NOT_SUPPORTED"

"""What a CPO answers to a charging profile, and what its charger says in the end, in every order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.cpo import Answer, Result, ResultComes
from local.cpo.wire import write_instant
from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.profiles.model import RequestState, Step
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING, PROFILES

ACCEPTED, REJECTED = {"result": "ACCEPTED"}, {"result": "REJECTED"}


def response_url(partner: Partner, session_id: str, call: int = 0) -> str:
    return str(partner.profile_calls(session_id)[call].response_url)


def tell(partner: Partner, kwh: float, minutes: int) -> None:
    """Tell of the session S1 that it has so much already: it needs less, so its plan changes."""
    told_at = write_instant(EVENING + timedelta(minutes=minutes))
    assert partner.patch("S1", kwh=kwh, last_updated=told_at).codes == (200, 1000)


def test_a_result_that_overtakes_its_answer_counts(scene: Scene) -> None:
    """P2"""
    partner = scene.partner()
    partner.misbehave(result_comes=ResultComes.BEFORE_ANSWER)
    partner.plug_in("S1")
    scene.settle()
    request = partner.newest("S1")
    assert (request.state, request.answer) == (RequestState.CHARGER_ACCEPTED, AnswerType.ACCEPTED)
    assert request.steps[Step.SENT] < request.steps[Step.CONFIRMED] < request.steps[Step.ANSWERED]
    assert partner.profile_calls("S1")[0].result_statuses == [200]


def test_a_refusal_that_overtakes_its_answer_counts_too(scene: Scene) -> None:
    """P2, P3"""
    partner = scene.partner()
    partner.misbehave(result_comes=ResultComes.BEFORE_ANSWER, result=Result.REJECTED)
    partner.plug_in("S1")
    scene.settle()
    assert partner.newest("S1").state is RequestState.REJECTED


def test_a_repeated_result_is_taken_and_has_no_second_effect(scene: Scene) -> None:
    """P5"""
    partner = scene.partner()
    partner.misbehave(result_times=3)
    partner.plug_in("S1")
    scene.settle()
    confirmed = partner.newest("S1")
    assert partner.profile_calls("S1")[0].result_statuses == [200, 200, 200]
    assert partner.ask("POST", response_url(partner, "S1"), REJECTED).codes == (200, 1000)
    assert partner.newest("S1") == confirmed


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        ({"answer": Answer.NOT_SUPPORTED}, AnswerType.NOT_SUPPORTED),
        ({"answer": Answer.REJECTED}, AnswerType.REJECTED),
        ({"answer": Answer.TOO_OFTEN}, AnswerType.TOO_OFTEN),
        ({"http_status": 429}, AnswerType.TOO_OFTEN),
        ({"answer": Answer.UNKNOWN_SESSION}, AnswerType.UNKNOWN_SESSION),
        ({"http_status": 404}, AnswerType.UNKNOWN_SESSION),
        ({"http_status": 400}, AnswerType.REJECTED),
    ],
    ids=str,
)
def test_a_refusal_at_once_is_the_end_of_a_request(scene: Scene, how: dict[str, Any], answer: AnswerType) -> None:
    """P3, P10: in OCPI's words and in HTTP's."""
    partner = scene.partner()
    partner.misbehave(**how)
    partner.plug_in("S1")
    scene.settle()
    request = partner.newest("S1")
    assert (request.state, request.answer, request.attempts) == (RequestState.REJECTED, answer, 1)
    assert len(partner.profile_calls("S1")) == 1


@pytest.mark.parametrize("result", [Result.REJECTED, Result.UNKNOWN])
def test_a_charger_that_does_not_take_a_profile_is_seen(scene: Scene, result: Result) -> None:
    """P3: what the CPO understood, the charger may still refuse."""
    partner = scene.partner()
    partner.misbehave(result=result, calls=1)
    partner.plug_in("S1")
    scene.settle()
    request = partner.newest("S1")
    assert request.answer is AnswerType.ACCEPTED
    assert request.result is ResultType(result.value)
    assert request.state is (RequestState.REJECTED if result is Result.REJECTED else RequestState.UNKNOWN)


def test_a_charger_asked_too_often_is_left_alone_longer_each_time(scene: Scene) -> None:
    """P10"""
    partner = scene.partner()
    partner.misbehave(answer=Answer.TOO_OFTEN)
    partner.plug_in("S1")
    scene.settle()
    assert partner.standing("S1").backoff_until == EVENING + timedelta(minutes=1)

    scene.later(seconds=30)
    tell(partner, kwh=10, minutes=1)
    scene.sweep()
    assert len(partner.profile_calls("S1")) == 1, "the charger is left alone"

    scene.later(seconds=31)
    scene.sweep()
    assert len(partner.profile_calls("S1")) == 2, "it is tried again without any further cause"
    assert partner.standing("S1").backoff_until == scene.now + timedelta(minutes=2)

    partner.misbehave()
    scene.later(minutes=2)
    scene.sweep()
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED
    assert partner.standing("S1").backoff_until is None


def test_a_charger_that_cannot_do_it_is_not_asked_again(scene: Scene) -> None:
    """P10, P12"""
    partner = scene.partner()
    partner.misbehave(answer=Answer.NOT_SUPPORTED)
    partner.plug_in("S1")
    scene.settle()
    tell(partner, kwh=10, minutes=5)
    scene.later(minutes=10)
    scene.sweep()
    assert len(partner.profile_calls("S1")) == 1


def test_a_result_that_does_not_come_in_time_is_unknown_and_asked_about(scene: Scene) -> None:
    """P4: the active profile tells what the charger has."""
    partner = scene.partner()
    partner.misbehave(result_comes=ResultComes.NEVER, calls=1)
    partner.plug_in("S1")
    scene.settle()
    assert partner.newest("S1").state is RequestState.CPO_ACCEPTED
    scene.later(seconds=29)
    scene.sweep()
    assert partner.newest("S1").state is RequestState.CPO_ACCEPTED, "its 30 s are not over"

    scene.later(seconds=2)
    scene.sweep()
    assert len(partner.profile_calls("S1", "get")) == 1
    request = partner.newest("S1")
    assert request.state is RequestState.CHARGER_ACCEPTED
    assert len(partner.profile_calls("S1", "set")) == 1, "what the charger has is not sent again"


def test_what_stays_unknown_is_shown_and_sent_again_and_a_late_result_counts(scene: Scene) -> None:
    """P4"""
    partner = scene.partner()
    partner.misbehave(result_comes=ResultComes.NEVER)
    partner.plug_in("S1")
    scene.settle()
    scene.later(seconds=31)
    scene.sweep()
    request = partner.newest("S1")
    assert (request.state, request.detail) == (RequestState.UNKNOWN, "no result in time")

    assert partner.ask("POST", response_url(partner, "S1"), ACCEPTED).codes == (200, 1000)
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED


def test_the_newest_request_of_a_session_wins(scene: Scene) -> None:
    """P11"""
    partner = scene.partner()
    partner.misbehave(result_comes=ResultComes.NEVER, calls=1)
    partner.plug_in("S1")
    scene.settle()
    first = partner.newest("S1")
    tell(partner, kwh=10, minutes=5)
    scene.settle()
    second = partner.newest("S1")
    assert second.request_id != first.request_id
    assert second.state is RequestState.CHARGER_ACCEPTED

    assert partner.ask("POST", response_url(partner, "S1"), REJECTED).codes == (200, 1000)
    assert partner.newest("S1") == second
    before, after = partner.requests("S1")
    assert (before.state, after.state) == (RequestState.SUPERSEDED, RequestState.CHARGER_ACCEPTED)


def test_an_active_profile_that_is_not_ours_shows_as_overridden_and_is_replaced(scene: Scene) -> None:
    """P9: pushed, verified by a GET, then ours is sent again."""
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    partner.cpo.override("S1", current_a=16)
    scene.settle()
    override = partner.standing("S1").override
    assert override is not None
    assert override.verified
    assert override.what.startswith("16 A instead of 0 W")
    assert len(partner.profile_calls("S1", "get")) == 1

    scene.sweep()
    assert len(partner.profile_calls("S1", "set")) == 2
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED
    assert partner.standing("S1").override is None
    assert partner.cpo.state("S1").limit_w == 0


def test_an_active_profile_that_is_ours_changes_nothing(scene: Scene) -> None:
    """P9"""
    partner = scene.partner(cpo={"announces_active_profile": True})
    partner.plug_in("S1")
    scene.settle()
    assert partner.standing("S1").override is None
    assert partner.profile_calls("S1", "get") == []


def test_a_tighter_limit_on_top_of_ours_is_shown_and_left_alone(scene: Scene) -> None:
    """P9: a new plan only when that makes sense."""
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    partner.cpo.override("S1", current_a=0)
    scene.settle()
    override = partner.standing("S1").override
    assert override is not None
    assert override.verified
    scene.later(minutes=20)
    scene.sweep()
    assert len(partner.profile_calls("S1", "set")) == 1


def test_an_active_profile_of_a_session_that_is_not_known_is_not_found(scene: Scene) -> None:
    """P9"""
    partner = scene.partner()
    period = {"start_period": 0, "limit": 16}
    profile = {"charging_rate_unit": "A", "charging_profile_period": [period]}
    body = {"start_date_time": write_instant(EVENING), "charging_profile": profile}
    assert partner.ask("PUT", f"{PROFILES}/nobody", body).codes == (404, 2000)


def test_a_session_that_ends_awaits_nothing(scene: Scene) -> None:
    """P12"""
    partner = scene.partner()
    partner.misbehave(result_comes=ResultComes.NEVER)
    partner.plug_in("S1")
    scene.settle()
    told_at = write_instant(EVENING + timedelta(minutes=5))
    partner.patch("S1", status="COMPLETED", end_date_time=told_at, last_updated=told_at)
    scene.settle()
    assert partner.newest("S1").state is RequestState.SUPERSEDED
    scene.later(minutes=5)
    scene.sweep()
    assert len(partner.cpo.profile_calls) == 1


def test_a_session_id_of_any_characters_reaches_the_charger(scene: Scene) -> None:
    """P6: percent-encoded in both directions."""
    partner = scene.partner()
    odd = "A b+c*d@e:~(é)"
    partner.plug_in(odd)
    scene.settle()
    assert [each.session_id for each in partner.cpo.profile_calls] == [odd]
    assert partner.newest(odd).state is RequestState.CHARGER_ACCEPTED

from __future__ import annotations

import time

import httpx
import pytest

from local.cpo import Answer, Misbehaviour, Result, ResultComes
from tests.local.cpo_scene import EVENING, after, registered_cpo, visit
from tests.local.fake_offpeak import FULL_POWER, FakeOffpeak

PAUSE = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 0}]}


def told(offpeak: FakeOffpeak, session_id: str = "S1") -> list[str]:
    """Method and minute of every message about a session, in order of arrival."""
    return [f"{call.method} {call.body['last_updated'][14:19]}" for call in offpeak.session_messages(session_id)]


IN_ORDER = ["PUT 00:00", "PATCH 00:10", "PATCH 05:10", "PATCH 10:10", "PATCH 14:00"]


@pytest.mark.parametrize(
    ("wrong", "arrived"),
    [
        (Misbehaviour(), IN_ORDER),
        (Misbehaviour(lost=1), []),
        (Misbehaviour(duplicated=1), [each for each in IN_ORDER for _ in range(2)]),
        (Misbehaviour(reordered=1), ["PATCH 00:10", "PUT 00:00", "PATCH 10:10", "PATCH 05:10", "PATCH 14:00"]),
    ],
)
def test_pushes_are_lost_duplicated_and_reordered_on_demand(wrong: Misbehaviour, arrived: list[str]) -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(wrong)
        cpo.plug_in(visit(leaves_min=14))
        for minutes in range(0, 16, 3):
            cpo.advance(after(minutes))
        assert told(offpeak) == arrived
        assert len(cpo.log("S1").pushes) == max(len(arrived), 5)


def test_lost_pushes_are_in_the_log() -> None:
    with registered_cpo() as (cpo, _):
        cpo.misbehave(Misbehaviour(lost=1))
        cpo.plug_in(visit())
        assert cpo.advance(EVENING).pushed == 0
        (push,) = cpo.log("S1").pushes
        assert (push.sent_at, push.problem) == (None, "lost on purpose")


def test_late_pushes_arrive_after_newer_ones() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit(leaves_min=14))
        cpo.misbehave(Misbehaviour(late=1, late_by_s=900))
        cpo.advance(after(1))
        assert told(offpeak) == []
        cpo.misbehave(Misbehaviour())
        cpo.advance(after(14))
        assert told(offpeak) == ["PATCH 05:10", "PATCH 10:10", "PATCH 14:00"]
        cpo.advance(after(16))
        assert told(offpeak)[-2:] == ["PUT 00:00", "PATCH 00:10"]


def test_chances_are_the_same_for_the_same_seed() -> None:
    def arrived() -> list[str]:
        with registered_cpo() as (cpo, offpeak):
            cpo.misbehave(Misbehaviour(lost=0.3, duplicated=0.3, reordered=0.3, late=0.3))
            cpo.plug_in(visit(leaves_min=60))
            cpo.advance(after(120))
            return told(offpeak)

    first = arrived()
    assert first == arrived()
    assert len(first) > 5
    assert first != sorted(first, key=lambda each: each.split()[1])


def test_one_session_misbehaves_while_the_others_do_not() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(lost=1, answer=Answer.REJECTED), session_id="bad")
        cpo.plug_in(visit("BAD"), visit("GOOD"))
        cpo.advance(EVENING)
        assert (told(offpeak, "BAD"), told(offpeak, "GOOD")) == ([], ["PUT 00:00"])
        assert offpeak.set_profile("BAD", FULL_POWER).json()["data"]["result"] == "REJECTED"
        assert offpeak.set_profile("GOOD", FULL_POWER).json()["data"]["result"] == "ACCEPTED"


@pytest.mark.parametrize("answer", ["REJECTED", "NOT_SUPPORTED", "UNKNOWN_SESSION", "TOO_OFTEN"])
def test_a_refusing_answer_has_no_result_and_no_effect(answer: str) -> None:
    """P3, P10"""
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(answer=Answer(answer)))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        assert offpeak.set_profile("S1", PAUSE).json()["data"] == {"result": answer, "timeout": 0}
        cpo.settle()
        assert offpeak.results() == []
        assert cpo.state("S1").power_w > 0


def test_profiles_that_come_too_often_are_refused_until_time_has_passed() -> None:
    """P10"""
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(too_often_within_s=300))
        cpo.plug_in(visit())
        cpo.advance(EVENING)

        def answer() -> object:
            return offpeak.set_profile("S1", FULL_POWER).json()["data"]["result"]

        assert [answer(), answer()] == ["ACCEPTED", "TOO_OFTEN"]
        cpo.advance(after(5))
        assert answer() == "ACCEPTED"


@pytest.mark.parametrize(("http_status", "ocpi_status"), [(500, 3000), (503, 3000), (404, 2000)])
def test_an_http_error_has_no_effect(http_status: int, ocpi_status: int) -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(http_status=http_status))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        answer = offpeak.set_profile("S1", PAUSE)
        assert (answer.status_code, answer.json()["status_code"]) == (http_status, ocpi_status)
        cpo.settle()
        assert offpeak.results() == []
        assert cpo.state("S1").power_w > 0


def test_silence_lasts_until_the_caller_gives_up_and_delays_nobody_else() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(silent=True), session_id="S1")
        cpo.plug_in(visit("S1"), visit("S2"))
        cpo.advance(EVENING)
        began_s = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            offpeak.set_profile("S1", PAUSE, timeout_s=0.3)
        assert time.monotonic() - began_s >= 0.3
        assert offpeak.set_profile("S2", FULL_POWER, timeout_s=0.3).status_code == 200
        assert [call.answer for call in cpo.profile_calls] == [None, Answer.ACCEPTED]
        assert cpo.state("S1").power_w > 0


def test_a_simulator_with_silent_calls_in_flight_can_be_stopped() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(silent=True))
        with pytest.raises(httpx.ReadTimeout):
            offpeak.set_profile("S1", PAUSE, timeout_s=0.1)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 3


def test_a_slow_answer_takes_effect_though_nobody_waits_for_it() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(slow_s=0.3))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        with pytest.raises(httpx.ReadTimeout):
            offpeak.set_profile("S1", PAUSE, timeout_s=0.1)
        offpeak.wait_for(offpeak.results)
        assert offpeak.results() == [{"result": "ACCEPTED"}]
        assert cpo.state("S1").power_w == 0


def test_the_result_comes_after_the_answer_or_on_demand_before_it() -> None:
    """P2"""
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(result_comes=ResultComes.BEFORE_ANSWER))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        offpeak.set_profile("S1", FULL_POWER)
        assert offpeak.events[-2:] == ["result", "answer"]


def test_no_result_ever_comes_on_demand() -> None:
    """P4"""
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(result_comes=ResultComes.NEVER))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        assert offpeak.set_profile("S1", FULL_POWER).json()["data"]["result"] == "ACCEPTED"
        cpo.settle()
        cpo.advance(after(600))
        assert offpeak.results() == []


def test_a_late_result_comes_in_simulated_time() -> None:
    """P4"""
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(result_comes=ResultComes.LATE, result_late_by_s=300))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        offpeak.set_profile("S1", FULL_POWER)
        cpo.advance(after(4))
        assert offpeak.results() == []
        cpo.advance(after(5))
        assert offpeak.results() == [{"result": "ACCEPTED"}]


@pytest.mark.parametrize("result", ["REJECTED", "UNKNOWN"])
def test_a_charger_that_refuses_says_so_in_the_result_and_goes_on_as_before(result: str) -> None:
    """P3"""
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(result=Result(result)))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        assert offpeak.set_profile("S1", PAUSE).json()["data"]["result"] == "ACCEPTED"
        cpo.settle()
        assert offpeak.results() == [{"result": result}]
        assert cpo.state("S1").power_w > 0


def test_results_are_repeated_on_demand() -> None:
    """P5"""
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(result_times=3))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        offpeak.set_profile("S1", FULL_POWER)
        cpo.settle()
        assert offpeak.results() == [{"result": "ACCEPTED"}] * 3


def test_a_charger_that_ignores_its_limit_claims_it_and_draws_on() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(ignores_limit=True))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        offpeak.set_profile("S1", PAUSE)
        cpo.advance(after(10))
        state = cpo.state("S1")
        assert (state.limit_w, round(state.power_w)) == (0, 11_040)
        cpo.misbehave(Misbehaviour())
        cpo.advance(after(11))
        assert cpo.state("S1").power_w == 0


def test_a_charger_that_overrides_applies_and_pushes_its_own_profile() -> None:
    """P9"""
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(overrides_with_a=10))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        offpeak.set_profile("S1", PAUSE)
        cpo.settle()
        assert offpeak.results() == [{"result": "ACCEPTED"}]
        (pushed,) = offpeak.active_profiles("S1")
        assert pushed["charging_profile"]["charging_profile_period"] == [{"start_period": 0, "limit": 10.0}]
        cpo.advance(after(1))
        assert cpo.state("S1").power_w == 6900


def test_a_charger_overrides_at_any_time() -> None:
    """P9"""
    with registered_cpo() as (cpo, offpeak):
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        cpo.override("S1", 6)
        assert len(offpeak.active_profiles("S1")) == 1
        assert cpo.state("S1").power_w == 4140
        with pytest.raises(KeyError):
            cpo.override("S2", 6)


def test_misbehaviour_can_end_after_some_calls() -> None:
    with registered_cpo() as (cpo, offpeak):
        cpo.misbehave(Misbehaviour(http_status=503, calls=2))
        cpo.plug_in(visit())
        cpo.advance(EVENING)
        assert [offpeak.set_profile("S1", FULL_POWER).status_code for _ in range(3)] == [503, 503, 200]


def test_a_share_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="late: is a share from 0 to 1"):
        Misbehaviour(late=1.5)

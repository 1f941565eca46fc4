"""Sending over real HTTP: every answer, silence, crashes of order, and nothing sent twice for nothing."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from offpeak.partners.gates import Admitted, Deferred, Gates
from offpeak.partners.model import Endpoint, Flags, PartnerStatus
from offpeak.profiles.control_path import response_url
from offpeak.profiles.model import RequestKind, RequestState, Step
from offpeak.profiles.settle import question_about
from offpeak.sessions.model import SessionKey
from tests.profiles.builders import a_request
from tests.profiles.cpo import ACCEPTED, DOWN, Call, Says, says
from tests.profiles.world import BASE_URL, REAL_START, World
from tests.sessions.builders import KEY, a_patch, a_put


def planned(world: World) -> str:
    """Have a request that waits to be sent; return its id."""
    world.receive()
    world.plan()
    return world.newest.request_id


def test_a_profile_goes_out_as_the_specification_says(world: World) -> None:
    """P1, P6, P7, T3, T4"""
    request_id = planned(world)
    world.send(request_id)
    (call,) = world.cpo.calls
    assert (call.method, call.path) == ("PUT", "/ocpi/cpo/2.2.1/chargingprofiles/S-1")
    assert call.body == {
        "charging_profile": {
            "start_date_time": "2026-01-15T17:00:00.000Z",
            "charging_rate_unit": "W",
            "charging_profile_period": [{"start_period": 0, "limit": 0}, {"start_period": 28800, "limit": 11040}],
        },
        "response_url": f"{BASE_URL}/ocpi/emsp/2.2.1/chargingprofiles/results/set/{request_id}",
    }
    assert call.headers["OCPI-to-party-id"] == "EXA"
    assert call.headers["OCPI-from-party-id"] == "OFP"
    assert call.headers["X-Request-ID"] != call.headers["X-Correlation-ID"]
    assert call.headers["Authorization"] == "Token dG9rZW4tYg=="


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_endpoint_may_end_in_a_slash_and_ids_are_percent_encoded(world: World, slash: str) -> None:
    """P6"""
    endpoint = Endpoint("chargingprofiles", "RECEIVER", world.cpo.url + slash)
    world.change_partner(endpoints=(endpoint,))
    key = SessionKey(KEY.partner_id, "S/1 %é")
    world.receive(replace(a_put(0), key=key))
    world.deliver()
    (call,) = world.cpo.calls
    assert call.path == "/ocpi/cpo/2.2.1/chargingprofiles/S%2F1%20%25%C3%A9"


def test_the_response_url_fits() -> None:
    """T15"""
    longest = "https://" + "a" * 160
    request = a_request(kind=RequestKind.CLEAR, request_id="x" * 32)
    assert len(response_url(longest, request, "2.2.1")) <= 255


def test_the_active_profile_is_asked_for_and_a_profile_is_cleared(world: World) -> None:
    """P6"""
    world.send(planned(world))
    question = question_about(world.newest, "question", world.now, world.real_now)
    clear = replace(question, kind=RequestKind.CLEAR, request_id="clear", about=None)
    for each in (question, clear):
        world.profiles.save(each)
        world.send(each.request_id)
    get, delete = world.cpo.calls[1:]
    assert get.path.startswith("/ocpi/cpo/2.2.1/chargingprofiles/S-1?duration=86400&response_url=https%3A%2F%2F")
    assert get.response_url.endswith("/results/get/question")
    assert (delete.method, delete.response_url.endswith("/results/clear/clear")) == ("DELETE", True)


def test_an_accepted_profile_waits_for_its_result_as_long_as_the_cpo_says(world: World) -> None:
    """P3, P4"""
    world.send(planned(world))
    assert world.newest.state is RequestState.CPO_ACCEPTED
    assert world.newest.due_at == world.now + timedelta(seconds=30)
    assert world.newest.steps.keys() == {Step.RECEIVED, Step.PLANNED, Step.SENT, Step.ANSWERED}


def test_without_a_time_out_the_partner_s_default_counts(world: World) -> None:
    """P4"""
    world.change_partner(flags=Flags(profile_timeout_s=90))
    world.cpo.answer = says("ACCEPTED", timeout=0)
    world.send(planned(world))
    assert world.newest.due_at == world.now + timedelta(seconds=90)


@pytest.mark.parametrize("answer", ["REJECTED", "NOT_SUPPORTED"])
def test_a_refusal_stops_and_shows_why(world: World, answer: str) -> None:
    """P3"""
    world.cpo.answer = says(answer)
    world.send(planned(world))
    assert (world.newest.state, world.newest.detail) == (RequestState.REJECTED, answer)
    world.pass_time(hours=1)
    world.sweep()
    world.deliver()
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.plan()
    world.deliver()
    assert len(world.cpo.calls) == 1


@pytest.mark.parametrize(
    "refusal",
    [says("TOO_OFTEN"), says("UNKNOWN_SESSION"), Says(http_status=404, ocpi_status=2001), Says(http_status=429)],
    ids=["TOO_OFTEN", "UNKNOWN_SESSION", "404", "429"],
)
def test_a_passing_refusal_is_tried_again_after_a_while_that_doubles(world: World, refusal: Says) -> None:
    """P10"""
    world.cpo.answer = refusal
    world.send(planned(world))
    waits = []
    for _ in range(7):
        assert world.newest.state is RequestState.REJECTED
        until = world.standing.backoff_until
        assert until is not None
        waits.append((until - world.now) / timedelta(minutes=1))
        world.receive(a_patch(len(waits), kwh=world.sessions.known(KEY).session.kwh + 1))  # type: ignore[union-attr]
        calls = len(world.cpo.calls)
        world.deliver()
        assert len(world.cpo.calls) == calls, "the EVSE was not left alone"
        world.now = world.real_now = until
        world.sweep()
        world.deliver()
        assert len(world.cpo.calls) == calls + 1
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    world.cpo.answer = ACCEPTED
    world.pass_time(minutes=31)
    world.sweep()
    world.deliver()
    world.results()
    assert world.newest.state is RequestState.CHARGER_ACCEPTED
    assert (world.standing.backoff_until, world.standing.backoff_steps) == (None, 0)


def give_up(world: World) -> str:
    """Send until nobody tries any more; return the request's id."""
    request_id = planned(world)
    while world.request(request_id).state is RequestState.REQUESTED:
        world.deliver()
        world.pass_time(seconds=1)
        assert world.real_now < REAL_START + timedelta(minutes=2)
    return request_id


@pytest.mark.parametrize("trouble", [DOWN, Says(ocpi_status=3000)], ids=["HTTP 503", "OCPI 3000"])
def test_a_cpo_in_trouble_is_tried_a_few_times_and_then_the_state_is_unknown(world: World, trouble: Says) -> None:
    world.cpo.answer = trouble
    request = world.request(give_up(world))
    assert (request.state, request.attempts) == (RequestState.UNKNOWN, 4)
    assert str(trouble.http_status if trouble is DOWN else trouble.ocpi_status) in str(request.detail)


def test_a_refused_connection_is_trouble_too(world: World) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    world.change_partner(endpoints=(Endpoint("chargingprofiles", "RECEIVER", nobody),))
    assert world.request(give_up(world)).attempts == 4


def test_a_profile_that_was_given_up_is_sent_again_when_its_time_has_come(world: World) -> None:
    world.cpo.answer = DOWN
    give_up(world)
    world.cpo.answer = ACCEPTED
    world.pass_time(minutes=1)
    world.sweep()
    world.deliver()
    world.results()
    assert world.newest.state is RequestState.CHARGER_ACCEPTED


def test_a_silent_cpo_is_given_three_seconds(world: World) -> None:
    world.cpo.answer = Says({"result": "ACCEPTED", "timeout": 30}, after_s=20)
    request_id = planned(world)
    world.send(request_id)
    assert world.request(request_id).state is RequestState.REQUESTED
    assert "3 s" in str(world.request(request_id).detail)
    assert world.waiting("send")[-1] == {"request_id": request_id}


def test_an_answer_that_nobody_understands_leaves_the_state_unknown(world: World) -> None:
    world.cpo.answer = Says({"result": "SURE"})
    world.send(planned(world))
    assert world.newest.state is RequestState.UNKNOWN


def test_a_cpo_that_explains_itself_at_length_is_understood_like_any_other(world: World) -> None:
    world.cpo.answer = Says({"result": "REJECTED"}, ocpi_status=2000, message="no" * 300_000)
    world.receive()
    world.deliver()
    assert world.newest.state is RequestState.REJECTED
    assert "nono" in (world.newest.detail or "")
    assert len(world.newest.detail or "") < 400


def test_the_circuit_breaker_spares_a_broken_cpo(world: World) -> None:
    world.cpo.answer = DOWN
    keys = [SessionKey(KEY.partner_id, f"S-{number}") for number in range(20)]
    for key in keys:
        world.receive(replace(a_put(0), key=key))
    world.deliver()
    assert len(world.cpo.calls) == 5
    assert len(world.waiting("send")) == 20, "all wait"
    world.cpo.answer = ACCEPTED
    for _ in range(180):
        world.pass_time(seconds=1)
        world.deliver()
    assert {call.session_id for call in world.cpo.calls} == {key.session_id for key in keys}
    assert len(world.cpo.profiles) == 20


def test_a_result_may_come_before_the_answer(world: World) -> None:
    """P2"""

    def result_first(call: Call) -> None:
        world.result(call.response_url, {"result": "ACCEPTED"})

    world.cpo.answer = replace(ACCEPTED, before=result_first)
    world.send(planned(world))
    assert world.newest.state is RequestState.CHARGER_ACCEPTED
    assert world.newest.steps.keys() >= {Step.SENT, Step.ANSWERED, Step.CONFIRMED}
    assert world.newest.claimed_until is None
    assert world.standing.limit_w_steps[0][1] == 0


def test_the_same_message_twice_sends_once(world: World) -> None:
    request_id = planned(world)
    world.send(request_id)
    world.send(request_id)
    assert len(world.cpo.calls) == 1


def test_two_senders_of_one_request_at_the_same_moment_call_once(world: World) -> None:
    request_id = planned(world)
    world.cpo.answer = replace(ACCEPTED, after_s=0.2)
    senders = [Thread(target=world.send, args=(request_id,)) for _ in range(4)]
    for each in senders:
        each.start()
    for each in senders:
        each.join()
    assert len(world.cpo.calls) == 1


def test_who_comes_too_late_for_a_request_keeps_no_place_at_the_gate(world: World) -> None:
    request_id = planned(world)

    class SlowGates(Gates):
        """Somebody else changes the request while its sender waits at the gate."""

        def enter(self, *arguments: Any) -> Admitted | Deferred:
            place = super().enter(*arguments)
            world.profiles.save(world.request(request_id))
            return place

    world.gates = SlowGates(world.partners._table)
    world.send(request_id)
    assert world.cpo.calls == []
    now_s = world.real_now.timestamp()
    assert isinstance(Gates(world.partners._table).enter(KEY.partner_id, 1, "next", now_s), Admitted)


def test_a_superseded_request_is_not_sent(world: World) -> None:
    """P11"""
    first = planned(world)
    world.prices.cheap_hours = {20, 21, 22}
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.plan()
    world.send(first)
    assert world.cpo.calls == []


def test_a_newer_profile_does_not_overtake_the_older_one_that_is_on_its_way(world: World) -> None:
    """P11: two calls in flight could arrive in the wrong order, and the older profile win."""
    newer: list[str] = []

    def plan_anew(_: Call) -> None:
        world.prices.cheap_hours = {20, 21, 22}
        world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
        world.plan()
        newer.append(world.newest.request_id)
        world.send(newer[0])

    world.cpo.next_answers = [replace(ACCEPTED, before=plan_anew)]
    older = planned(world)
    world.send(older)
    assert len(world.cpo.calls) == 1, "the newer one waited"
    assert world.request(older).state is RequestState.SUPERSEDED
    world.pass_time(seconds=3)
    world.deliver()
    assert [call.response_url.rsplit("/", 1)[1] for call in world.cpo.calls] == [older, *newer]


def test_a_profile_that_waited_too_long_is_planned_anew_instead_of_sent(world: World) -> None:
    request_id = planned(world)
    world.messages.clear()
    world.pass_time(minutes=11)
    world.send(request_id)
    assert world.cpo.calls == []
    world.deliver()
    assert len(world.cpo.calls) == 1
    assert world.request(request_id).state is RequestState.SUPERSEDED
    assert world.newest.state is RequestState.CPO_ACCEPTED


def test_a_request_of_a_session_that_is_over_is_not_sent(world: World) -> None:
    request_id = planned(world)
    world.receive(a_patch(5, status="COMPLETED"))
    world.messages.clear()
    world.pass_time(minutes=11)
    world.send(request_id)
    assert world.cpo.calls == []
    assert world.request(request_id).state is RequestState.SUPERSEDED


@pytest.mark.parametrize("change", [{"status": PartnerStatus.LEFT}, {"suspended_at": REAL_START}])
def test_a_partner_that_has_left_or_is_suspended_is_not_called(world: World, change: dict[str, Any]) -> None:
    request_id = planned(world)
    world.change_partner(**change)
    world.send(request_id)
    assert world.cpo.calls == []
    assert world.newest.state is RequestState.UNKNOWN


def test_those_who_wait_at_the_gate_come_back_apart_and_ever_more_rarely(world: World) -> None:
    """A full gate must not be stormed by all that wait for it, nor again every second."""
    world.change_partner(flags=Flags(in_flight_cap=1))
    world.gates.enter(KEY.partner_id, 1, "somebody else", world.real_now.timestamp())
    request_id = planned(world)
    delays = []
    for _ in range(4):
        world.messages.clear()
        world.gates.leave(KEY.partner_id, "somebody else", ok=True, now_s=world.real_now.timestamp())
        world.gates.enter(KEY.partner_id, 1, "somebody else", world.real_now.timestamp())
        world.send(request_id)
        ((visible_at, _, _),) = world.messages
        delays.append((visible_at - world.real_now).total_seconds())
        due_at = world.request(request_id).due_at
        assert due_at is not None
        assert due_at > world.now + timedelta(seconds=delays[-1]), "the sweep leaves it alone until then"
        world.pass_time(seconds=delays[-1])
    assert delays == sorted(delays)
    assert delays[-1] > 2 * delays[0]

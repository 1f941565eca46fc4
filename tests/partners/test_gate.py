"""The gate's rules: a cap that is never exceeded, places that come back, a circuit that opens and is probed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from offpeak.partners.gate import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE_S,
    LEASE_S,
    LONGEST_PAUSE_S,
    Admitted,
    Deferred,
    enter,
    leave,
)
from offpeak.partners.model import Gate

NOW_S = 1_700_000_000.0


def admitted(gate: Gate, call_id: str, now_s: float) -> Gate:
    decision = enter(gate, call_id, now_s)
    assert isinstance(decision, Admitted)
    return decision.gate


def failed(gate: Gate, times: int, now_s: float = NOW_S) -> Gate:
    for n in range(times):
        gate = leave(admitted(gate, f"f{n}", now_s), f"f{n}", ok=False, now_s=now_s)
    return gate


def opened(now_s: float = NOW_S) -> Gate:
    return failed(Gate("acme", cap=3), FAILURES_TO_OPEN, now_s)


def retry_in_s(gate: Gate, now_s: float) -> float:
    decision = enter(gate, "another", now_s)
    assert isinstance(decision, Deferred)
    return decision.retry_in_s


def test_as_many_calls_run_as_the_cap_says_and_a_place_given_back_is_free() -> None:
    gate = Gate("acme", cap=2)
    gate = admitted(admitted(gate, "a", NOW_S), "b", NOW_S)
    assert retry_in_s(gate, NOW_S) > 0
    assert admitted(leave(gate, "a", ok=True, now_s=NOW_S), "c", NOW_S).leases.keys() == {"b", "c"}


def test_the_place_of_a_dead_caller_is_free_again_when_its_lease_ends() -> None:
    gate = admitted(Gate("acme", cap=1), "dead", NOW_S)
    assert isinstance(enter(gate, "next", NOW_S + LEASE_S - 0.01), Deferred)
    assert admitted(gate, "next", NOW_S + LEASE_S).leases.keys() == {"next"}


def test_whoever_did_not_call_gives_the_place_back_and_says_nothing_about_the_peer() -> None:
    gate = failed(Gate("acme", cap=3), FAILURES_TO_OPEN - 1)
    gate = leave(admitted(gate, "late", NOW_S), "late", ok=None, now_s=NOW_S)
    assert (dict(gate.leases), gate.failures) == ({}, FAILURES_TO_OPEN - 1)


def test_a_smaller_cap_lets_nobody_in_until_enough_have_left() -> None:
    gate = Gate("acme", cap=3)
    for call in ("a", "b", "c"):
        gate = admitted(gate, call, NOW_S)
    smaller = Gate("acme", cap=1, leases=gate.leases)
    assert isinstance(enter(smaller, "d", NOW_S), Deferred)


def test_five_failures_in_a_row_open_the_circuit_for_ten_seconds() -> None:
    assert isinstance(enter(failed(Gate("acme", cap=3), FAILURES_TO_OPEN - 1), "x", NOW_S), Admitted)
    assert retry_in_s(opened(), NOW_S) == FIRST_PAUSE_S


def test_a_success_in_between_starts_the_count_again() -> None:
    gate = failed(Gate("acme", cap=3), FAILURES_TO_OPEN - 1)
    gate = leave(admitted(gate, "ok", NOW_S), "ok", ok=True, now_s=NOW_S)
    assert isinstance(enter(failed(gate, FAILURES_TO_OPEN - 1), "x", NOW_S), Admitted)


def test_after_the_pause_one_probe_goes_alone() -> None:
    later_s = NOW_S + FIRST_PAUSE_S
    probing = admitted(opened(), "probe", later_s)
    assert retry_in_s(probing, later_s) > 0


def test_a_probe_that_succeeds_opens_the_gate_for_all() -> None:
    later_s = NOW_S + FIRST_PAUSE_S
    gate = leave(admitted(opened(), "probe", later_s), "probe", ok=True, now_s=later_s)
    for call in ("a", "b", "c"):
        gate = admitted(gate, call, later_s)


def test_a_probe_whose_caller_died_is_followed_by_another() -> None:
    later_s = NOW_S + FIRST_PAUSE_S
    probing = admitted(opened(), "dead", later_s)
    assert admitted(probing, "next", later_s + LEASE_S).leases.keys() == {"next"}


@pytest.mark.parametrize(("probes", "pause_s"), [(0, 10), (1, 20), (2, 40), (4, 160), (5, 300), (500, 300)])
def test_each_failed_probe_doubles_the_pause_up_to_five_minutes(probes: int, pause_s: float) -> None:
    gate, now_s = opened(), NOW_S
    for _ in range(probes):
        now_s += LONGEST_PAUSE_S
        gate = leave(admitted(gate, "probe", now_s), "probe", ok=False, now_s=now_s)
    assert retry_in_s(gate, now_s) == pytest.approx(pause_s)


def test_calls_that_began_before_the_circuit_opened_do_not_lengthen_the_pause() -> None:
    gate = Gate("acme", cap=10)
    for n in range(10):
        gate = admitted(gate, f"c{n}", NOW_S)
    for n in range(10):
        gate = leave(gate, f"c{n}", ok=False, now_s=NOW_S + 3)
    assert retry_in_s(gate, NOW_S + 3) == FIRST_PAUSE_S


@given(st.lists(st.booleans(), max_size=30), st.floats(0, 400))
def test_whoever_is_deferred_is_told_a_time_after_which_asking_makes_sense(went: list[bool], wait_s: float) -> None:
    gate = Gate("acme", cap=1)
    for ok in went:
        gate = leave(gate, "x", ok, NOW_S)
    decision = enter(gate, "y", NOW_S + wait_s)
    if isinstance(decision, Deferred):
        assert 0 < decision.retry_in_s <= LONGEST_PAUSE_S
        assert isinstance(enter(gate, "y", NOW_S + wait_s + decision.retry_in_s + 0.001), Admitted)


class GateUnderAnyTraffic(RuleBasedStateMachine):
    """Callers come, go, fail and die in any order; `running` is what really runs, apart from the gate's own books."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = NOW_S
        self.gate = Gate("acme", cap=3)
        self.running: dict[str, float] = {}
        self.calls = 0

    @rule()
    def come(self) -> None:
        self.calls += 1
        decision = enter(self.gate, f"c{self.calls}", self.now_s)
        if isinstance(decision, Admitted):
            self.gate = decision.gate
            self.running[f"c{self.calls}"] = self.now_s

    @precondition(lambda self: self.running)
    @rule(data=st.data(), ok=st.booleans())
    def go(self, data: st.DataObject, ok: bool) -> None:
        call = data.draw(st.sampled_from(sorted(self.running)))
        del self.running[call]
        self.gate = leave(self.gate, call, ok, self.now_s)

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        """No call lives longer than its function, which is killed before its lease ends."""
        self.now_s += seconds
        self.running = {call: began for call, began in self.running.items() if self.now_s - began < LEASE_S}

    @invariant()
    def never_more_calls_than_the_cap(self) -> None:
        assert len(self.running) <= self.gate.cap

    @invariant()
    def nobody_is_shut_out_for_ever(self) -> None:
        assert isinstance(enter(self.gate, "patient", self.now_s + LONGEST_PAUSE_S + LEASE_S), Admitted)

    @invariant()
    def the_books_stay_small(self) -> None:
        assert len(self.gate.leases) <= self.gate.cap


TestGateUnderAnyTraffic = GateUnderAnyTraffic.TestCase

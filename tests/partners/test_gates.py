"""Gates in the real embedded database, with many callers at the same moment."""

from __future__ import annotations

import threading
from dataclasses import replace
from random import Random

import pytest

from offpeak.partners import gate as rules
from offpeak.partners.gate import FAILURES_TO_OPEN, FIRST_PAUSE_S, LEASE_S, Admitted, Deferred
from offpeak.partners.gates import Gates
from offpeak.partners.model import Gate
from tests.conftest import MakeTable

NOW_S = 1_700_000_000.25


def test_a_gate_begins_open_and_keeps_its_places_in_the_table(make_table: MakeTable) -> None:
    table = make_table("partners")
    assert isinstance(Gates(table).enter("acme", 1, "a", NOW_S), Admitted)
    assert isinstance(Gates(table).enter("acme", 1, "b", NOW_S), Deferred)
    Gates(table).leave("acme", "a", True, NOW_S)
    assert isinstance(Gates(table).enter("acme", 1, "b", NOW_S), Admitted)


def test_the_place_of_a_dead_caller_comes_back(make_table: MakeTable) -> None:
    gates = Gates(make_table("partners"))
    gates.enter("acme", 1, "dead", NOW_S)
    assert isinstance(gates.enter("acme", 1, "b", NOW_S + LEASE_S + 0.001), Admitted)


def test_one_partners_trouble_is_not_anothers(make_table: MakeTable) -> None:
    gates = Gates(make_table("partners"))
    for n in range(FAILURES_TO_OPEN):
        gates.enter("broken", 4, f"c{n}", NOW_S)
        gates.leave("broken", f"c{n}", False, NOW_S)
    deferred = gates.enter("broken", 4, "x", NOW_S + 1)
    assert isinstance(deferred, Deferred)
    assert deferred.retry_in_s == FIRST_PAUSE_S - 1
    assert isinstance(gates.enter("sound", 4, "x", NOW_S + 1), Admitted)


def test_callers_at_the_same_moment_never_exceed_the_cap(make_table: MakeTable) -> None:
    table = make_table("partners")
    decisions: list[Admitted | Deferred] = []

    def call(n: int) -> None:
        decisions.append(Gates(table).enter("acme", 3, f"c{n}", NOW_S))

    threads = [threading.Thread(target=call, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, Admitted) for each in decisions) == 3
    assert len(decisions) == 12


def test_callers_who_leave_at_the_same_moment_all_give_their_places_back(make_table: MakeTable) -> None:
    table = make_table("partners")
    for n in range(6):
        assert isinstance(Gates(table).enter("acme", 6, f"c{n}", NOW_S), Admitted)
    threads = [threading.Thread(target=Gates(table).leave, args=("acme", f"c{n}", True, NOW_S)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(6):
        assert isinstance(Gates(table).enter("acme", 6, f"d{n}", NOW_S), Admitted)


@pytest.mark.parametrize("seed", range(5))
def test_the_table_decides_as_the_rules_do(seed: int, make_table: MakeTable) -> None:
    """Callers come, go well, go badly, do not call or die, over minutes."""
    random, gates = Random(seed), Gates(make_table("partners"))
    expected, now_s, inside = Gate("acme", cap=1), NOW_S, list[str]()
    for n in range(60):
        now_s += random.choice((0.0, 0.5, 4.0, 16.0))
        cap = random.choice((2, 3, 3, 3))
        if random.random() < 0.55:
            decision = rules.enter(replace(expected, cap=cap), f"c{n}", now_s)
            entered = gates.enter("acme", cap, f"c{n}", now_s)
            assert type(entered) is type(decision)
            if isinstance(decision, Admitted):
                expected = decision.gate
                inside.append(f"c{n}")
        elif inside:
            call, ok = inside.pop(random.randrange(len(inside))), random.choice((True, True, None, False, False))
            expected = rules.leave(expected, call, ok, now_s)
            gates.leave("acme", call, ok, now_s)

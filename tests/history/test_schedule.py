"""When a partner's history is pulled, and from when on (CONFORMANCE T11)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.history.model import Module, Run, RunKind, RunState, Tally
from offpeak.history.schedule import (
    EVERY,
    FIRST_LOOK_BACK,
    FORSAKEN_AFTER,
    LONGEST_COOLDOWN_S,
    LONGEST_LOOK_BACK,
    OVERLAP,
    SHORTEST_COOLDOWN_S,
    STALLED_AFTER,
    cooldown_s,
    is_due,
    is_forsaken,
    is_stalled,
    last_moment,
    scheduled_since,
    unknown_since,
)
from tests.history.world import NOW, REAL_START

MINUTES = st.integers(0, 60 * 24 * 60)


def a_run(**fields: object) -> Run:
    values = {"since": NOW, "until": None, "began_at": NOW, "due_at": REAL_START, "touched_at": REAL_START, **fields}
    return Run("acme", Module.SESSIONS, RunKind.SCHEDULED, "run-1", **values)  # type: ignore[arg-type]


DONE = {"state": RunState.DONE}


@given(MINUTES, st.text("abc-", min_size=1, max_size=10))
def test_a_partners_moments_are_its_own_and_as_far_apart_as_runs_are(minutes: int, partner_id: str) -> None:
    now = NOW + timedelta(minutes=minutes)
    moment = last_moment(partner_id, Module.SESSIONS, now)
    assert timedelta(0) <= now - moment < EVERY
    assert last_moment(partner_id, Module.SESSIONS, now + EVERY) == moment + EVERY
    assert last_moment(partner_id, Module.SESSIONS, moment) == moment


@given(MINUTES)
def test_a_partner_is_due_once_in_its_interval(minutes: int) -> None:
    began_at = NOW + timedelta(minutes=minutes)
    before = a_run(began_at=began_at, **DONE)
    ticks = [began_at + timedelta(minutes=10 * number) for number in range(1, int(EVERY / timedelta(minutes=10)) + 1)]
    first = next(tick for tick in ticks if is_due(before, "acme", Module.SESSIONS, tick))
    assert not is_due(a_run(began_at=first, **DONE), "acme", Module.SESSIONS, first)


def test_partners_are_spread_over_the_hours() -> None:
    hours = {
        int((NOW - last_moment(f"partner-{number}", Module.SESSIONS, NOW)) / timedelta(hours=1))
        for number in range(100)
    }
    assert hours == set(range(6))


def test_a_new_partner_is_due_at_once_and_a_running_one_never() -> None:
    assert is_due(None, "acme", Module.SESSIONS, NOW)
    assert not is_due(a_run(began_at=NOW - timedelta(days=9)), "acme", Module.SESSIONS, NOW)


@pytest.mark.parametrize(
    ("before", "since"),
    [
        (None, NOW - FIRST_LOOK_BACK),
        (a_run(state=RunState.FAILED), NOW - FIRST_LOOK_BACK),
        (a_run(synced_until=NOW - timedelta(hours=6), **DONE), NOW - timedelta(hours=6) - OVERLAP),
        (a_run(synced_until=NOW - timedelta(days=20), state=RunState.FAILED), NOW - timedelta(days=20) - OVERLAP),
        (a_run(synced_until=NOW - timedelta(days=300), **DONE), NOW - LONGEST_LOOK_BACK),
    ],
)
def test_a_run_asks_from_the_last_success_on_minus_an_overlap(before: Run | None, since: object) -> None:
    """T11"""
    assert scheduled_since(before, Module.SESSIONS, NOW) == since


@given(st.integers(-5000, 5000))
def test_a_search_reaches_back_before_the_patch_and_not_too_far(minutes: int) -> None:
    """S1"""
    patched_at = NOW + timedelta(minutes=minutes)
    since = unknown_since(patched_at, NOW)
    assert since < NOW
    assert NOW - since <= timedelta(days=2, minutes=1)
    assert since <= patched_at - timedelta(minutes=5) or NOW - since >= timedelta(days=2) - timedelta(minutes=1)


def test_searches_in_vain_come_ever_more_seldom_and_one_that_finds_makes_them_quick_again() -> None:
    """S1"""
    waits, run = [], a_run(**DONE)
    for _ in range(10):
        waits.append(cooldown_s(run))
        run = a_run(cooldown_s=waits[-1], **DONE)
    assert waits[:4] == [10, 20, 40, 80]
    assert waits[-1] == LONGEST_COOLDOWN_S
    assert cooldown_s(a_run(cooldown_s=3600, tally=Tally(objects=1, created=1), **DONE)) == SHORTEST_COOLDOWN_S


@pytest.mark.parametrize(("rule", "after"), [(is_stalled, STALLED_AFTER), (is_forsaken, FORSAKEN_AFTER)])
def test_a_run_is_given_its_time_from_when_it_was_due_or_worked_at(rule: object, after: timedelta) -> None:
    due_late = a_run(due_at=REAL_START + timedelta(hours=1))
    assert callable(rule)
    for run, start in ((a_run(), REAL_START), (due_late, due_late.due_at)):
        assert not rule(run, start + after)
        assert rule(run, start + after + timedelta(seconds=1))
    assert not rule(a_run(**DONE), REAL_START + timedelta(days=1))


def test_a_run_that_somebody_works_at_is_not_forsaken() -> None:
    assert not is_forsaken(a_run(attempts=1), REAL_START + timedelta(hours=1))

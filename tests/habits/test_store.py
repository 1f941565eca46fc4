"""The habits table, against the embedded database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from offpeak.habits.model import NEWEST, Visit
from offpeak.habits.store import PLACES, Charger, HabitStore
from tests.conftest import MakeTable

ZONE = "Europe/Berlin"
HOME = Charger("acme", "NL*ACM*E1")
ELSEWHERE = Charger("acme", "NL*ACM*E2")
EVENING = datetime(2026, 1, 12, 17, 0, tzinfo=UTC)
REAL = datetime(2027, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
VISIT = Visit(EVENING, EVENING + 13 * HOUR, 10.5, user="ab12", is_cut=True)


@pytest.fixture
def store(make_table: MakeTable) -> HabitStore:
    """One that remembers nothing."""
    return HabitStore(make_table("habits"), now_s=count(0, 3600).__next__)


def learn(store: HabitStore, session_id: str, visit: Visit = VISIT, charger: Charger = HOME) -> None:
    store.learn(charger, session_id, visit, ZONE, at=REAL)


def own(store: HabitStore, charger: Charger = HOME) -> tuple[Visit, ...]:
    return store.past(charger, EVENING, ZONE).own


def others(store: HabitStore, charger: Charger = ELSEWHERE, at: datetime = EVENING) -> tuple[Visit, ...]:
    return store.past(charger, at, ZONE).others


def test_visits_come_back_by_plug_in(store: HabitStore) -> None:
    earlier = replace(VISIT, arrived_at=EVENING - 24 * HOUR, left_at=EVENING - 20 * HOUR, user="", is_cut=False)
    learn(store, "second")
    learn(store, "first", earlier)
    assert own(store) == (earlier, VISIT)


def test_a_session_is_learnt_once_however_often_it_is_told(store: HabitStore) -> None:
    learn(store, "Session-1")
    learn(store, "SESSION-1", replace(VISIT, kwh=11.0))
    assert own(store) == (replace(VISIT, kwh=11.0),)
    assert len(others(store)) == 1


def test_only_the_newest_are_read(store: HabitStore) -> None:
    for n in range(NEWEST + 3):
        learn(store, f"{n}", replace(VISIT, arrived_at=EVENING + n * HOUR))
    assert len(own(store)) == NEWEST
    assert own(store)[0].arrived_at == EVENING + 3 * HOUR


def test_a_visit_is_an_example_for_other_chargers_at_such_an_hour_without_its_user(store: HabitStore) -> None:
    learn(store, "1")
    assert others(store) == (replace(VISIT, user=""),)
    assert others(store, at=EVENING + 24 * HOUR) == (replace(VISIT, user=""),)
    assert others(store, HOME) == ()
    assert others(store, at=EVENING + 2 * HOUR) == ()
    assert others(store, at=EVENING + 4 * 24 * HOUR) == (), "a Friday evening"
    assert others(store, Charger("other", "NL*ACM*E2")) == ()


def test_examples_do_not_grow_with_the_partner(store: HabitStore) -> None:
    for n in range(2 * PLACES):
        learn(store, f"{n}", replace(VISIT, arrived_at=EVENING + timedelta(seconds=n)), Charger("acme", f"E{n}"))
    assert PLACES / 2 < len(others(store)) <= PLACES


def test_an_older_visit_takes_no_place_from_a_newer(store: HabitStore) -> None:
    learn(store, "1")
    learn(store, "1", replace(VISIT, arrived_at=EVENING - timedelta(minutes=1)), ELSEWHERE)
    assert others(store) == (replace(VISIT, user=""),)


def test_a_charger_that_is_forgotten_leaves_nothing_behind(store: HabitStore) -> None:
    learn(store, "1")
    learn(store, "2", replace(VISIT, arrived_at=EVENING + 3 * HOUR))
    learn(store, "3", charger=ELSEWHERE)
    assert store.forget(HOME, REAL) == 2
    assert own(store) == ()
    assert others(store) == ()
    assert own(store, ELSEWHERE) == (VISIT,)
    assert store.forget(HOME, REAL) == 0


def test_forgetting_leaves_places_that_others_have_taken(store: HabitStore) -> None:
    learn(store, "1")
    learn(store, "1", replace(VISIT, arrived_at=EVENING + timedelta(minutes=1)), ELSEWHERE)
    store.forget(HOME, REAL)
    assert len(others(store, HOME)) == 1


def test_what_a_charger_learnt_later_is_not_forgotten(store: HabitStore) -> None:
    later = replace(VISIT, arrived_at=EVENING + timedelta(minutes=1))
    learn(store, "1")
    learn(store, "1", later)
    assert store.forget(HOME, later.arrived_at) == 1
    assert own(store) == (later,)
    assert len(others(store)) == 1, "it stays an example where it took the other's place"


def test_what_was_read_is_remembered_for_ten_minutes(make_table: MakeTable) -> None:
    times = iter([0.0, 0.0, 599.0, 599.0, 601.0, 601.0])
    store = HabitStore(make_table("habits"), now_s=lambda: next(times))
    assert own(store) == ()
    learn(store, "1")
    assert own(store) == ()
    assert own(store) == (VISIT,)


def test_a_mark_tells_users_of_a_charger_apart_and_nothing_elsewhere() -> None:
    assert HOME.user_mark("04A2B3") == HOME.user_mark("04a2b3") != HOME.user_mark("04A2B4")
    assert HOME.user_mark("04A2B3") != ELSEWHERE.user_mark("04A2B3")
    assert len(HOME.user_mark("04A2B3")) == 4

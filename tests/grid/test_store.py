"""The grid_signals table, against the embedded database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from offpeak.errors import ConcurrentChange
from offpeak.grid.find import find_signals
from offpeak.grid.model import Scope, Signal, SignalKind
from offpeak.grid.store import KEPT_FOR, SignalStore, Wanted
from tests.conftest import MakeTable
from tests.grid.builders import DEPOT, NOON, ZONE, a_signal, at

REAL = datetime(2027, 6, 1, tzinfo=UTC)
"""Real time is not that of sessions."""


@pytest.fixture
def store(make_table: MakeTable) -> SignalStore:
    return SignalStore(make_table("grid_signals"))


def save(store: SignalStore, signal: Signal, before: Signal | None = None) -> Signal:
    return store.save(before, signal, now=NOON, at=REAL)


def test_signals_come_back_as_they_were_stored_by_their_scope_and_by_their_id(store: SignalStore) -> None:
    signals = [
        save(store, each)
        for each in (
            a_signal("a", SignalKind.PRICE_ADDER, "-0.125", "0.1", hours=(17, 18), end=None),
            replace(a_signal("b"), note="redispatch"),
        )
    ]
    other = save(store, a_signal("c", scope=DEPOT))
    assert store.of(ZONE) == tuple(signals)
    assert store.of(DEPOT) == (other,)
    assert store.of(Scope(group="DE-LU")) == ()
    assert [store.load(each) for each in ("a", "b", "c", "d")] == [*signals, other, None]
    assert {each.revision for each in signals} == {1}


def test_an_id_is_used_once_whatever_the_scope(store: SignalStore) -> None:
    save(store, a_signal("a"))
    for scope in (ZONE, DEPOT):
        with pytest.raises(ConcurrentChange):
            save(store, a_signal("a", scope=scope))


def test_a_change_needs_the_signal_as_it_is(store: SignalStore) -> None:
    first = save(store, a_signal())
    second = save(store, a_signal(end=20), first)
    assert second.revision == 2
    for stale in (lambda: save(store, a_signal(end=21), first), lambda: store.withdraw(first, now=NOON)):
        with pytest.raises(ConcurrentChange):
            stale()
    assert store.load("evening") == second
    store.withdraw(second, now=NOON)
    assert (store.load("evening"), store.of(ZONE)) == (None, ())
    assert save(store, a_signal()).revision == 1, "the id is free again"


def test_a_row_goes_a_week_after_its_end_in_real_time_and_what_has_no_end_stays(store: SignalStore) -> None:
    save(store, a_signal("a"))
    save(store, a_signal("b", end=None))
    rows = {row["sk"]: row for row in store._table.query("pk = :pk", {":pk": ZONE.text})}
    assert rows["SIGNAL#a"]["expires_at"] == int((REAL + (at(19) - NOON) + KEPT_FOR).timestamp())
    assert "expires_at" not in rows["SIGNAL#b"]


def test_each_change_wants_plans_until_they_have_been_asked_for(store: SignalStore) -> None:
    assert store.wanted_of(ZONE) is None
    signal = save(store, a_signal())
    first = store.wanted_of(ZONE)
    assert first == Wanted(ZONE, 1, by_weight=False)
    assert list(store.wanting(NOON, 9)) == [ZONE]
    store.withdraw(signal, now=NOON + timedelta(minutes=5))
    store.done(first)
    assert store.wanted_of(ZONE) == Wanted(ZONE, 2, by_weight=False), "one more came in meanwhile"
    assert list(store.wanting(NOON, 9)) == [ZONE], "it waits since the first"
    store.done(Wanted(ZONE, 2, by_weight=False))
    assert (store.wanted_of(ZONE), list(store.wanting(NOON + timedelta(days=1), 9))) == (None, [])


def test_carbon_concerns_those_who_weigh_it_and_everybody_once_something_else_comes(store: SignalStore) -> None:
    save(store, a_signal("a", SignalKind.CARBON, 300))
    assert store.wanted_of(ZONE) == Wanted(ZONE, 1, by_weight=True)
    save(store, a_signal("b"))
    assert store.wanted_of(ZONE) == Wanted(ZONE, 2, by_weight=False)
    store.done(Wanted(ZONE, 2, by_weight=False))
    save(store, a_signal("c", SignalKind.CARBON, 300))
    assert store.wanted_of(ZONE) == Wanted(ZONE, 3, by_weight=True)


def test_what_concerns_another_time_wants_no_plans_and_moving_it_here_does(store: SignalStore) -> None:
    later = save(store, a_signal(hours=(300,), end=301))
    assert store.wanted_of(ZONE) is None
    sooner = save(store, a_signal(), later)
    assert store.wanted_of(ZONE) is not None
    store.done(Wanted(ZONE, 1, by_weight=False))
    save(store, a_signal(hours=(300,), end=301), sooner)
    assert store.wanted_of(ZONE) is not None, "it has left the time that is planned now"


def test_all_signals_are_found_in_pages_each_of_them_once(store: SignalStore) -> None:
    ids = [f"s{number}" for number in range(5)]
    for place, signal_id in enumerate(ids):
        save(store, a_signal(signal_id, scope=(ZONE, DEPOT)[place % 2]))
    for scope, wanted in ((None, ids), (ZONE, ids[::2]), (DEPOT, ids[1::2])):
        found, after, pages = list[str](), None, 0
        while pages == 0 or after is not None:
            page, after = find_signals(store, scope, None, None, after=after, limit=2)
            assert len(page) <= 2
            found += [each.signal_id for each in page]
            pages += 1
        assert found == wanted


def test_signals_are_found_by_the_time_that_they_speak_of(store: SignalStore) -> None:
    save(store, a_signal("evening"))
    save(store, a_signal("always", end=None))
    save(store, a_signal("tomorrow", hours=(41,), end=43))
    for scope in (ZONE, None):
        for first, until, wanted in (
            (12, 24, {"evening", "always"}),
            (19, 24, {"always"}),
            (24, None, {"always", "tomorrow"}),
            (None, 17, set()),
        ):
            bounds = [None if hour is None else at(hour) for hour in (first, until)]
            found, _ = find_signals(store, scope, *bounds, after=None, limit=9)
            assert {each.signal_id for each in found} == wanted

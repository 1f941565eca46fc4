"""The prices table, against the embedded database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from offpeak.errors import ConcurrentChange
from offpeak.prices.model import QUARTER, PriceDay, quarter_hours
from offpeak.prices.store import PriceStore, published_until
from tests.conftest import MakeTable
from tests.prices.builders import AUTUMN, SOURCE, SPRING, THURSDAY, ZONE, a_day, curve_of, market

NOON = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FRIDAY = THURSDAY + DAY


@pytest.fixture
def store(make_table: MakeTable) -> PriceStore:
    return PriceStore(make_table("prices"))


def test_days_come_back_as_they_were_stored_also_when_clocks_change(store: PriceStore) -> None:
    days = [a_day(day, lambda at: f"{(at.hour - 6) / 100}") for day in (THURSDAY, SPRING, AUTUMN)]
    store.replace(ZONE, days, NOON)
    assert store.days(ZONE, THURSDAY, AUTUMN) == days


def test_what_the_feed_left_out_stays_out(store: PriceStore) -> None:
    whole = a_day()
    some = PriceDay(THURSDAY, {at: price for at, price in whole.eur_per_kwh.items() if at.hour != 3}, SOURCE)
    store.replace(ZONE, [some], NOON)
    assert store.days(ZONE, THURSDAY, THURSDAY) == [some]


def test_a_curve_has_the_published_slots_that_touch_the_time_asked_for(store: PriceStore) -> None:
    store.replace(ZONE, [a_day(THURSDAY, "0.1"), a_day(FRIDAY, "-0.2")], NOON)
    curve = store.curve(ZONE, market(FRIDAY, 0) - timedelta(minutes=20), market(FRIDAY, 0) + timedelta(minutes=1))
    assert [(slot.start_at, slot.eur_per_kwh) for slot in curve.slots] == [
        (market(THURSDAY, 23, 30), Decimal("0.1")),
        (market(THURSDAY, 23, 45), Decimal("0.1")),
        (market(FRIDAY, 0), Decimal("-0.2")),
    ]
    assert all(slot.end_at - slot.start_at == QUARTER and not slot.is_forecast for slot in curve.slots)
    assert curve.source == SOURCE


def test_a_zone_knows_nothing_of_another(store: PriceStore) -> None:
    store.replace(ZONE, [a_day()], NOON)
    assert store.days("DK1", THURSDAY, THURSDAY) == []
    assert store.curve("DK1", market(THURSDAY, 0), market(FRIDAY, 0)).slots == ()


def test_a_later_fetch_replaces_an_earlier_one(store: PriceStore) -> None:
    store.replace(ZONE, [a_day(price="0.1")], NOON)
    store.replace(ZONE, [a_day(price="0.2")], NOON + timedelta(seconds=1))
    assert store.days(ZONE, THURSDAY, THURSDAY) == [a_day(price="0.2")]


def test_an_earlier_fetch_replaces_none_of_its_days_once_a_later_one_has_stored_some(store: PriceStore) -> None:
    store.replace(ZONE, [a_day(THURSDAY, "0.2")], NOON)
    with pytest.raises(ConcurrentChange):
        store.replace(ZONE, [a_day(THURSDAY, "0.1"), a_day(FRIDAY, "0.1")], NOON - timedelta(seconds=1))
    assert store.days(ZONE, THURSDAY, FRIDAY) == [a_day(THURSDAY, "0.2")]


def test_the_same_fetch_can_be_stored_again(store: PriceStore) -> None:
    store.replace(ZONE, [a_day()], NOON)
    store.replace(ZONE, [a_day()], NOON)
    assert store.days(ZONE, THURSDAY, THURSDAY) == [a_day()]


def test_storing_nothing_does_nothing(store: PriceStore) -> None:
    store.replace(ZONE, [], NOON)
    assert store.days(ZONE, THURSDAY, THURSDAY) == []


def test_a_curve_is_published_until_its_first_gap() -> None:
    whole = curve_of([a_day()])
    assert published_until(whole, market(THURSDAY, 6)) == market(FRIDAY, 0)
    gap = tuple(slot for slot in whole.slots if slot.start_at != quarter_hours(THURSDAY)[40])
    cut = type(whole)(whole.zone, gap, whole.source)
    assert published_until(cut, market(THURSDAY, 6)) == market(THURSDAY, 10)
    assert published_until(cut, market(FRIDAY, 6)) == market(FRIDAY, 6)

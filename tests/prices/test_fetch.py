"""Fetching: every zone for itself, what changed is named, a failing feed spoils nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from offpeak.errors import OffpeakError, PeerUnavailable, PeerUnusable
from offpeak.prices.fetch import fetch_prices
from offpeak.prices.model import PriceDay
from offpeak.prices.store import PriceStore
from offpeak.telemetry import metrics
from tests.conftest import MakeTable
from tests.prices.builders import THURSDAY, ZONE, a_day, days_before, market

DAY = timedelta(days=1)
FRIDAY = THURSDAY + DAY
NOON = market(THURSDAY, 12)
AFTERNOON = market(THURSDAY, 14)


class Feed:
    """Publishes what it was given, and fails where it was told to."""

    def __init__(self, *days: PriceDay, failing: dict[str, OffpeakError] | None = None) -> None:
        self.days = list(days)
        self.failing = failing or {}
        self.asked: list[tuple[str, date, date]] = []

    def fetch(self, zone: str, first: date, last: date) -> list[PriceDay]:
        self.asked.append((zone, first, last))
        if zone in self.failing:
            raise self.failing[zone]
        return [day for day in self.days if first <= day.date <= last]


@pytest.fixture
def store(make_table: MakeTable) -> PriceStore:
    return PriceStore(make_table("prices"))


@pytest.fixture(autouse=True)
def nothing_measured() -> None:
    metrics.clear_metrics()


def measured(name: str) -> list[float]:
    return list(metrics.metric_set.get(name, {}).get("Value", []))


def fetched(feed: Feed, store: PriceStore, zones: list[str], now: datetime, at: datetime) -> set[str]:
    return set(fetch_prices(feed, store, zones, zones, now, at))


def test_a_new_zone_gets_two_weeks_of_history_along(store: PriceStore) -> None:
    days = [a_day(day) for day in (*days_before(THURSDAY, 14), THURSDAY)]
    feed = Feed(*days)
    assert fetched(feed, store, [ZONE], NOON, NOON) == {ZONE}
    assert feed.asked == [(ZONE, THURSDAY - 14 * DAY, FRIDAY)]
    assert store.days(ZONE, THURSDAY - 14 * DAY, FRIDAY) == days


def test_a_known_zone_asks_for_today_and_tomorrow(store: PriceStore) -> None:
    feed = Feed(*(a_day(day) for day in (*days_before(THURSDAY, 14), THURSDAY)))
    fetched(feed, store, [ZONE], NOON, NOON)
    feed.days.append(a_day(FRIDAY))
    assert fetched(feed, store, [ZONE], AFTERNOON, AFTERNOON) == {ZONE}
    assert feed.asked[1] == (ZONE, THURSDAY, FRIDAY)
    assert store.days(ZONE, FRIDAY, FRIDAY) == [a_day(FRIDAY)]


def test_days_that_an_outage_left_out_are_fetched_later(store: PriceStore) -> None:
    feed = Feed(*(a_day(day) for day in days_before(THURSDAY, 14)))
    fetched(feed, store, [ZONE], market(THURSDAY - 2 * DAY, 12), NOON)
    fetched(feed, store, [ZONE], NOON + 2 * DAY, NOON)
    assert feed.asked[1][1] == THURSDAY


def test_prices_that_stay_are_no_change_and_prices_that_move_are(store: PriceStore) -> None:
    feed = Feed(a_day(THURSDAY, "0.1"))
    assert fetched(feed, store, [ZONE], NOON, NOON) == {ZONE}
    assert fetched(feed, store, [ZONE], AFTERNOON, AFTERNOON) == set()
    feed.days = [a_day(THURSDAY, "0.2")]
    assert fetched(feed, store, [ZONE], AFTERNOON, AFTERNOON) == {ZONE}
    assert store.days(ZONE, THURSDAY, THURSDAY) == feed.days


def test_a_price_that_the_feed_leaves_out_this_time_is_not_forgotten(store: PriceStore) -> None:
    fetched(Feed(a_day(THURSDAY, "0.1")), store, [ZONE], NOON, NOON)
    half = {at: price * 2 for at, price in list(a_day(THURSDAY, "0.1").eur_per_kwh.items())[::2]}
    assert fetched(Feed(PriceDay(THURSDAY, half, "Feed")), store, [ZONE], AFTERNOON, AFTERNOON) == {ZONE}
    [day] = store.days(ZONE, THURSDAY, THURSDAY)
    assert day.eur_per_kwh == {**a_day(THURSDAY, "0.1").eur_per_kwh, **half}
    assert list(day.eur_per_kwh) == sorted(day.eur_per_kwh)


@pytest.mark.parametrize("error", [PeerUnavailable("down"), PeerUnusable(3001, "nonsense")])
def test_a_zone_whose_feed_fails_keeps_its_prices_and_holds_up_no_other(store: PriceStore, error: OffpeakError) -> None:
    store.replace("AT", [a_day()], NOON)
    feed = Feed(a_day(), failing={"AT": error})
    assert fetched(feed, store, ["AT", ZONE], AFTERNOON, AFTERNOON) == {ZONE}
    assert store.days("AT", THURSDAY, THURSDAY) == [a_day()]
    assert measured("PriceFeedFailed") == [1]


def test_an_answer_that_was_overtaken_by_a_later_fetch_changes_nothing(store: PriceStore) -> None:
    store.replace(ZONE, [a_day(THURSDAY, "0.2")], AFTERNOON)
    assert fetched(Feed(a_day(THURSDAY, "0.1")), store, [ZONE], NOON, NOON) == set()
    assert store.days(ZONE, THURSDAY, THURSDAY) == [a_day(THURSDAY, "0.2")]
    assert measured("PriceFeedFailed") == []


def test_the_hours_of_prices_ahead_are_measured_also_when_the_feed_fails(store: PriceStore) -> None:
    store.replace("AT", [a_day()], NOON)
    fetched(Feed(failing={"AT": PeerUnavailable("down")}), store, ["AT", ZONE], NOON, NOON)
    assert measured("PriceHoursAhead") == [12.0, 0.0]


def test_the_hours_of_prices_ahead_are_measured_also_of_zones_that_there_was_no_time_for(store: PriceStore) -> None:
    assert set(fetch_prices(Feed(a_day()), store, [ZONE], {ZONE, "NL"}, NOON, NOON)) == {ZONE}
    assert measured("PriceHoursAhead") == [12.0, 0.0]


def test_no_zone_in_use_asks_for_nothing(store: PriceStore) -> None:
    feed = Feed()
    assert fetched(feed, store, [], NOON, NOON) == set()
    assert feed.asked == []


def test_a_zone_that_only_apps_name_wakes_nobody(store: PriceStore) -> None:
    feed = Feed(a_day(), failing={"XX": PeerUnusable(3001, "there is no such zone")})
    assert set(fetch_prices(feed, store, [ZONE, "XX"], {ZONE}, NOON, NOON)) == {ZONE}
    assert sum(measured("PriceFeedFailed")) == 0
    assert measured("PriceHoursAhead") == [12.0]


def test_a_zones_change_is_told_before_the_next_zone_is_asked_for(store: PriceStore) -> None:
    feed = Feed(a_day())
    changes = fetch_prices(feed, store, [ZONE, "AT"], {ZONE}, NOON, NOON)
    assert next(changes) == ZONE
    assert [zone for zone, _, _ in feed.asked] == [ZONE]

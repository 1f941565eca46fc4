"""What a kWh cost, and what of it was known when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.recorded import RecordedPrices
from local.replay.market import Market, published_until, seen_at
from offpeak.prices.model import QUARTER
from tests.local.replay_scene import START, prices_of, varied_prices


def test_tomorrow_is_known_from_one_o_clock_market_time_on() -> None:
    before, after = datetime(2026, 1, 30, 11, 59, tzinfo=UTC), datetime(2026, 1, 30, 12, tzinfo=UTC)
    assert published_until(before) == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert published_until(after) == datetime(2026, 1, 31, 23, tzinfo=UTC)


def test_a_published_day_ends_at_midnight_where_clocks_change_too() -> None:
    assert published_until(datetime(2026, 3, 28, 12, tzinfo=UTC)) == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_published_prices_are_seen_as_they_are_and_the_rest_as_a_forecast() -> None:
    market = Market(varied_prices(days=9))
    now = START + timedelta(days=7, hours=11, minutes=7)
    slots = market.slots(now, now + timedelta(hours=20))
    known = [each for each in slots if not each.is_forecast]
    assert known[-1].end_at == published_until(now)
    assert [each.eur_per_kwh for each in known] == market.eur_per_kwh[market.place(now) :][: len(known)]
    assert slots[-1].end_at >= now + timedelta(hours=20)
    assert all(one.end_at == other.start_at for one, other in pairwise(slots))


@settings(max_examples=40)
@given(st.integers(0, 9 * 1440 - 1), st.integers(1, 72 * 60))
def test_remembering_forecasts_changes_nothing(minute: int, ahead_min: int) -> None:
    now = START + timedelta(minutes=minute)
    until = now + timedelta(minutes=ahead_min)
    assert MARKET.slots(now, until) == seen_at(MARKET, now, now, until)


@settings(max_examples=40)
@given(st.integers(0, 9 * 1440 - 1), st.integers(1, 72 * 60))
def test_prices_that_are_not_published_yet_are_never_seen(minute: int, ahead_min: int) -> None:
    now = START + timedelta(minutes=minute)
    other = Market(changed_from(varied_prices(days=12), published_until(now)))
    until = now + timedelta(minutes=ahead_min)
    assert MARKET.slots(now, until) == other.slots(now, until)


def changed_from(prices: RecordedPrices, at: datetime) -> RecordedPrices:
    """Return the prices, other ones from `at` on."""
    told: Mapping[datetime, Decimal] = {
        start: Decimal(700) - price if start >= at else price for start, price in prices.eur_per_mwh.items()
    }
    return RecordedPrices(told, prices.slot)


MARKET = Market(varied_prices(days=12))


def test_energy_costs_the_price_of_its_quarter_hour() -> None:
    market = Market(prices_of(100, 200, -40))
    assert market.eur(8, START, START + QUARTER) == pytest.approx(0.2)
    assert market.eur(8, START + QUARTER / 3, START + 2.5 * QUARTER) == pytest.approx(0.2 * 2 / 3 + 0.4 - 0.04)


def test_hourly_prices_hold_for_four_quarter_hours() -> None:
    prices = RecordedPrices({START + n * timedelta(hours=1): Decimal(n) for n in range(3)}, timedelta(hours=1))
    assert Market(prices).eur_per_kwh == [0.0] * 4 + [0.001] * 4 + [0.002] * 4


def test_a_time_is_cut_at_every_quarter_hour_in_it() -> None:
    market = Market(prices_of(100, 200, 300))
    edges, prices = market.cut(START + QUARTER / 3, START + 2 * QUARTER)
    assert edges == [START + QUARTER / 3, START + QUARTER, START + 2 * QUARTER]
    assert prices == [0.1, 0.2]

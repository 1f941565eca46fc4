"""Hours that are not published yet: forecast from recent days, and marked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from offpeak.prices.forecast import extended, is_complete
from offpeak.prices.model import MARKET_TIME, QUARTER, PriceCurve, PriceSlot
from tests.prices.builders import AUTUMN, SPRING, THURSDAY, ZONE, a_day, curve_of, days_before, market

DAY = timedelta(days=1)
WEDNESDAY, FRIDAY, SATURDAY, SUNDAY = (THURSDAY + n * DAY for n in (-1, 1, 2, 3))


def forecasts(curve: PriceCurve) -> list[PriceSlot]:
    return [slot for slot in curve.slots if slot.is_forecast]


def test_published_prices_stay_and_the_rest_is_marked_without_a_gap() -> None:
    curve = extended(curve_of([a_day(THURSDAY)]), market(THURSDAY, 20), market(FRIDAY, 7))
    assert curve.slots[0].start_at == market(THURSDAY, 20)
    assert curve.slots[-1].end_at == market(FRIDAY, 7)
    assert all(a.end_at == b.start_at for a, b in pairwise(curve.slots))
    assert [slot.start_at >= market(FRIDAY, 0) for slot in curve.slots] == [slot.is_forecast for slot in curve.slots]


def test_a_forecast_is_the_median_of_the_same_quarter_hour_on_seven_days_of_the_same_kind() -> None:
    weekdays = [day for day in days_before(FRIDAY, 14) if day.weekday() < 5]
    days = [a_day(day, f"0.{10 + n}") for n, day in enumerate(weekdays)]
    curve = extended(curve_of(days), market(FRIDAY, 8), market(FRIDAY, 9))
    assert len(weekdays) == 10
    assert {slot.eur_per_kwh for slot in curve.slots} == {Decimal("0.16")}


def test_a_weekend_day_looks_like_weekend_days() -> None:
    days = [a_day(day, "0.05" if day.weekday() >= 5 else "0.3") for day in days_before(SATURDAY, 14)]
    assert {
        each.eur_per_kwh for each in forecasts(extended(curve_of(days), market(SATURDAY, 0), market(SUNDAY, 0)))
    } == {Decimal("0.05")}


def test_with_few_days_of_its_kind_a_day_looks_like_all_of_them() -> None:
    days = [a_day(day, "0.05" if day.weekday() >= 5 else "0.3") for day in days_before(SATURDAY, 7)]
    curve = extended(curve_of(days), market(SATURDAY, 8), market(SATURDAY, 9))
    assert {slot.eur_per_kwh for slot in curve.slots} == {Decimal("0.3")}


def test_an_outlier_does_not_bend_the_forecast() -> None:
    days = [a_day(day, "9.9" if n == 2 else "0.1") for n, day in enumerate(days_before(FRIDAY, 5))]
    curve = extended(curve_of(days), market(FRIDAY, 8), market(FRIDAY, 9))
    assert {slot.eur_per_kwh for slot in curve.slots} == {Decimal("0.1")}


def test_each_quarter_hour_has_a_forecast_of_its_own_at_market_time_when_clocks_change() -> None:
    for day, count in ((SPRING, 92), (AUTUMN, 100)):
        days = [a_day(each, lambda at: f"{at.astimezone(MARKET_TIME).hour / 100}") for each in days_before(day, 5)]
        curve = extended(curve_of(days), market(day, 0), market(day + DAY, 0))
        assert len(forecasts(curve)) == count
        for slot in curve.slots:
            assert slot.eur_per_kwh == Decimal(slot.start_at.astimezone(MARKET_TIME).hour) / 100


def test_a_hole_in_a_published_day_is_forecast_from_the_days_before_not_after() -> None:
    days = [a_day(WEDNESDAY, "0.1"), a_day(THURSDAY, "0.2"), a_day(FRIDAY, "0.9")]
    whole = curve_of(days)
    hole = market(THURSDAY, 12)
    known = PriceCurve(ZONE, tuple(slot for slot in whole.slots if slot.start_at != hole), whole.source)
    (found,) = forecasts(extended(known, market(THURSDAY, 0), market(FRIDAY, 0)))
    assert (found.start_at, found.end_at, found.eur_per_kwh) == (hole, hole + QUARTER, Decimal("0.1"))


def test_a_quarter_hour_never_seen_gets_the_mean_of_what_is_known() -> None:
    day = a_day(THURSDAY, lambda at: "0.2" if at < market(THURSDAY, 1) else "0.4")
    early = type(day)(day.date, dict(list(day.eur_per_kwh.items())[:8]), day.source)
    curve = extended(curve_of([early]), market(THURSDAY, 0), market(THURSDAY, 3))
    assert {slot.eur_per_kwh for slot in forecasts(curve)} == {Decimal("0.3")}


def test_a_zone_without_any_price_has_no_forecast() -> None:
    assert extended(PriceCurve(ZONE, (), ""), market(THURSDAY, 0), market(FRIDAY, 0)).slots == ()


@pytest.mark.parametrize("start_s", [0, 1, 899])
def test_a_curve_begins_with_the_quarter_hour_that_holds_its_start(start_s: int) -> None:
    start = market(THURSDAY, 12) + timedelta(seconds=start_s)
    curve = extended(curve_of([a_day()]), start, start + timedelta(seconds=1))
    assert [slot.start_at for slot in curve.slots] == [market(THURSDAY, 12)]


@pytest.mark.parametrize(
    ("start_s", "end_s", "complete"),
    [(0, 900, True), (1, 900, True), (899, 900, True), (-1, 900, False), (0, 86_400, True), (0, 86_401, False)],
)
def test_a_curve_is_complete_when_it_has_every_quarter_hour_of_the_time(
    start_s: int, end_s: int, complete: bool
) -> None:
    start, end = (market(THURSDAY, 0) + timedelta(seconds=s) for s in (start_s, end_s))
    whole = curve_of([a_day()])
    slots = tuple(slot for slot in whole.slots if slot.end_at > start and slot.start_at < end)
    assert is_complete(PriceCurve(ZONE, slots, ""), start, end) is complete

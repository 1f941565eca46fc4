"""Tariffs as curves: dynamic, fixed, time-of-use; local time and summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.prices.forecast import extended
from offpeak.prices.model import PriceCurve, Tariff, TariffKind, TariffWindow
from offpeak.prices.tariffs import tariff_curve
from tests.prices.builders import AUTUMN, SOURCE, SPRING, THURSDAY, ZONE, a_day, curve_of, market

BERLIN = "Europe/Berlin"
DAY = timedelta(days=1)
EMPTY = PriceCurve(ZONE, (), "")


def time_of_use(*windows: TariffWindow) -> Tariff:
    return Tariff(TariffKind.TIME_OF_USE, fixed_eur_per_kwh=Decimal("0.40"), windows=windows)


def night(weekdays: frozenset[int] = frozenset(range(7))) -> TariffWindow:
    return TariffWindow(time(22), time(6), Decimal("0.20"), weekdays)


def told(curve: PriceCurve) -> list[tuple[str, str]]:
    """When each price begins, by the clock in Berlin, and the price."""
    return [
        (slot.start_at.astimezone(ZoneInfo(BERLIN)).strftime("%a %H:%M"), str(slot.eur_per_kwh)) for slot in curve.slots
    ]


def hours_at(curve: PriceCurve, price: str) -> float:
    return sum(
        (slot.end_at - slot.start_at) / timedelta(hours=1) for slot in curve.slots if slot.eur_per_kwh == Decimal(price)
    )


def test_a_dynamic_tariff_is_the_market_price_times_a_factor_plus_what_comes_on_top() -> None:
    tariff = Tariff(factor=Decimal("1.19"), adder_eur_per_kwh=Decimal("0.15"))
    curve = tariff_curve(tariff, curve_of([a_day(price="-0.1")]), market(THURSDAY, 6), market(THURSDAY, 7), BERLIN)
    assert [str(slot.eur_per_kwh) for slot in curve.slots] == ["0.031"] * 4
    assert curve.source == SOURCE


def test_a_forecast_stays_marked() -> None:
    known = extended(curve_of([a_day()]), market(THURSDAY, 23), market(THURSDAY + DAY, 1))
    curve = tariff_curve(Tariff(), known, market(THURSDAY, 23), market(THURSDAY + DAY, 1), BERLIN)
    assert [slot.is_forecast for slot in curve.slots] == [False] * 4 + [True] * 4


def test_a_fixed_tariff_has_one_price_and_needs_no_market() -> None:
    tariff = Tariff(TariffKind.FIXED, fixed_eur_per_kwh=Decimal("0.30"))
    curve = tariff_curve(tariff, EMPTY, market(THURSDAY, 6), market(THURSDAY, 9), BERLIN)
    assert told(curve) == [("Thu 06:00", "0.30")]
    assert curve.slots[0].end_at == market(THURSDAY, 9)


def test_a_window_over_midnight_is_cheap_on_both_sides_of_it() -> None:
    curve = tariff_curve(time_of_use(night()), EMPTY, market(THURSDAY, 18), market(THURSDAY + DAY, 9), BERLIN)
    assert told(curve) == [("Thu 18:00", "0.40"), ("Thu 22:00", "0.20"), ("Fri 06:00", "0.40")]


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    tariff = time_of_use(night(frozenset({3})))
    assert THURSDAY.weekday() == 3
    curve = tariff_curve(tariff, EMPTY, market(THURSDAY, 0), market(THURSDAY + 2 * DAY, 0), BERLIN)
    assert told(curve) == [("Thu 00:00", "0.40"), ("Thu 22:00", "0.20"), ("Fri 06:00", "0.40")]


def test_the_first_window_that_holds_counts() -> None:
    lunch = TariffWindow(time(12), time(13, 10), Decimal("0.10"))
    day = TariffWindow(time(6), time(22), Decimal("0.30"))
    curve = tariff_curve(time_of_use(lunch, day), EMPTY, market(THURSDAY, 11), market(THURSDAY, 14), BERLIN)
    assert told(curve) == [("Thu 11:00", "0.30"), ("Thu 12:00", "0.10"), ("Thu 13:10", "0.30")]


def test_a_window_that_ends_where_it_begins_is_all_day() -> None:
    whole = TariffWindow(time(0), time(0), Decimal("0.10"))
    assert told(tariff_curve(time_of_use(whole), EMPTY, market(THURSDAY, 5), market(THURSDAY + DAY, 5), BERLIN)) == [
        ("Thu 05:00", "0.10")
    ]


@pytest.mark.parametrize(("day", "cheap_hours"), [(THURSDAY, 4), (SPRING, 3), (AUTUMN, 5)])
def test_a_night_window_loses_an_hour_in_spring_and_gains_one_in_autumn(day: date, cheap_hours: int) -> None:
    window = TariffWindow(time(1), time(5), Decimal("0.20"))
    curve = tariff_curve(time_of_use(window), EMPTY, market(day, 0), market(day + DAY, 0), BERLIN)
    assert hours_at(curve, "0.20") == cheap_hours


@pytest.mark.parametrize(("day", "cheap_hours"), [(THURSDAY, 1), (SPRING, 0.5), (AUTUMN, 1.5)])
def test_a_window_that_begins_in_the_hour_that_is_left_out_or_comes_twice(day: date, cheap_hours: float) -> None:
    """02:30 does not come in spring, so the window begins at 03:00; in autumn it comes twice."""
    window = TariffWindow(time(2, 30), time(3, 30), Decimal("0.20"))
    curve = tariff_curve(time_of_use(window), EMPTY, market(day, 0), market(day + DAY, 0), BERLIN)
    assert hours_at(curve, "0.20") == cheap_hours


@pytest.mark.parametrize(("day", "minutes"), [(THURSDAY, 10), (SPRING, 0), (AUTUMN, 20)])
def test_a_window_within_that_hour(day: date, minutes: int) -> None:
    window = TariffWindow(time(2, 10), time(2, 20), Decimal("0.20"))
    curve = tariff_curve(time_of_use(window), EMPTY, market(day, 0), market(day + DAY, 0), BERLIN)
    assert hours_at(curve, "0.20") * 60 == pytest.approx(minutes)


def test_local_time_is_that_of_the_tariff_and_not_of_the_market() -> None:
    window = TariffWindow(time(0), time(6), Decimal("0.20"))
    curve = tariff_curve(time_of_use(window), EMPTY, market(THURSDAY, 0), market(THURSDAY, 12), "Europe/Helsinki")
    assert [slot.end_at for slot in curve.slots] == [market(THURSDAY, 5), market(THURSDAY, 12)]


TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
WINDOWS = st.builds(
    TariffWindow,
    TIMES,
    TIMES,
    st.sampled_from([Decimal("0.1"), Decimal("0.2"), Decimal("0.3")]),
    st.frozensets(st.integers(0, 6)),
)


@given(
    st.lists(WINDOWS, max_size=3),
    st.sampled_from([THURSDAY, SPRING, AUTUMN]),
    st.integers(0, 24 * 3600),
    st.integers(1, 24 * 3600),
)
def test_every_minute_costs_what_the_clock_on_the_wall_says(
    windows: list[TariffWindow], day: date, start_s: int, length_s: int
) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - DAY / 2 + timedelta(seconds=start_s)
    end = start + timedelta(seconds=length_s)
    slots = tariff_curve(time_of_use(*windows), EMPTY, start, end, BERLIN).slots
    assert (slots[0].start_at, slots[-1].end_at) == (start, end)
    assert all(a.end_at == b.start_at and a.eur_per_kwh != b.eur_per_kwh for a, b in pairwise(slots))
    for slot in slots:
        at = slot.start_at
        while at < slot.end_at:
            assert slot.eur_per_kwh == _on_the_wall(windows, at.astimezone(ZoneInfo(BERLIN)))
            at += timedelta(minutes=7)


def _on_the_wall(windows: list[TariffWindow], local: datetime) -> Decimal:
    """Walk the window's own minutes instead of comparing edges."""
    for window in windows:
        length = (window.end.hour * 60 + window.end.minute - window.start.hour * 60 - window.start.minute) % 1440
        since = (local.hour * 60 + local.minute - window.start.hour * 60 - window.start.minute) % 1440
        begun_on = (
            (local - timedelta(minutes=since)).weekday() if local.time() >= window.start else (local.weekday() - 1) % 7
        )
        if since < (length or 1440) and begun_on in window.weekdays:
            return window.eur_per_kwh
    return Decimal("0.40")

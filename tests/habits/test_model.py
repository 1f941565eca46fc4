from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.habits.model import RARE_NEEDS_KWH, RARE_STAYS_H, Arrival, Visit, likeness, outlook
from offpeak.planning.outlook import Outlook

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def local(day: int, hour: float, month: int = 1) -> datetime:
    """An instant of 2026 by Berlin's clock; 12 January is a Monday."""
    midnight = datetime(2026, month, 1, tzinfo=BERLIN) + timedelta(days=day - 1)
    return (midnight + timedelta(hours=hour)).astimezone(UTC)


MONDAY_EVENING = local(12, 18)


def a_visit(arrived_at: datetime = MONDAY_EVENING, hours: float = 13.0, **changes: Any) -> Visit:
    return replace(Visit(arrived_at, arrived_at + hours * HOUR, 10.0), **changes)


NOW = Arrival(local(19, 18), "Europe/Berlin")
EVENINGS = [a_visit(local(day, 18), kwh=float(day)) for day in range(5, 17)]


def seen(own: list[Visit], others: list[Visit] | None = None, at: Arrival = NOW) -> Outlook:
    found = outlook(at, own, others or [], miss_eur=5.0)
    assert found is not None
    return found


def weight_of(visit: Visit, at: Arrival = NOW) -> float:
    return likeness(visit, at, BERLIN)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (a_visit(local(12, 18)), a_visit(local(12, 16.5))),
        (a_visit(local(12, 23)), a_visit(local(12, 7))),
        (a_visit(local(12, 18)), a_visit(local(5, 18))),
        (a_visit(local(14, 18)), a_visit(local(17, 18))),
        (a_visit(local(11, 18)), a_visit(local(9, 18))),
    ],
    ids=["by the hour", "the nearer of two far hours", "by recency", "a Wednesday like a Monday", "a Sunday evening"],
)
def test_a_visit_counts_the_more_the_more_alike_it_is(more: Visit, less: Visit) -> None:
    assert weight_of(more) > weight_of(less) > 0


def test_midnight_is_near_to_either_side() -> None:
    late = Arrival(local(19, 23.75), "Europe/Berlin")
    assert weight_of(a_visit(local(13, 0.25)), late) == pytest.approx(
        weight_of(a_visit(local(12, 23.25)), late), rel=0.01
    )


def test_in_the_morning_today_decides_and_in_the_afternoon_tomorrow() -> None:
    morning = Arrival(local(16, 9), "Europe/Berlin")
    assert weight_of(a_visit(local(9, 9)), morning) > weight_of(a_visit(local(10, 9)), morning)
    friday_evening = Arrival(local(16, 18), "Europe/Berlin")
    assert weight_of(a_visit(local(10, 18)), friday_evening) > weight_of(a_visit(local(8, 18)), friday_evening)


def test_summer_time_moves_no_habit() -> None:
    after_the_change = Arrival(local(30, 18, month=3), "Europe/Berlin")
    before = a_visit(local(23, 18, month=3))
    an_hour_off = a_visit(local(23, 19, month=3))
    assert weight_of(before, after_the_change) > weight_of(an_hour_off, after_the_change)


def test_another_user_of_the_charger_counts_little() -> None:
    mine = replace(NOW, user="me")
    assert weight_of(a_visit(user="me"), mine) > 5 * weight_of(a_visit(user="you"), mine) > 0
    assert weight_of(a_visit(user=""), mine) == weight_of(a_visit(user="me"), mine)


def test_no_visits_tell_nothing() -> None:
    assert outlook(NOW, [], [], miss_eur=5.0) is None
    assert outlook(NOW, [a_visit(NOW.at - HOUR)], [], miss_eur=5.0) is None, "it is not over yet"
    assert seen(EVENINGS[:1]).visits == 1


def test_what_nobody_has_seen_yet_may_happen() -> None:
    always = [a_visit(local(day, 18), kwh=8.0) for day in range(5, 17)]
    assert seen(always).departure_at(0.0005, NOW.at) == NOW.at + min(RARE_STAYS_H) * HOUR
    assert seen(always).need_kwh(1.0) == max(RARE_NEEDS_KWH)
    assert seen(always).need_kwh(0.95) == 8.0
    assert NOW.at + 10 * HOUR < seen(always).departure_at(0.05, NOW.at)


def test_the_fewer_visits_there_are_the_more_counts_what_nobody_has_seen() -> None:
    early = [
        sum(each.weight for each in seen(EVENINGS[:many]).chances if each.departure_at < NOW.at + 5 * HOUR)
        for many in (1, 3, 12)
    ]
    assert early[0] > 2 * early[1] > 2 * early[2] > 0.01


def test_only_the_past_counts() -> None:
    future = [a_visit(NOW.at - HOUR, hours=2.0, kwh=99.0)] * 20
    assert seen([*EVENINGS, *future]) == seen(EVENINGS)


def test_others_stand_in_for_a_new_charger() -> None:
    found = seen([], EVENINGS)
    assert found.visits == 0
    assert abs(found.departure_at(0.5, NOW.at) - (NOW.at + 13 * HOUR)) < HOUR


def test_others_hardly_count_once_a_charger_has_visits_of_its_own() -> None:
    strangers = [a_visit(local(12, 18), hours=2.0)] * 500
    assert seen(EVENINGS, strangers).departure_at(0.2, NOW.at) > NOW.at + 9 * HOUR
    assert seen(EVENINGS, strangers).departure_at(0.01, NOW.at) < NOW.at + 3 * HOUR


def test_what_is_drawn_already_is_needed_no_more() -> None:
    before = seen(EVENINGS)
    assert before.having_drawn(4.0).need_kwh(1.0) == pytest.approx(before.need_kwh(1.0) - 4.0)
    assert before.having_drawn(10.5).need_kwh(0.0) == 0.5


def test_a_need_that_was_cut_short_teaches_no_small_need() -> None:
    cut = [replace(visit, kwh=1.0, is_cut=True) for visit in EVENINGS[::2]]
    whole = EVENINGS[1::2]
    assert seen([*cut, *whole]).need_kwh(0.3) >= min(visit.kwh for visit in whole)
    taught = [replace(visit, is_cut=False) for visit in cut]
    assert seen([*taught, *whole]).need_kwh(0.3) == 1.0


def test_cut_visits_alone_count_as_what_they_were() -> None:
    cut = [replace(visit, is_cut=True) for visit in EVENINGS]
    assert seen(cut).chances == seen(EVENINGS).chances


def test_more_of_the_same_leaves_the_outlook_as_it_is() -> None:
    once, thrice = seen(EVENINGS), seen(sorted(EVENINGS * 3, key=lambda visit: visit.left_at))
    for share in (0.1, 0.5, 0.9):
        assert thrice.need_kwh(share) == once.need_kwh(share)
        assert abs(thrice.departure_at(share, NOW.at) - once.departure_at(share, NOW.at)) < HOUR


instants = st.integers(0, 36 * 365 * 24).map(lambda hours: NOW.at - hours * HOUR)
visits = st.builds(
    lambda at, length, kwh, user, is_cut: Visit(at, at + length, kwh, user, is_cut),
    instants,
    st.timedeltas(timedelta(0), timedelta(days=900)),
    st.floats(0, 1e6),
    st.sampled_from(["", "me", "you"]),
    st.booleans(),
)


@given(
    st.lists(visits, max_size=30), st.lists(visits, max_size=30), st.sampled_from(["Europe/Berlin", "Asia/Kathmandu"])
)
def test_whatever_the_past_was_chances_add_up_to_one(own: list[Visit], others: list[Visit], zone: str) -> None:
    own.sort(key=lambda visit: visit.left_at)
    found = outlook(Arrival(NOW.at, zone, "me"), own, others, miss_eur=5.0)
    past = [visit for visit in [*own, *others] if visit.left_at <= NOW.at]
    assert (found is None) == (sum(likeness(each, Arrival(NOW.at, zone, "me"), ZoneInfo(zone)) for each in past) <= 0)
    if found:
        assert sum(each.weight for each in found.chances) == pytest.approx(1.0)
        assert all(each.weight >= 0 and each.departure_at > NOW.at - HOUR for each in found.chances)
        assert NOW.at <= found.until(NOW.at) <= NOW.at + 2 * DAY

"""The inner solver against a linear program (docs/planning.md, 1 and 2)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.planning.cheapest import cheapest
from tests.planning.oracles import least_cost, most_energy

CLOSE = {"rel": 1e-6, "abs": 1e-6}

PRICES = st.one_of(
    st.integers(-2000, 6000).map(lambda tenth_of_mill: tenth_of_mill / 10_000),
    st.sampled_from([-0.05, 0.0, 0.1, 0.1, 0.3]),
)
ROOM = st.one_of(st.just(2.76), st.just(0.0), st.floats(0.001, 3.0))


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    slots = draw(st.lists(st.tuples(PRICES, ROOM), min_size=1, max_size=40))
    holds = sum(room for _, room in slots)
    levels = st.floats(0.0, 1.3 * holds)
    milestones = sorted(draw(st.lists(st.tuples(st.integers(0, len(slots)), levels), max_size=3)))
    at_once = draw(st.one_of(st.just(0.0), levels))
    need = max([draw(levels), at_once, *(level for _, level in milestones)])
    return {
        "prices": [price for price, _ in slots],
        "room": [room for _, room in slots],
        "need": need,
        "milestones": milestones,
        "at_once": at_once,
        "most": need + draw(st.one_of(st.just(0.0), st.floats(0.0, 20.0))),
    }


def in_order(room: list[float], energy: float) -> list[float]:
    drawn = []
    for each in room:
        drawn.append(min(each, max(0.0, energy - sum(drawn))))
    return drawn


@given(problems())
def test_it_costs_what_the_linear_program_costs_also_where_the_need_does_not_fit(problem: dict[str, Any]) -> None:
    drawn = cheapest(**problem)
    prices, room, need = problem["prices"], problem["room"], problem["need"]
    due = [(count, most_energy(room, count, level)) for count, level in (*problem["milestones"], (len(room), need))]
    floor = in_order(room, problem["at_once"])
    least = least_cost(prices, room, [(count, level - 1e-9) for count, level in due], problem["most"], floor)
    assert sum(price * energy for price, energy in zip(prices, drawn, strict=True)) == pytest.approx(least, **CLOSE)
    for count, level in due:
        assert sum(drawn[:count]) >= level - 1e-6


@given(problems())
def test_no_slot_holds_less_than_nothing_or_more_than_its_room(problem: dict[str, Any]) -> None:
    assert all(0 <= energy <= room for energy, room in zip(cheapest(**problem), problem["room"], strict=True))


@given(problems())
def test_what_is_due_at_once_is_drawn_from_the_first_slot_on(problem: dict[str, Any]) -> None:
    drawn = cheapest(**problem)
    for energy, first in zip(drawn, in_order(problem["room"], problem["at_once"]), strict=True):
        assert energy >= first - 1e-9


@given(problems())
def test_without_levels_in_between_at_most_one_slot_is_used_in_part(problem: dict[str, Any]) -> None:
    drawn = cheapest(problem["prices"], problem["room"], problem["need"])
    in_part = [1 for energy, room in zip(drawn, problem["room"], strict=True) if 1e-9 < energy < room - 1e-9]
    assert len(in_part) <= 1


@given(problems(), st.data())
def test_preferred_room_is_used_up_before_any_other(problem: dict[str, Any], data: st.DataObject) -> None:
    shares = data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=len(problem["room"])))
    preferred = [share * room for share, room in zip(shares, problem["room"], strict=False)]
    drawn = cheapest(problem["prices"], problem["room"], problem["need"], preferred=[preferred])
    inside = sum(min(energy, held) for energy, held in zip(drawn, preferred, strict=True))
    assert inside == pytest.approx(min(sum(preferred), sum(drawn)), abs=1e-6)


def test_equal_prices_go_to_the_earlier_slot() -> None:
    assert cheapest([0.3, 0.1, 0.1, 0.1], [2.0, 2.0, 2.0, 2.0], 3.0) == [0.0, 2.0, 1.0, 0.0]


def test_negative_prices_are_used_beyond_the_need_as_far_as_the_battery_goes() -> None:
    assert cheapest([0.1, -0.2, -0.1, 0.3], [2.0] * 4, 1.0, most=3.0) == [0.0, 2.0, 1.0, 0.0]


def test_what_costs_nothing_is_not_drawn_beyond_the_need() -> None:
    assert cheapest([0.0, 0.0], [2.0, 2.0], 1.0, most=3.0) == [1.0, 0.0]


def test_a_milestone_is_bought_before_it_is_due_though_later_slots_are_cheaper() -> None:
    assert cheapest([0.4, 0.3, 0.1, 0.1], [2.0] * 4, 5.0, milestones=[(2, 3.0)]) == [1.0, 2.0, 2.0, 0.0]


def test_nothing_to_plan_is_an_empty_plan() -> None:
    assert cheapest([], [], 5.0) == []

"""Power that is not the same all the time, and prices that the grid would have: what one session does with them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.planning.decide import decide
from offpeak.planning.plan import Plan, ReasonCode
from offpeak.planning.profile import encode, limit_at, limit_step_w
from offpeak.planning.situation import Milestone, PowerCap, PricedSlot, Situation
from tests.planning.builders import HOUR, NIGHT, NOW, RESTLESS, a_situation, after, priced
from tests.planning.oracles import least_cost, most_energy


def cap(start: float, end: float, power_w: float) -> PowerCap:
    return PowerCap(after(start), after(end), power_w)


def powers(plan: Plan) -> list[tuple[float, float, float]]:
    """Blocks as hours after NOW, and watts."""
    return [((each.start_at - NOW) / HOUR, (each.end_at - NOW) / HOUR, float(each.power_w)) for each in plan.blocks]


CASES: list[tuple[str, dict[str, Any], list[tuple[float, float, float]]]] = [
    ("a_cap_on_hours_that_are_not_used_changes_nothing", {"caps": (cap(0, 6, 0),)}, [(7, 9, 10_000)]),
    (
        "what_a_cap_takes_is_made_up_in_the_cheapest_room_left",
        {"caps": (cap(7, 8, 5_000),)},
        [(6.5, 7, 10_000), (7, 8, 5_000), (8, 9, 10_000)],
    ),
    (
        "a_cap_cuts_slots_where_it_begins_and_ends",
        {"caps": (cap(7.5, 8.25, 0),)},
        [(6.25, 7.5, 10_000), (8.25, 9, 10_000)],
    ),
    (
        "of_caps_that_overlap_the_least_holds",
        {"caps": (cap(0, 12, 8_000), cap(7, 9, 4_000))},
        [(6, 7, 8_000), (7, 9, 4_000), (9, 9.5, 8_000)],
    ),
    (
        "a_cap_below_the_least_power_of_a_car_is_a_pause",
        {"caps": (cap(7, 8, 4_000),), "min_power_w": 4_140.0},
        [(6, 7, 10_000), (8, 9, 10_000)],
    ),
    (
        "a_car_on_one_of_three_phases_takes_a_third_of_what_a_cap_leaves",
        {"caps": (cap(0, 12, 6_000),), "draw_w": 3_300.0, "phase_share": 1 / 3, "need_kwh": 8.0},
        [(6, 10, 6_000)],
    ),
    ("a_cap_below_zero_is_a_pause", {"caps": (cap(7, 8, -1.0),)}, [(6, 7, 10_000), (8, 9, 10_000)]),
    ("a_cap_above_the_maximum_is_none", {"caps": (cap(0, 12, 22_000),)}, [(7, 9, 10_000)]),
    (
        "a_capped_limit_is_one_that_the_profile_can_tell",
        {"caps": (cap(0, 12, 7_300),), "limit_step_w": 3_000.0, "need_kwh": 12.0},
        [(7, 9, 6_000)],
    ),
    (
        "the_minimum_is_charged_at_once_with_what_the_cap_leaves",
        {"caps": (cap(0, 1, 4_000),), "minimum_now_kwh": 9.0, "need_kwh": 9.0},
        [(0, 1, 4_000), (1, 1.5, 10_000)],
    ),
    (
        "a_milestone_counts_what_the_cap_leaves",
        {"caps": (cap(3, 12, 5_000),), "milestones": (Milestone(after(4), 10.0),), "need_kwh": 10.0},
        [(2.5, 3, 10_000), (3, 4, 5_000)],
    ),
    (
        "a_slow_car_takes_no_more_than_it_can",
        {"caps": (cap(7, 8, 5_000),), "draw_w": 4_000.0, "need_kwh": 8.0},
        [(7, 8, 5_000), (8, 9, 10_000)],
    ),
]


@pytest.mark.parametrize(("changes", "blocks"), [each[1:] for each in CASES], ids=[each[0] for each in CASES])
def test_under_caps(changes: dict[str, Any], blocks: list[tuple[float, float, float]]) -> None:
    assert powers(decide(a_situation(**changes))) == blocks


def test_caps_that_leave_nothing_are_a_shortfall_and_not_an_error() -> None:
    plan = decide(a_situation(caps=(cap(0, 12, 0),)))
    assert (plan.blocks, plan.shortfall_kwh) == ((), Decimal(20))
    assert plan.reason.code is ReasonCode.SHORT_OF_TIME


def test_it_is_ready_when_the_powers_of_its_blocks_have_drawn_the_need() -> None:
    plan = decide(a_situation(caps=(cap(7, 8, 5_000),), need_is_known=True))
    assert plan.ready_at is not None
    assert abs(plan.ready_at - after(8.99)) < timedelta(seconds=1), "it draws 0.1 kWh more than it needs, to spare"


def test_a_cap_that_comes_under_the_running_plan_moves_only_what_it_takes() -> None:
    running = decide(a_situation())
    plan = decide(a_situation(running=running, caps=(cap(8, 9, 5_000),)))
    assert powers(plan) == [(6.5, 8, 10_000), (8, 9, 5_000)]
    assert powers(decide(a_situation(running=plan, caps=(cap(8, 9, 5_000),)))) == powers(plan)


def test_after_the_plan_a_cap_still_holds() -> None:
    plan = decide(a_situation(caps=(cap(10, 14, 5_000), cap(13, 15, 3_000))))
    profile = encode(plan, unit="W", phases=3, voltage_v=230, now=NOW)
    expected = {8: 10_000, 9.5: 10_000, 10: 5_000, 12.5: 5_000, 13: 3_000, 14.5: 3_000, 15: 10_000, 99: 10_000}
    assert {hours: float(limit_at(profile, after(hours)) or 0) for hours in expected} == expected


def test_who_is_still_here_after_departure_is_capped_all_the_same() -> None:
    plan = decide(a_situation(departure_at=NOW, caps=(cap(-1, 2, 5_000),)))
    profile = encode(plan, unit="W", phases=3, voltage_v=230, now=NOW)
    assert [(each.start_period_s, float(each.limit)) for each in profile.periods] == [(0, 5_000), (7200, 10_000)]


def test_steering_moves_a_plan_and_is_not_told_as_money() -> None:
    steered = tuple(
        PricedSlot(each.start_at, each.end_at, each.eur_per_kwh, steer_eur_per_kwh=0.5 if n == 7 else 0.0)
        for n, each in enumerate(NIGHT)
    )
    plan = decide(a_situation(slots=steered))
    assert powers(plan) == [(6, 7, 10_000), (8, 9, 10_000)]
    assert (plan.cost_eur, plan.cost_at_once_eur) == (Decimal("1.9"), Decimal("7.8"))


@st.composite
def capped(draw: st.DrawFn) -> tuple[Situation, str, int]:
    unit, phases = draw(st.sampled_from([("W", 3), ("A", 3), ("A", 1)]))
    quarters = draw(st.integers(1, 16))
    prices = draw(st.lists(st.integers(-100, 600), min_size=quarters, max_size=quarters))
    spans = st.tuples(st.integers(0, 240), st.integers(1, 120), st.sampled_from([0.0, 3_000.0, 5_333.3, 9_000.0]))
    caps = draw(st.lists(spans, max_size=3))
    situation = a_situation(
        slots=priced(*(price / 1000 for price in prices), length=timedelta(minutes=15)),
        departure_at=NOW + quarters * timedelta(minutes=15),
        need_kwh=draw(st.floats(0.1, 40.0)),
        need_is_known=True,
        minimum_now_kwh=draw(st.sampled_from([0.0, 0.0, 2.5])),
        milestones=tuple(draw(st.sampled_from([[], [Milestone(after(0.6), 3.0)]]))),
        caps=tuple(PowerCap(after(start / 60), after((start + length) / 60), w) for start, length, w in caps),
        max_power_w=draw(st.sampled_from([7_360.0, 11_040.0])),
        min_power_w=draw(st.sampled_from([0.0, 4_140.0])),
        limit_step_w=limit_step_w(unit, phases, 230),
        calm=RESTLESS,
    )
    return situation, unit, phases


@given(capped())
def test_no_cap_is_broken_after_rounding_and_the_cost_is_the_linear_programs(drawn: tuple[Situation, str, int]) -> None:
    situation, unit, phases = drawn
    plan = decide(situation)
    profile = encode(plan, unit=unit, phases=phases, voltage_v=230, now=NOW)
    watts = float(phases * 230 if unit == "A" else 1)
    minutes = [NOW + timedelta(minutes=n) for n in range(400)]
    for at in minutes:
        limit = limit_at(profile, at)
        assert limit is not None
        held_w = min([situation.max_power_w, *(c.power_w for c in situation.caps if c.start_at <= at < c.end_at)])
        assert float(limit) * watts <= held_w + 1e-6
        assert float(limit) == 0 or float(limit) * watts >= situation.min_power_w
    prices, room, edges = minute_by_minute(situation, minutes)
    floor = [0.0] * len(room)
    left = situation.minimum_now_kwh
    for n, kwh in enumerate(room):
        floor[n] = min(kwh, max(0.0, left))
        left -= kwh
    a_second_kwh = situation.max_power_w / 3_600_000
    levels = [(sum(1 for at in edges if at < each.at), each.kwh) for each in situation.milestones]
    need = max(situation.need_kwh, situation.minimum_now_kwh, *(kwh for _, kwh in levels), 0.0)
    # What is missing at a level is made up at once.
    short = [(n, kwh) for count, kwh in levels for n in range(count + 1, len(room)) if sum(room[: n - 1]) < kwh]
    due = [(count, most_energy(room, count, kwh) - 1e-9) for count, kwh in sorted([*levels, *short, (len(room), need)])]
    least = least_cost(prices, room, due, max(need, sum(floor)) + 1e-6, floor)
    pieces = len(plan.blocks) + len(levels) + 2
    assert float(plan.cost_eur) == pytest.approx(least, abs=pieces * a_second_kwh + 1e-4)
    assert float(plan.shortfall_kwh) == pytest.approx(need - due[-1][1], abs=6e-4)
    assert all(a.end_at <= b.start_at for a, b in pairwise(plan.blocks))


def minute_by_minute(situation: Situation, minutes: list[Any]) -> tuple[list[float], list[float], list[Any]]:
    """Prices, what may be drawn, and beginnings of the minutes until departure, worked out from the rules alone."""
    stay = [at for at in minutes if at < situation.departure_at]
    prices, room = [], []
    for at in stay:
        held_w = min([situation.max_power_w, *(c.power_w for c in situation.caps if c.start_at <= at < c.end_at)])
        told_w = int(held_w / situation.limit_step_w + 1e-9) * situation.limit_step_w
        prices.append(next(each.eur_per_kwh for each in situation.slots if each.start_at <= at < each.end_at))
        room.append(0.0 if told_w < situation.min_power_w else told_w / 60_000)
    return prices, room, stay

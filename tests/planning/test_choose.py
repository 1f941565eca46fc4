"""A running plan moves only when it is worth it (docs/planning.md, 5)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.planning.choose import EXACT_STEPS, MJ_PER_KW, _few_starts
from offpeak.planning.decide import decide
from offpeak.planning.facts import spans_of
from offpeak.planning.plan import Plan
from offpeak.planning.problem import pose
from offpeak.planning.situation import Calm, PowerCap
from offpeak.planning.starts import TooManyStates
from tests.planning.builders import NIGHT, QUARTER, RESTLESS, a_situation, after, priced, spans

RUNNING = decide(a_situation())
"""Charges from 01:00 to 03:00, hours 7 to 9, for 0.08 and 0.09 EUR."""


def night(**eur_per_kwh: float) -> tuple[Any, ...]:
    """NIGHT with other prices in some hours: night(h6=0.05)."""
    return tuple(replace(slot, eur_per_kwh=eur_per_kwh.get(f"h{n}", slot.eur_per_kwh)) for n, slot in enumerate(NIGHT))


CASES: list[tuple[str, dict[str, Any], list[tuple[float, float]], bool]] = [
    ("nothing_new_keeps_the_plan", {"now": after(1)}, [(7, 9)], True),
    ("an_equal_hour_elsewhere_does_not_move_it", {"slots": night(h6=0.08, h8=0.08)}, [(7, 9)], True),
    ("an_hour_cheaper_by_less_than_the_threshold_does_not_move_it", {"slots": night(h6=0.087)}, [(7, 9)], True),
    ("an_hour_cheaper_by_more_than_the_threshold_moves_it", {"slots": night(h6=0.07, h9=0.2)}, [(6, 8)], False),
    ("a_need_that_shrinks_by_little_keeps_it", {"need_kwh": 19.95}, [(7, 9)], True),
    ("a_need_that_grows_by_little_keeps_it", {"need_kwh": 20.05}, [(7, 9)], True),
    ("a_need_that_shrinks_takes_from_the_dearest_hour", {"need_kwh": 15.0}, [(7, 8.5)], False),
    ("a_need_that_grows_is_met_beside_the_running_hours", {"need_kwh": 22.5}, [(6.75, 9)], False),
    (
        "a_need_that_grows_stays_beside_them_though_another_hour_is_a_little_cheaper",
        {"need_kwh": 22.5, "slots": night(h2=0.09)},
        [(6.75, 9)],
        False,
    ),
    ("a_need_that_grows_far_takes_from_anywhere", {"need_kwh": 45.0}, [(5.5, 10)], False),
    ("a_plan_under_way_goes_on", {"now": after(8), "need_kwh": 10.0}, [(8, 9)], True),
    ("an_earlier_departure_moves_what_comes_too_late", {"departure_at": after(8)}, [(6, 8)], False),
    ("a_later_departure_alone_does_not_move_it", {"departure_at": after(14)}, [(7, 9)], True),
    ("a_boost_moves_it_to_now", {"boosts": True}, [(0, 2)], False),
    ("a_minimum_at_once_moves_as_much_of_it", {"minimum_now_kwh": 5.0}, [(0, 0.5), (7, 8.5)], False),
    (
        "a_car_that_takes_nothing_is_not_followed",
        {"now": after(7.5), "need_kwh": 20.0, "is_idle": True},
        [(7.5, 9)],
        True,
    ),
    ("a_car_that_takes_again_gets_what_it_needs", {"now": after(7.5), "need_kwh": 20.0}, [(7.5, 9.5)], False),
    ("a_plan_that_ran_out_is_made_anew", {"now": after(9), "need_kwh": 10.0}, [(9, 10)], False),
]


@pytest.mark.parametrize(("changes", "blocks", "kept"), [each[1:] for each in CASES], ids=[each[0] for each in CASES])
def test_the_running_plan(changes: dict[str, Any], blocks: list[tuple[float, float]], kept: bool) -> None:
    plan = decide(a_situation(running=RUNNING, **changes))
    assert spans(plan.blocks) == blocks
    assert plan.reason.facts["kept"] is kept


def test_a_plan_that_is_kept_keeps_the_time_when_it_was_made() -> None:
    assert decide(a_situation(running=RUNNING, now=after(1))).made_at == RUNNING.made_at
    assert decide(a_situation(running=RUNNING, now=after(1), need_kwh=30.0)).made_at == after(1)


def test_who_takes_nothing_until_the_plan_is_over_is_not_limited_where_the_need_was_assumed() -> None:
    late = {"now": after(9), "need_kwh": 15.0, "is_idle": True, "running": RUNNING}
    assert decide(a_situation(**late)).unlimited_from == after(9)
    assert spans(decide(a_situation(**late, need_is_known=True, calm=RESTLESS)).blocks) == [(9, 10.5)]


def test_who_takes_nothing_is_short_of_nothing() -> None:
    assert decide(a_situation(now=after(8.5), is_idle=True, running=RUNNING)).shortfall_kwh == 0


def test_a_plan_that_is_kept_tells_what_it_costs_now() -> None:
    assert decide(a_situation(running=RUNNING, slots=night(h8=0.1))).cost_eur == Decimal("1.8")


def test_the_threshold_is_a_share_of_a_dear_plan() -> None:
    dear = tuple(replace(slot, eur_per_kwh=slot.eur_per_kwh * 10) for slot in night(h6=0.085))
    assert spans(decide(a_situation(running=RUNNING, slots=dear, calm=Calm(threshold_share=0.1))).blocks) == [(7, 9)]
    assert spans(decide(a_situation(running=RUNNING, slots=dear, calm=Calm(threshold_share=0.0))).blocks) == [(6, 8)]


def test_a_car_that_is_charging_is_not_stopped_for_less_than_a_start_is_worth() -> None:
    slots = priced(0.20, 0.20, 0.198, 0.198)
    calm = Calm(start_eur=0.05, threshold_eur=0.0, threshold_share=0.0)
    running = decide(a_situation(slots=slots[:2], departure_at=after(2)))
    assert spans(running.blocks) == [(0, 2)]
    plan = decide(a_situation(slots=slots, departure_at=after(4), running=running, calm=calm))
    assert spans(plan.blocks) == [(0, 2)]
    assert spans(decide(a_situation(slots=slots, departure_at=after(4), calm=calm)).blocks) == [(2, 4)]


def test_two_pieces_become_one_when_the_start_is_worth_more_than_the_pause() -> None:
    slots = priced(0.1, 0.103, 0.1)
    running = decide(a_situation(slots=slots, departure_at=after(3), calm=RESTLESS))
    assert spans(running.blocks) == [(0, 1), (2, 3)]
    calm = Calm(start_eur=0.05, threshold_eur=0.0, threshold_share=0.0)
    plan = decide(a_situation(slots=slots, departure_at=after(3), running=running, calm=calm))
    assert spans(plan.blocks) == [(0, 2)]


def test_mending_leaves_no_run_that_is_too_short_where_a_fresh_plan_has_none() -> None:
    calm = Calm(start_eur=0.0, minimum_run_s=3600)
    before = a_situation(slots=night(h7=0.3), calm=calm)
    running = decide(before)
    assert spans(running.blocks) == [(6, 7), (8, 9)]
    again = decide(replace(before, now=after(1), need_kwh=13.0, running=running))
    assert spans(again.blocks) == [(8, pytest.approx(9.3))]
    loose = replace(before, calm=replace(calm, minimum_run_s=0))
    again = decide(replace(loose, now=after(1), need_kwh=13.0, running=running))
    assert spans(again.blocks) == [(6, pytest.approx(6.3)), (8, 9)]


def test_a_car_that_charges_is_boosted_through_what_it_would_have_left_out() -> None:
    slots = priced(0.2, 0.3, 0.1)
    running = decide(a_situation(slots=slots, departure_at=after(3), need_kwh=17.5, calm=Calm(start_eur=0.0)))
    assert spans(running.blocks) == [(0, 0.75), (2, 3)]
    plan = decide(a_situation(slots=slots, departure_at=after(3), need_kwh=17.5, running=running, boost_until=after(1)))
    assert spans(plan.blocks) == [(0, 1), (2, 2.75)]


def test_what_a_charging_car_needs_less_is_left_out_after_what_it_is_doing() -> None:
    slots = priced(0.2, 0.1)
    running = decide(a_situation(slots=slots, departure_at=after(2)))
    plan = decide(a_situation(slots=slots, departure_at=after(2), now=after(0.25), need_kwh=12.5, running=running))
    assert spans(plan.blocks) == [(0.25, 0.5), (1, 2)]


def test_small_changes_do_not_add_up_to_an_unmet_need() -> None:
    """Each plan is compared with the need itself, not with the plan before."""
    plan, need = RUNNING, 20.0
    for _ in range(30):
        need += 0.08
        plan = decide(a_situation(running=plan, need_kwh=need))
    assert _drawn_kwh(plan) >= need - Calm().energy_kwh


@given(
    st.lists(st.integers(0, 400), min_size=12, max_size=12),
    st.lists(st.integers(0, 400), min_size=12, max_size=12),
    st.integers(0, 11 * 4),
    st.floats(1.0, 60.0),
    st.floats(0.0, 60.0),
)
def test_a_running_plan_costs_at_most_the_threshold_more_than_the_best_and_meets_the_need(
    prices_before: list[int], prices_now: list[int], quarters: int, need_before: float, need_now: float
) -> None:
    before = priced(*(price / 1000 for price in prices_before))
    slots = priced(*(price / 1000 for price in prices_now))
    now, calm = after(quarters / 4), Calm(start_eur=0.0, drift_share=0.0)
    running = decide(a_situation(slots=before, need_kwh=need_before, calm=calm))
    plan = decide(a_situation(slots=slots, need_kwh=need_now, now=now, calm=calm, running=running))
    best = decide(a_situation(slots=slots, need_kwh=need_now, now=now, calm=calm))
    threshold = max(calm.threshold_eur, calm.threshold_share * float(plan.cost_eur))
    assert float(plan.cost_eur - best.cost_eur) <= threshold + 1e-3
    assert plan.shortfall_kwh == best.shortfall_kwh
    assert _drawn_kwh(plan) >= need_now - float(plan.shortfall_kwh) - calm.energy_kwh - 1e-3


def _drawn_kwh(plan: Plan) -> float:
    return sum((end - start) * 10.0 for start, end in spans(plan.blocks))


def test_slots_of_a_hundred_powers_at_like_prices_are_planned_with_few_starts_all_the_same() -> None:
    """Sums of unlike energies are too many to look at all of them: they count coarsely then, and the need is met."""
    random = Random(7)
    situation = a_situation(
        slots=priced(*(0.3 + 0.002 * random.random() for _ in range(96)), length=QUARTER),
        departure_at=after(24),
        min_power_w=4140.0,
        need_is_known=True,
        need_kwh=30.0,
        caps=tuple(
            PowerCap(after(n / 4), after((n + 1) / 4), random.choice((0, *range(4200, 10_000, 37)))) for n in range(96)
        ),
    )
    problem = pose(situation)
    units = [round(kw * MJ_PER_KW) * 900 for kw in problem.draw_kw]
    with pytest.raises(TooManyStates):
        _few_starts(problem, situation.calm, units, 20, EXACT_STEPS, is_on=False)

    few, free = (decide(replace(situation, calm=calm)) for calm in (Calm(), replace(Calm(), start_eur=0.0)))
    assert few.shortfall_kwh == free.shortfall_kwh == 0
    counted = [plan.cost_eur + Decimal("0.01") * len(spans_of(plan)) for plan in (few, free)]
    assert counted[0] < counted[1]
    assert len(spans_of(few)) < len(spans_of(free)) / 2


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97, 1.0])
def test_slots_of_a_hundred_powers_lose_nothing_that_fits_nor_what_is_due_at_once(share: float) -> None:
    random = Random(3)
    caps = tuple(PowerCap(after(n / 4), after((n + 1) / 4), random.uniform(1_400, 10_000)) for n in range(96))
    situation = a_situation(
        now=after(0.24),
        slots=priced(*(0.2 + 0.02 * random.random() for _ in range(96)), length=QUARTER),
        departure_at=after(24),
        need_kwh=share * sum(each.power_w for each in caps) / 4000,
        boost_until=after(0.8),
        min_power_w=1_380.0,
        limit_step_w=1.0,
        caps=caps,
    )
    plan, free = (decide(replace(situation, calm=calm)) for calm in (Calm(), replace(Calm(), start_eur=0.0)))
    assert plan.shortfall_kwh == free.shortfall_kwh
    assert plan.blocks[0].start_at == situation.now
    assert all(a.end_at == b.start_at for a, b in pairwise(each for each in plan.blocks if each.start_at < after(0.8)))

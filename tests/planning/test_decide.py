"""What is decided in which situation: tables with a sentence a case, and properties against a linear program."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.planning.decide import decide
from offpeak.planning.plan import ReasonCode
from offpeak.planning.situation import Calm, Milestone, PricedSlot, Situation
from tests.planning.builders import HOUR, NIGHT, NOW, QUARTER, RESTLESS, a_situation, after, priced, spans
from tests.planning.oracles import least_cost

KNOWN = {"need_is_known": True}


def night(**eur_per_kwh: float) -> tuple[PricedSlot, ...]:
    """NIGHT with other prices in some hours: night(h6=0.05)."""
    return tuple(replace(slot, eur_per_kwh=eur_per_kwh.get(f"h{n}", slot.eur_per_kwh)) for n, slot in enumerate(NIGHT))


CASES: list[tuple[str, dict[str, Any], list[tuple[float, float]], ReasonCode]] = [
    ("two_hours_of_need_go_into_the_two_cheapest_hours", {}, [(7, 9)], ReasonCode.CHEAPEST),
    (
        "who_leaves_in_the_evening_is_charged_in_the_evening",
        {"departure_at": after(3)},
        [(1, 3)],
        ReasonCode.CHEAPEST,
    ),
    (
        "the_one_slot_that_is_partly_used_runs_at_full_power_for_part_of_it",
        {"need_kwh": 12.5},
        [(7, 8.25)],
        ReasonCode.CHEAPEST,
    ),
    (
        "a_part_of_a_slot_before_a_full_one_comes_at_its_end",
        {"slots": priced(0.3, 0.2, 0.1), "departure_at": after(3), "need_kwh": 15.0},
        [(1.5, 3)],
        ReasonCode.CHEAPEST,
    ),
    (
        "a_part_of_a_slot_between_two_full_ones_joins_the_earlier",
        {"slots": priced(0.1, 0.2, 0.1), "departure_at": after(3), "need_kwh": 25.0},
        [(0, 1.5), (2, 3)],
        ReasonCode.CHEAPEST,
    ),
    (
        "a_need_of_whole_seconds_takes_no_second_more",
        {"need_kwh": 1.1},
        [(7, 7 + 396 / 3600)],
        ReasonCode.CHEAPEST,
    ),
    (
        "the_first_slot_counts_from_now_on",
        {"now": after(0.75), "slots": priced(0.1, 0.3, 0.2), "departure_at": after(3), "need_kwh": 5.0},
        [(0.75, 1), (2, 2.25)],
        ReasonCode.CHEAPEST,
    ),
    (
        "the_last_slot_counts_until_departure",
        {"slots": priced(0.2, 0.3, 0.1), "departure_at": after(2.5), "need_kwh": 10.0},
        [(0, 0.5), (2, 2.5)],
        ReasonCode.CHEAPEST,
    ),
    (
        "equal_prices_charge_at_once",
        {"slots": priced(*[0.3] * 12)},
        [(0, 2)],
        ReasonCode.AT_ONCE,
    ),
    (
        "what_does_not_fit_is_charged_all_the_time",
        {"need_kwh": 500.0},
        [(0, 12)],
        ReasonCode.SHORT_OF_TIME,
    ),
    (
        "negative_prices_are_taken_first",
        {"slots": priced(0.1, 0.2, -0.1, -0.3), "departure_at": after(4), "need_kwh": 10.0},
        [(3, 4)],
        ReasonCode.CHEAPEST,
    ),
    (
        "negative_prices_are_used_beyond_the_need_as_far_as_the_battery_goes",
        {"slots": priced(0.1, 0.2, -0.1, -0.3), "departure_at": after(4), "need_kwh": 10.0, "room_kwh": 15.0},
        [(2.5, 4)],
        ReasonCode.CHEAPEST,
    ),
    (
        "a_car_that_has_what_it_needs_is_still_paid_to_charge",
        {"slots": priced(0.1, -0.1), "departure_at": after(2), "need_kwh": 0.0, "room_kwh": 5.0, **KNOWN},
        [(1, 1.5)],
        ReasonCode.NEED_MET,
    ),
    ("a_car_that_is_known_to_have_what_it_needs_is_paused", {"need_kwh": -3.0, **KNOWN}, [], ReasonCode.NEED_MET),
    (
        "the_minimum_is_charged_at_once_and_the_rest_when_it_is_cheapest",
        {"minimum_now_kwh": 5.0},
        [(0, 0.5), (7, 8.5)],
        ReasonCode.CHEAPEST,
    ),
    ("a_minimum_above_the_need_is_a_need", {"need_kwh": 1.0, "minimum_now_kwh": 10.0}, [(0, 1)], ReasonCode.AT_ONCE),
    (
        "a_milestone_is_met_from_the_cheapest_time_before_it",
        {"milestones": (Milestone(after(4.5), 10.0),)},
        [(3.5, 4.5), (7, 8)],
        ReasonCode.CHEAPEST,
    ),
    (
        "a_start_is_saved_between_milestones_too",
        {"milestones": (Milestone(after(8), 10.0),), "slots": night(h5=0.0895), "need_kwh": 20.0},
        [(7, 9)],
        ReasonCode.CHEAPEST,
    ),
    (
        "a_milestone_that_a_start_is_cheaper_than_waiting_for_is_met_in_one_run",
        {"milestones": (Milestone(after(7), 10.0),), "need_kwh": 20.0, "calm": Calm(start_eur=0.5)},
        [(6, 8)],
        ReasonCode.CHEAPEST,
    ),
    (
        "a_run_lasts_as_long_as_it_has_to",
        {"slots": priced(0.1, 0.5, 0.3, 0.1), "departure_at": after(4), "calm": Calm(start_eur=0, minimum_run_s=7200)},
        [(2, 4)],
        ReasonCode.CHEAPEST,
    ),
    (
        "a_need_that_takes_less_than_the_shortest_run_is_met_all_the_same",
        {"need_kwh": 5.0, "calm": Calm(minimum_run_s=3600)},
        [(7, 7.5)],
        ReasonCode.CHEAPEST,
    ),
    (
        "a_need_that_takes_less_than_the_shortest_run_is_met_in_one_run_of_all_of_it",
        {
            "slots": priced(0.4, 0.1, 0.3, 0.12, length=QUARTER),
            "departure_at": after(1),
            "need_kwh": 4.0,
            "calm": Calm(start_eur=0, minimum_run_s=3600),
        },
        [(0.25, 0.65)],
        ReasonCode.CHEAPEST,
    ),
    ("a_boosted_car_charges_at_once_whatever_the_price", {"boosts": True}, [(0, 2)], ReasonCode.BOOST),
    ("a_boost_ends_when_it_was_said_to", {"boost_until": after(0.5)}, [(0, 0.5), (7, 8.5)], ReasonCode.CHEAPEST),
    ("a_boost_ends_when_the_need_is_met", {"boost_until": after(9)}, [(0, 2)], ReasonCode.BOOST),
    ("a_boost_that_is_over_is_none", {"boost_until": after(-1)}, [(7, 9)], ReasonCode.CHEAPEST),
    (
        "time_without_a_price_costs_the_mean_of_the_others",
        {"slots": priced(0.1, 0.4) + priced(0.2, start_at=after(3)), "departure_at": after(4), "need_kwh": 25.0},
        [(0, 1), (2.5, 4)],
        ReasonCode.CHEAPEST,
    ),
    ("without_any_price_it_charges_at_once", {"slots": ()}, [(0, 2)], ReasonCode.NO_PRICES),
    (
        "a_slow_car_gets_the_time_it_takes",
        {"draw_w": 5_000.0},
        [(6, 10)],
        ReasonCode.CHEAPEST,
    ),
    (
        "power_that_the_profile_cannot_tell_is_made_up_in_the_cheapest_room_left",
        {"limit_step_w": 3_000.0, "need_kwh": 18.0},
        [(7, 9)],
        ReasonCode.CHEAPEST,
    ),
]


@pytest.mark.parametrize(("changes", "blocks", "code"), [each[1:] for each in CASES], ids=[each[0] for each in CASES])
def test_decide(changes: dict[str, Any], blocks: list[tuple[float, float]], code: ReasonCode) -> None:
    plan = decide(a_situation(**changes))
    assert spans(plan.blocks) == blocks
    assert plan.reason.code is code


UNLIMITED: list[tuple[str, dict[str, Any], ReasonCode]] = [
    ("a_car_still_here_after_its_departure_is_not_limited", {"departure_at": NOW}, ReasonCode.PAST_DEPARTURE),
    (
        "a_car_that_may_want_more_than_was_assumed_is_not_limited",
        {"need_kwh": 0.0},
        ReasonCode.NEED_UNKNOWN,
    ),
    (
        "a_charger_below_the_least_power_of_a_car_is_not_limited",
        {"max_power_w": 4_000.0, "min_power_w": 4_140.0},
        ReasonCode.TOO_LITTLE_POWER,
    ),
    ("a_charger_of_no_power_is_not_limited", {"max_power_w": 0.0}, ReasonCode.TOO_LITTLE_POWER),
]


@pytest.mark.parametrize(("changes", "code"), [each[1:] for each in UNLIMITED], ids=[each[0] for each in UNLIMITED])
def test_nobody_is_stranded(changes: dict[str, Any], code: ReasonCode) -> None:
    plan = decide(a_situation(**changes))
    assert (plan.blocks, plan.unlimited_from, plan.reason.code) == ((), NOW, code)


def test_a_known_need_pauses_from_its_end_until_departure_and_has_a_little_to_spare() -> None:
    """What is missing when the pause begins would stay missing."""
    plan = decide(a_situation(**KNOWN, calm=Calm(energy_kwh=0.25)))
    assert spans(plan.blocks) == [(6.975, 9)]
    assert (plan.ready_at, plan.unlimited_from) == (after(8.975), after(12))


def test_a_known_need_of_next_to_nothing_is_met() -> None:
    plan = decide(a_situation(need_kwh=0.06, minimum_now_kwh=0.05, **KNOWN))
    assert (plan.blocks, plan.reason.code, plan.shortfall_kwh, plan.ready_at) == ((), ReasonCode.NEED_MET, 0, NOW)


def test_the_last_of_a_known_need_is_drawn_by_the_plan_that_draws_the_rest() -> None:
    running = decide(a_situation(**KNOWN))
    last = decide(a_situation(now=after(8.98), need_kwh=0.1, running=running, **KNOWN))
    assert last.blocks[-1].end_at == running.blocks[-1].end_at


def test_an_assumed_need_lets_the_car_go_on_when_it_is_met() -> None:
    plan = decide(a_situation())
    assert plan.unlimited_from == plan.ready_at == after(9)


def test_a_shortfall_is_named() -> None:
    plan = decide(a_situation(need_kwh=130.0))
    assert plan.shortfall_kwh == Decimal("10.000")
    assert plan.ready_at is None


def test_the_saving_compares_with_full_power_from_the_start() -> None:
    plan = decide(a_situation())
    assert plan.cost_at_once_eur == Decimal("7.8")
    assert plan.cost_eur == Decimal("1.7")
    assert plan.saving_eur == Decimal("6.1")


def test_energy_that_is_drawn_because_it_pays_is_a_saving() -> None:
    slots = priced(0.1, 0.2, -0.1, -0.3)
    plan = decide(a_situation(slots=slots, departure_at=after(4), need_kwh=10.0, room_kwh=15.0))
    assert (plan.cost_eur, plan.cost_at_once_eur, plan.saving_eur) == (Decimal("-3.5"), Decimal(1), Decimal("4.5"))


def test_the_need_that_a_plan_names_is_the_largest_of_what_is_due() -> None:
    assert decide(a_situation(need_kwh=1.0, minimum_now_kwh=10.0)).need_kwh == 10
    assert decide(a_situation(need_kwh=1.0, milestones=(Milestone(after(6), 12.0),))).need_kwh == 12


def test_time_without_a_price_counts_as_forecast() -> None:
    gap = priced(0.1, 0.4) + priced(0.2, start_at=after(3))
    assert decide(a_situation(slots=gap, departure_at=after(4))).uses_forecast
    assert decide(a_situation(slots=gap, departure_at=after(5))).uses_forecast
    assert not decide(a_situation(slots=gap, departure_at=after(2))).uses_forecast


def test_a_plan_says_whether_a_price_was_forecast() -> None:
    forecast = tuple(replace(slot, is_forecast=slot.start_at >= after(6)) for slot in NIGHT)
    assert decide(a_situation(slots=forecast)).uses_forecast
    assert not decide(a_situation(slots=forecast, departure_at=after(6))).uses_forecast


def test_milliseconds_of_now_and_departure_are_cut() -> None:
    part = timedelta(milliseconds=345)
    plan = decide(a_situation(now=NOW + part, departure_at=after(2) + part))
    assert spans(plan.blocks) == [(0, 2)]
    assert plan.ready_at == after(2)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Quarter-hours from a while ago; a stay of up to a day that begins and ends at any second."""
    start_at = NOW - timedelta(seconds=draw(st.integers(0, 899)))
    count = draw(st.integers(1, 100))
    price = st.integers(-50, 400).map(lambda mill: mill / 1000)
    prices = draw(st.lists(price, min_size=count, max_size=count))
    priced_s = int((start_at + count * QUARTER - NOW).total_seconds())
    return Situation(
        now=NOW,
        slots=priced(*prices, start_at=start_at, length=QUARTER),
        need_kwh=draw(st.floats(0, 120)),
        departure_at=NOW + timedelta(seconds=draw(st.integers(1, priced_s))),
        max_power_w=draw(st.sampled_from([3_680.0, 7_360.0, 11_040.0, 22_080.0])),
        minimum_now_kwh=draw(st.one_of(st.just(0.0), st.floats(0, 20))),
        need_is_known=True,
        calm=RESTLESS,
    )


@given(situations())
def test_a_plan_costs_what_the_linear_program_costs(situation: Situation) -> None:
    plan = decide(situation)
    slots = [
        (slot.eur_per_kwh, _hours(situation, slot) * situation.max_power_w / 1000)
        for slot in situation.slots
        if _hours(situation, slot) > 0
    ]
    room = [kwh for _, kwh in slots]
    need = min(sum(room), max(situation.need_kwh, situation.minimum_now_kwh))
    a_second_kwh = situation.max_power_w / 3_600_000
    floor = []
    for kwh in room:
        floor.append(min(kwh, max(0.0, situation.minimum_now_kwh + a_second_kwh - sum(floor))))
    least = least_cost([price for price, _ in slots], room, [(len(room), need)], need + a_second_kwh, floor)
    assert float(plan.cost_eur) == pytest.approx(least, abs=0.5 * a_second_kwh + 1e-4)
    assert float(plan.shortfall_kwh) == pytest.approx(
        max(situation.need_kwh, situation.minimum_now_kwh) - need, abs=6e-4
    )


@given(situations(), st.sampled_from([RESTLESS, Calm()]))
def test_blocks_are_in_the_stay_and_draw_the_need_to_the_second(situation: Situation, calm: Calm) -> None:
    plan = decide(replace(situation, calm=calm))
    edges = [at for block in plan.blocks for at in (block.start_at, block.end_at)]
    assert all(earlier < later for earlier, later in pairwise(edges))
    assert all(situation.now <= at <= situation.departure_at and at.microsecond == 0 for at in edges)
    assert all(float(block.power_w) == situation.max_power_w for block in plan.blocks)
    drawn = sum((block.end_at - block.start_at) / HOUR for block in plan.blocks) * situation.max_power_w / 1000
    wanted = max(situation.need_kwh, situation.minimum_now_kwh) - float(plan.shortfall_kwh)
    if wanted > calm.energy_kwh:
        pieces = len(plan.blocks) + 1
        assert -1e-3 <= drawn - wanted <= 1e-3 + calm.energy_kwh + pieces * situation.max_power_w / 3_600_000


@given(situations())
def test_few_starts_never_cost_more_than_what_they_are_worth(situation: Situation) -> None:
    cheapest = decide(situation)
    calm = replace(RESTLESS, start_eur=0.02)
    few = decide(replace(situation, calm=calm))
    assert len(few.blocks) <= len(cheapest.blocks)
    saved_starts = len(cheapest.blocks) - len(few.blocks)
    a_second_eur = situation.max_power_w / 3_600_000 * 0.4
    assert float(few.cost_eur - cheapest.cost_eur) <= 0.02 * saved_starts + a_second_eur + 2e-4


def _hours(situation: Situation, slot: PricedSlot) -> float:
    return (min(slot.end_at, situation.departure_at) - max(slot.start_at, situation.now)) / HOUR

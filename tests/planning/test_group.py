"""Many sessions under a tree of caps, from their situations to the profiles that are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from offpeak.planning.captree import CapNode, CapStep, cap_at, nodes_of
from offpeak.planning.decide import decide
from offpeak.planning.group import decide_group
from offpeak.planning.outlook import Chance, Chances, Outlook
from offpeak.planning.plan import Plan, ReasonCode
from offpeak.planning.profile import ChargingProfile, encode, same_effect
from offpeak.planning.situation import Calm, PowerCap, PricedSlot, Situation
from offpeak.profiles.power_steps import held_in_slots
from tests.planning.builders import HOUR, a_situation, after, priced, spans
from tests.planning.instances_group import NOW, garage
from tests.planning.turns import tight, tree_over

SEEDS = range(200)
LEFT_OVER = (ReasonCode.NEED_UNKNOWN, ReasonCode.PAST_DEPARTURE, ReasonCode.TOO_LITTLE_POWER)
"""Cars without a plan of their own have what the others leave, in the order of their departure and their names."""


def under(cap_w: float, *keys: str) -> CapNode:
    return CapNode("connection", (CapStep(NOW, cap_w),), members=keys)


def watts_of(profile: ChargingProfile, phases: int) -> list[tuple[datetime, float]]:
    scale = phases * 230.0 if profile.unit == "A" else 1.0
    return [
        (profile.start_at + timedelta(seconds=period.start_period_s), float(period.limit) * scale)
        for period in profile.periods
    ]


def profiles_of(
    situations: Mapping[str, Situation], plans: Mapping[str, Plan], now: datetime
) -> dict[str, list[tuple[datetime, float]]]:
    profiles = {}
    for key, plan in plans.items():
        step = situations[key].limit_step_w
        phases = 1 if step == 23.0 else 3
        unit = "W" if step == 0.1 else "A"
        profiles[key] = watts_of(encode(plan, unit=unit, phases=phases, voltage_v=230, now=now), phases)
    return profiles


def power_at(steps: list[tuple[datetime, float]], at: datetime) -> float:
    return next(power for begun_at, power in reversed(steps) if begun_at <= at)


def members_below(node: CapNode) -> list[str]:
    return [key for each in nodes_of(node) for key in each.members]


def check(situations: Mapping[str, Situation], tree: CapNode, plans: Mapping[str, Plan], now: datetime = NOW) -> None:
    profiles = profiles_of(situations, plans, now)
    instants = {at for steps in profiles.values() for at, _ in steps}
    instants |= {max(now, step.start_at) for node in nodes_of(tree) for step in node.steps}
    for at in instants:
        powers = {key: power_at(steps, at) for key, steps in profiles.items()}
        for node in nodes_of(tree):
            assert sum(powers[key] for key in members_below(node)) <= cap_at(node, at) + 1e-6, (node.name, at)
        for key, power in powers.items():
            assert power == 0.0 or power >= situations[key].min_power_w - 1e-6, (key, at)
            assert power <= situations[key].max_power_w + 1e-6
            for cap in situations[key].caps:
                assert not cap.start_at <= at < cap.end_at or power <= cap.power_w + 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_sent_passes_no_cap_at_any_second_and_leaves_no_car_below_its_floor(seed: int) -> None:
    situations, tree = garage(Random(seed))
    check(situations, tree, decide_group(situations, tree, now=NOW))


def drawn_kwh(plan: Plan, begin_at: datetime, end_at: datetime, draw_w: float = float("inf")) -> float:
    return sum(
        min(float(block.power_w), draw_w)
        * max(0.0, (min(end_at, block.end_at) - max(begin_at, block.start_at)).total_seconds())
        / 3.6e6
        for block in plan.blocks
    )


def later(situations: Mapping[str, Situation], plans: Mapping[str, Plan], now: datetime) -> dict[str, Situation]:
    """The same cars some time later, with the plans that run and without what these have drawn."""
    return {
        key: replace(
            each,
            now=now,
            running=plans[key],
            need_kwh=max(0.0, each.need_kwh - drawn_kwh(plans[key], each.now, now, each.draw_w or float("inf"))),
        )
        for key, each in situations.items()
    }


def changed(before: Mapping[str, Plan], after: Mapping[str, Plan], now: datetime) -> list[str]:
    in_watts: dict[str, Any] = {"unit": "W", "phases": None, "voltage_v": 230, "now": now}
    return [
        key
        for key, plan in before.items()
        if not same_effect(encode(plan, **in_watts), encode(after[key], **in_watts), now)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_plans_that_are_kept_pass_no_cap_either_when_cars_come_and_caps_change(seed: int) -> None:
    random = Random(seed)
    situations, tree = garage(random)
    plans = decide_group(situations, tree, now=NOW)
    now = NOW + timedelta(minutes=random.choice((1, 7, 40)))
    situations = later(situations, plans, now)
    if random.random() < 0.5:
        others, _ = garage(random, cars=3)
        situations |= {f"new-{key}": replace(each, now=now) for key, each in others.items()}
        tree = replace(tree, members=(*tree.members, *(f"new-{key}" for key in others)))
    if random.random() < 0.4:
        tree = replace(tree, steps=tuple(replace(step, power_w=step.power_w * 0.6) for step in tree.steps))
    check(situations, tree, decide_group(situations, tree, now=now), now)


def test_two_cars_that_want_the_same_hours_share_the_cheapest_and_say_so() -> None:
    situations = {"a": a_situation(), "b": a_situation()}
    plans = decide_group(situations, under(10_000.0, "a", "b"), now=NOW)
    hours = sorted(span for plan in plans.values() for span in spans(plan.blocks))
    assert (hours[0][0], hours[-1][1]) == (6.0, 10.0)
    assert all(a[1] == b[0] for a, b in pairwise(hours))
    moved = [plan for plan in plans.values() if plan.reason.code is ReasonCode.SHARED_LIMIT]
    assert moved
    assert all("where the limit it shares with others leaves room; saves" in plan.reason.text for plan in moved)


def test_a_shortfall_is_shared_in_proportion_to_need_and_said() -> None:
    situations = {"a": a_situation(need_kwh=80.0), "b": a_situation(need_kwh=40.0)}
    plans = decide_group(situations, under(5_000.0, "a", "b"), now=NOW)
    assert [float(plans[key].shortfall_kwh) for key in ("a", "b")] == pytest.approx([40.0, 20.0], abs=0.1)
    assert plans["a"].reason.text.startswith("The limit it shares with others leaves 40.0 of the 80.0 kWh needed")


def parking(cars: int, *, seed: int = 1) -> dict[str, Situation]:
    """Cars of 11 kW for the night, with prices that fall and rise again."""
    random = Random(seed)
    slots = priced(*(0.3 - 0.02 * min(hour, 14 - hour) + 0.01 * random.random() for hour in range(15)))
    return {
        f"car-{number}": a_situation(
            slots=slots,
            need_kwh=random.uniform(8.0, 40.0),
            departure_at=after(random.choice((9, 12, 13.25, 14))),
            max_power_w=11_040.0,
            min_power_w=4_140.0,
            limit_step_w=69.0,
            calm=Calm(),
        )
        for number in range(cars)
    }


def test_plans_do_not_move_while_nothing_changes() -> None:
    situations = parking(20)
    tree = under(50_000.0, *situations)
    plans = decide_group(situations, tree, now=NOW)
    now = NOW + timedelta(minutes=7)
    again = decide_group(later(situations, plans, now), tree, now=now)
    assert changed(plans, again, now) == []
    assert {plan.made_at for plan in again.values() if plan.blocks} == {NOW}


def test_a_newcomer_changes_few_others() -> None:
    counts = []
    for seed in range(20):
        situations = parking(20, seed=seed)
        plans = decide_group(situations, under(50_000.0, *situations), now=NOW)
        now = NOW + timedelta(minutes=7)
        situations = {**later(situations, plans, now), "new": replace(parking(1, seed=seed + 100)["car-0"], now=now)}
        again = decide_group(situations, under(50_000.0, *situations), now=now)
        afresh = decide_group(
            {key: replace(each, running=None) for key, each in situations.items()},
            under(50_000.0, *situations),
            now=now,
        )
        assert again["new"].shortfall_kwh <= afresh["new"].shortfall_kwh + again["new"].need_kwh / 100
        counts.append(len(changed(plans, again, now)))
    assert sum(counts) <= 1.5 * len(counts)


def test_a_newcomer_in_a_hurry_is_let_in_and_as_few_as_possible_make_way() -> None:
    flat = priced(*[0.3] * 15)
    situations = {key: replace(each, need_kwh=30.0, slots=flat) for key, each in parking(4).items()}
    plans = decide_group(situations, under(22_080.0, *situations), now=NOW)
    now = NOW + timedelta(minutes=7)
    hurried = replace(parking(1)["car-0"], need_kwh=20.0, departure_at=now + 2 * HOUR, slots=flat, now=now)
    situations = {**later(situations, plans, now), "new": hurried}
    again = decide_group(situations, under(22_080.0, *situations), now=now)
    assert again["new"].shortfall_kwh == 0
    assert 1 <= len(changed(plans, again, now)) < len(plans)


def test_much_better_prices_move_the_group() -> None:
    situations = parking(6)
    tree = under(30_000.0, *situations)
    plans = decide_group(situations, tree, now=NOW)
    cheap = priced(*[0.5] * 10, *[0.01] * 2, *[0.5] * 3)
    cheaper = {key: replace(each, slots=cheap) for key, each in later(situations, plans, NOW).items()}
    there = {key for key, each in cheaper.items() if each.departure_at >= after(12)}
    assert there
    assert set(changed(plans, decide_group(cheaper, tree, now=NOW), NOW)) >= there


def test_the_order_of_the_sessions_makes_no_difference() -> None:
    situations, tree = garage(Random(5), cars=9)
    turned = dict(reversed(list(situations.items())))
    assert decide_group(situations, tree, now=NOW) == decide_group(turned, tree, now=NOW)


@pytest.mark.parametrize("seed", range(40))
def test_the_names_of_the_sessions_make_no_difference(seed: int) -> None:
    random = Random(seed)
    if seed % 2:
        situations, tree = garage(random)
    else:
        group = tight(seed)
        situations, tree = group.situations, tree_over(group)
    names = [f"{random.random()}" for _ in situations]
    named = dict(zip(situations, names, strict=True))
    plans = decide_group(situations, tree, now=NOW)
    again = decide_group({named[key]: each for key, each in situations.items()}, renamed(tree, named), now=NOW)
    for key, plan in plans.items():
        if plan.reason.code not in LEFT_OVER:
            other = again[named[key]]
            assert (plan.blocks, plan.cost_eur, plan.shortfall_kwh) == (
                other.blocks,
                other.cost_eur,
                other.shortfall_kwh,
            )


def renamed(node: CapNode, named: Mapping[str, str]) -> CapNode:
    children = tuple(renamed(child, named) for child in node.children)
    return replace(node, children=children, members=tuple(named[key] for key in node.members))


def test_one_session_alone_is_planned_as_if_there_were_no_group() -> None:
    situation = a_situation()
    alone, grouped = decide(situation), decide_group({"a": situation}, under(50_000.0, "a"), now=NOW)["a"]
    assert (grouped.blocks, grouped.cost_eur, grouped.saving_eur) == (alone.blocks, alone.cost_eur, alone.saving_eur)
    assert (grouped.reason.code, grouped.reason.text) == (alone.reason.code, alone.reason.text)


@pytest.mark.parametrize(("before_w", "then_w", "changes_s"), [(5_000.0, 9_000.0, 3601), (9_000.0, 5_000.0, 3600)])
def test_a_cap_that_changes_within_a_second_counts_as_the_lower_one_in_that(
    before_w: float, then_w: float, changes_s: int
) -> None:
    steps = (CapStep(NOW, before_w), CapStep(NOW + timedelta(seconds=3600.5), then_w))
    tree = CapNode("connection", steps, members=("a",))
    plan = decide_group({"a": a_situation(boosts=True, min_power_w=4_140.0, now=NOW)}, tree, now=NOW)["a"]
    assert [float(block.power_w) for block in plan.blocks[:2]] == [before_w, then_w]
    assert plan.blocks[1].start_at == NOW + timedelta(seconds=changes_s)


def test_a_car_that_stays_longer_draws_what_the_others_leave() -> None:
    late = a_situation(departure_at=after(-1), min_power_w=4_140.0)
    plans = decide_group({"late": late, "other": a_situation()}, under(10_000.0, "late", "other"), now=NOW)
    assert spans(plans["late"].blocks)[0][0] == 0.0
    assert [span for span in spans(plans["other"].blocks) if span in spans(plans["late"].blocks)] == []
    assert plans["late"].reason.code is ReasonCode.PAST_DEPARTURE


def test_after_its_plan_a_car_keeps_the_least_it_charges_at_so_that_newcomers_find_room() -> None:
    leaves_at = after(12)
    situations = {key: replace(each, need_is_known=True, departure_at=leaves_at) for key, each in parking(3).items()}
    plans = decide_group(situations, under(22_000.0, *situations), now=NOW)
    assert {plan.rest_power_w for plan in plans.values()} == {Decimal("4140.0")}


def test_where_the_limit_is_wide_a_car_may_draw_all_it_wants_after_its_plan() -> None:
    situations = parking(3)
    plans = decide_group(situations, under(40_000.0, *situations), now=NOW)
    assert {plan.rest_power_w for plan in plans.values()} == {Decimal("11040.0")}


def test_a_car_of_which_only_habits_tell_is_ready_before_the_few_early_departures() -> None:
    """One car in ten has left by 02:00, and one in ten wants more than 15 kWh: a shared limit is planned by both."""
    chances = Chances((Chance(after(8), 5.0, 0.1), Chance(after(11), 15.0, 0.8), Chance(after(12), 28.0, 0.1)))
    usual = a_situation(
        outlook=Outlook(chances, miss_eur=5.0), departure_at=after(5), need_kwh=30.0, max_power_w=10_000
    )
    told = a_situation(need_kwh=10.0, need_is_known=True)
    plans = decide_group({"usual": usual, "told": told}, under(10_000, "usual", "told"), now=NOW)
    assert plans["usual"].departure_at == after(8)
    assert plans["usual"].need_kwh == Decimal("15.000")
    assert plans["usual"].ready_at is not None
    assert plans["usual"].ready_at <= after(8)
    assert plans["told"].departure_at == after(12)


def test_a_boosted_car_of_a_group_charges_now_while_the_others_wait_for_the_night() -> None:
    hurried = a_situation(boosts=True, max_power_w=10_000)
    plans = decide_group({"hurried": hurried, "patient": a_situation()}, under(10_000, "hurried", "patient"), now=NOW)
    assert spans(plans["hurried"].blocks)[0][0] == 0
    assert plans["hurried"].ready_at == after(2)
    assert spans(plans["patient"].blocks)[0][0] >= 6


@pytest.mark.parametrize("seed", range(12))
def test_where_chargers_obey_at_quarter_hours_only_no_cap_is_passed_until_they_do(seed: int) -> None:
    random = Random(seed)
    situations, tree = garage(random)
    situations = {key: replace(each, slot_s=random.choice((900, None))) for key, each in situations.items()}
    now = NOW + timedelta(minutes=random.choice((0, 4)))
    plans = decide_group(situations, tree, now=now)
    check(situations, tree, plans, now)
    sent = profiles_of(situations, plans, now)
    held = {key: held_in_slots(tuple(each), situations[key].slot_s or 1) for key, each in sent.items()}
    for at in {at for each in held.values() for at, _ in each}:
        for node in nodes_of(tree):
            powers = (power_at(list(held[key]), at) for key in members_below(node))
            assert sum(powers) <= cap_at(node, at) + 1e-6, (node.name, at)


ELEVEN_KW: dict[str, Any] = {"max_power_w": 11_040.0, "min_power_w": 4_140.0, "limit_step_w": 69.0}
ON_ONE_PHASE: dict[str, Any] = {**ELEVEN_KW, "need_is_known": True, "draw_w": 3_680.0, "phase_share": 1 / 3}


def test_a_car_on_one_of_three_phases_is_granted_the_amperes_that_it_draws() -> None:
    plan = decide_group({"a": a_situation(**ON_ONE_PHASE, need_kwh=7.0)}, under(22_000.0, "a"), now=NOW)["a"]
    assert {block.power_w for block in plan.blocks} == {Decimal("11040.0")}
    assert drawn_kwh(plan, NOW, after(12), 3_680.0) >= 7.0


def test_what_cars_on_one_phase_cannot_draw_under_a_tight_limit_is_said_and_shared() -> None:
    """Three cars take turns at 3.68 kW for twelve hours, since each needs 16 A on a phase that nobody knows."""
    situations = {key: a_situation(**ON_ONE_PHASE, need_kwh=20.0) for key in "abc"}
    plans = decide_group(situations, under(11_040.0, *situations), now=NOW)
    check(situations, under(11_040.0, *situations), plans)
    assert sum(plan.shortfall_kwh for plan in plans.values()) == pytest.approx(Decimal("15.84"), abs=Decimal("0.1"))
    assert all(plan.shortfall_kwh == pytest.approx(Decimal("5.28"), abs=Decimal("0.1")) for plan in plans.values())


def test_cars_on_one_phase_leave_the_cheapest_hours_to_those_that_draw_more_in_them() -> None:
    one, all_ = a_situation(**ON_ONE_PHASE, need_kwh=7.0), a_situation(**ON_ONE_PHASE | {"phase_share": 1.0})
    situations = {"one": one, "all": replace(all_, draw_w=None, need_kwh=40.0)}
    plans = decide_group(situations, under(11_040.0, *situations), now=NOW)
    assert [plan.shortfall_kwh for plan in plans.values()] == [0, 0]
    assert spans(plans["one"].blocks)[0][0] < 6 <= spans(plans["all"].blocks)[0][0]


TWO_PRICES = (PricedSlot(NOW, after(5), 0.40), PricedSlot(after(5), after(12), 0.20))


@pytest.mark.parametrize("cap_w", [50_000.0, 11_040.0], ids=["wide", "tight"])
def test_the_least_that_a_car_is_to_have_soon_begins_now_in_a_slot_of_hours(cap_w: float) -> None:
    car = a_situation(slots=TWO_PRICES, **ELEVEN_KW, need_kwh=30.0, need_is_known=True)
    situations = {"low": replace(car, minimum_now_kwh=5.0), "other": car}
    plans = decide_group(situations, under(cap_w, *situations), now=NOW)
    assert spans(plans["low"].blocks)[0] == pytest.approx((0, 0.453), abs=0.001)
    assert spans(plans["other"].blocks)[0][0] == 5


def test_a_boosted_car_has_its_full_power_among_others_at_one_price_for_the_night() -> None:
    car = a_situation(slots=(PricedSlot(NOW, after(12), 0.30),), **ELEVEN_KW, need_kwh=33.0)
    situations = {"boosted": replace(car, boosts=True), "a": car, "b": car}
    plans = decide_group(situations, under(12_000.0, *situations), now=NOW)
    assert spans(plans["boosted"].blocks) == [pytest.approx((0, 2.99), abs=0.01)]
    assert plans["boosted"].reason.code is ReasonCode.BOOST
    assert not any(plan.shortfall_kwh for plan in plans.values())


def test_a_car_of_a_group_that_takes_nothing_is_not_followed_by_its_plan() -> None:
    car = a_situation(**ELEVEN_KW, need_is_known=True)
    situations = {"idle": replace(car, minimum_now_kwh=2.0), "other": car}
    caps = under(11_040.0, *situations)
    plans = decide_group(situations, caps, now=NOW)
    now = plans["idle"].blocks[-1].end_at - timedelta(minutes=20)
    standing = {key: replace(each, running=plans[key]) for key, each in later(situations, plans, now).items()}
    standing["idle"] = replace(standing["idle"], need_kwh=20.0, is_idle=True)
    after_ = decide_group(standing, caps, now=now)
    assert after_["idle"].blocks == (replace(plans["idle"].blocks[-1], start_at=now),)
    assert not after_["idle"].shortfall_kwh


def test_coarse_chargers_whose_cars_leave_before_the_next_slot_are_planned_all_the_same() -> None:
    leaving = a_situation(now=after(1 / 60), departure_at=after(9 / 60), slot_s=900, need_is_known=True)
    plans = decide_group(
        {"a": leaving, "b": replace(leaving, phase_share=1 / 3)}, under(20_000.0, "a", "b"), now=after(1 / 60)
    )
    assert {plan.reason.code for plan in plans.values()} == {ReasonCode.SHORT_OF_TIME}


def test_a_charger_that_never_gives_what_a_car_charges_at_gets_all_that_is_left() -> None:
    weak = a_situation(max_power_w=3_680.0, min_power_w=4_140.0)
    plan = decide_group({"a": weak}, under(20_000.0, "a"), now=NOW)["a"]
    assert (plan.reason.code, plan.rest_power_w) == (ReasonCode.TOO_LITTLE_POWER, 3_680)
    capped = decide(replace(weak, caps=(PowerCap(NOW, after(2), 9_000.0),)))
    assert (capped.caps, capped.reason.facts["doing"]) == ((), "NOT_LIMITED")

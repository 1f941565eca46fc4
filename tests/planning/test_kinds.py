"""Sessions that are no plain ones: a battery that gives energy, a car that is charged nearly full, a coarse charger."""

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
from offpeak.planning.plan import Plan, ReasonCode
from offpeak.planning.profile import encode, limit_at, limit_step_w
from offpeak.planning.situation import Milestone, PowerCap, Situation, Storage, Taper
from tests.planning.builders import NOW, QUARTER, RESTLESS, a_situation, after, priced, spans

EVENING = priced(0.30, 0.40, 0.10, 0.10, 0.14, 0.14)
BATTERY = Storage(battery_kwh=60.0, soc=0.5, discharge_w=5_000.0, charging_efficiency=1.0, discharging_efficiency=1.0)


def powers(plan: Plan) -> list[tuple[float, float, float]]:
    """Blocks as hours after NOW, and watts."""
    return [(*span, float(each.power_w)) for span, each in zip(spans(plan.blocks), plan.blocks, strict=True)]


def gives(**changes: Any) -> Situation:
    """A car of 10 kW at half of 60 kWh that needs 10 kWh within six hours."""
    said: dict[str, Any] = {
        "slots": EVENING,
        "departure_at": after(6),
        "need_kwh": 10.0,
        "need_is_known": True,
        "calm": RESTLESS,
        "storage": BATTERY,
    }
    return a_situation(**{**said, **changes})


STORAGE: list[tuple[str, dict[str, Any], list[tuple[float, float, float]]]] = [
    (
        "dear_energy_is_given_and_taken_back_when_it_is_cheap",
        {},
        [(0, 2, -5_000), (2, 4, 10_000)],
    ),
    (
        "what_wears_more_than_it_earns_is_not_given",
        {"storage": replace(BATTERY, wear_eur_per_kwh=0.25)},
        [(1, 2, -5_000), (2, 3.5, 10_000)],
    ),
    ("without_a_battery_that_may_give_it_charges", {"storage": None}, [(2, 3, 10_000)]),
    (
        "it_never_goes_below_the_least_state_of_charge",
        {"storage": replace(BATTERY, min_soc=0.45, wear_eur_per_kwh=0.15)},
        [(1, 1.6, -5_000), (2, 3.3, 10_000)],
    ),
    (
        "a_battery_below_its_least_is_filled_at_once",
        {"storage": replace(BATTERY, soc=0.1, wear_eur_per_kwh=0.15), "need_kwh": 30.0},
        [(0, 0.6, 10_000), (2, 4.4, 10_000)],
    ),
    (
        "what_is_due_at_once_is_charged_and_not_given_again",
        {"minimum_now_kwh": 5.0, "storage": replace(BATTERY, wear_eur_per_kwh=0.15)},
        [(0, 0.5, 10_000), (2, 2.5, 10_000)],
    ),
    ("who_boosts_gives_nothing", {"boosts": True}, [(0, 1, 10_000)]),
    (
        "a_level_that_is_due_is_not_missed_for_what_could_be_earned",
        {"milestones": (Milestone(after(1), 6.0),), "storage": replace(BATTERY, wear_eur_per_kwh=0.25)},
        [(0, 0.6, 10_000), (1, 2, -5_000), (2, 2.9, 10_000)],
    ),
    (
        "a_cap_on_charging_caps_no_giving",
        {"caps": (PowerCap(NOW, after(2), 0.0),)},
        [(0, 2, -5_000), (2, 4, 10_000)],
    ),
    (
        "less_than_a_car_can_give_is_not_planned",
        {"min_power_w": 6_000.0},
        [(2, 3, 10_000)],
    ),
]


@pytest.mark.parametrize(("changes", "blocks"), [each[1:] for each in STORAGE], ids=[each[0] for each in STORAGE])
def test_a_battery_that_may_give(changes: dict[str, Any], blocks: list[tuple[float, float, float]]) -> None:
    assert powers(decide(gives(**changes))) == blocks


def test_what_it_earns_is_a_saving_and_it_is_ready_when_it_has_what_it_needs() -> None:
    plan = decide(gives())
    assert plan.reason.code is ReasonCode.GIVES_BACK
    assert (plan.cost_eur, plan.cost_at_once_eur) == (Decimal("-1.5"), Decimal("3.0"))
    assert (plan.shortfall_kwh, plan.ready_at, plan.unlimited_from) == (Decimal(0), after(4), after(6))


def test_a_profile_tells_giving_by_limits_below_zero_rounded_towards_it() -> None:
    odd = replace(BATTERY, discharge_w=4_999.9)
    plan = decide(gives(storage=odd, limit_step_w=limit_step_w("A", 3, 230)))
    profile = encode(plan, unit="A", phases=3, voltage_v=230, now=NOW)
    assert limit_at(profile, NOW) == Decimal("-7.2")


def test_a_plan_that_gives_moves_for_more_than_the_threshold_only() -> None:
    calm = replace(RESTLESS, threshold_eur=0.05, energy_kwh=0.1)
    running = decide(gives(calm=calm))
    assert running.blocks[0].power_w == -5_000
    later = gives(calm=calm, running=running, slots=priced(0.30, 0.40, 0.10, 0.104, 0.099, 0.14))
    assert powers(decide(later)) == powers(running)
    assert decide(later).reason.facts["kept"] is True
    dearer = gives(calm=calm, running=running, slots=priced(0.30, 0.40, 0.10, 0.15, 0.099, 0.14))
    assert powers(decide(dearer)) != powers(running)


FULL = Taper(battery_kwh=50.0, soc=0.6, from_soc=0.8, end_w=1_000.0, charging_efficiency=1.0)
"""From 10 kWh on, after the first hour, it takes less; at 20 kWh it is full."""


def test_a_car_that_is_charged_nearly_full_gets_more_time_for_its_last_kwh() -> None:
    flat = decide(a_situation(need_kwh=19.0, need_is_known=True, calm=RESTLESS))
    plan = decide(a_situation(need_kwh=19.0, need_is_known=True, calm=RESTLESS, taper=FULL))
    assert spans(flat.blocks) == [(7, 8.9)]
    charging_h = sum(end - start for start, end in spans(plan.blocks))
    assert 2.5 < charging_h < 3.5
    assert (plan.shortfall_kwh, plan.ready_at) == (Decimal(0), plan.blocks[-1].end_at)


def test_a_car_that_does_not_get_near_full_is_a_plain_one() -> None:
    plain = decide(a_situation(need_kwh=9.0, need_is_known=True))
    assert decide(a_situation(need_kwh=9.0, need_is_known=True, taper=FULL)) == plain


def test_a_boosted_car_is_boosted_until_it_is_full() -> None:
    plan = decide(a_situation(need_kwh=19.0, need_is_known=True, boosts=True, taper=FULL))
    [(start, end)] = spans(plan.blocks)
    assert start == 0
    assert 2.5 < end < 3.5


def test_what_a_car_near_full_cannot_take_in_time_is_a_shortfall() -> None:
    plan = decide(a_situation(need_kwh=19.0, need_is_known=True, departure_at=after(1.5), taper=FULL))
    assert spans(plan.blocks) == [(0, 1.5)]
    assert 4.0 < float(plan.shortfall_kwh) < 6.0


def test_a_car_that_is_to_be_full_is_full_a_thousandth_before_and_is_short_of_nothing() -> None:
    plan = decide(a_situation(need_kwh=20.0, need_is_known=True, room_kwh=20.0, taper=FULL))
    assert (plan.reason.code, plan.shortfall_kwh) == (ReasonCode.CHEAPEST, 0)
    assert plan.ready_at == plan.blocks[-1].end_at


def test_a_plan_for_a_car_near_full_is_kept() -> None:
    running = decide(a_situation(need_kwh=19.0, need_is_known=True, taper=FULL))
    again = decide(a_situation(need_kwh=19.05, need_is_known=True, taper=FULL, now=after(1), running=running))
    assert again.blocks == running.blocks
    assert again.reason.facts["kept"] is True


def test_a_coarse_charger_changes_at_its_slots_only_and_draws_what_is_needed_at_less_power() -> None:
    coarse = {"slot_s": 3600, "min_power_w": 4_000.0, "need_is_known": True, "calm": RESTLESS}
    assert powers(decide(a_situation(need_kwh=17.0, **coarse))) == [(7, 8, 10_000), (8, 9, 7_000)]
    assert powers(decide(a_situation(need_kwh=11.0, **coarse))) == [(7, 8, 7_000), (8, 9, 4_000)]
    assert powers(decide(a_situation(need_kwh=1.0, **coarse))) == [(7, 8, 4_000)]
    assert powers(decide(a_situation(need_kwh=11.0, minimum_now_kwh=1.0, **coarse)))[0] == (0, 1, 10_000)


def test_a_coarse_chargers_slots_count_from_full_hours_and_mean_their_prices() -> None:
    slots = priced(*[0.3] * 3, 0.1, 0.2, *[0.3] * 3, start_at=NOW, length=QUARTER)
    now = NOW + timedelta(minutes=5)
    situation = a_situation(now=now, slots=slots, departure_at=after(2), slot_s=1800, need_kwh=4.0, need_is_known=True)
    assert spans(decide(replace(situation, calm=RESTLESS)).blocks) == [(0.5, 1)]


MAINS = st.sampled_from([("W", 3), ("A", 3), ("A", 1)])


@st.composite
def any_kind(draw: st.DrawFn) -> tuple[Situation, str, int]:
    unit, phases = draw(MAINS)
    quarters = draw(st.integers(1, 20))
    prices = draw(st.lists(st.integers(-100, 600), min_size=quarters, max_size=quarters))
    soc = draw(st.floats(0.05, 0.95))
    kind = draw(st.sampled_from(["storage", "taper", "coarse"]))
    cap = PowerCap(after(draw(st.floats(0, 4))), after(draw(st.floats(2, 6))), draw(st.sampled_from([0.0, 5_000.0])))
    situation = a_situation(
        now=NOW + timedelta(seconds=draw(st.integers(0, 800))),
        slots=priced(*(price / 1000 for price in prices), length=QUARTER),
        departure_at=NOW + quarters * QUARTER,
        need_kwh=draw(st.floats(0.5, 40.0)),
        need_is_known=True,
        minimum_now_kwh=draw(st.sampled_from([0.0, 0.0, 2.5])),
        caps=draw(st.sampled_from([(), (cap,)])),
        max_power_w=draw(st.sampled_from([7_360.0, 11_040.0])),
        min_power_w=draw(st.sampled_from([1_380.0, 4_140.0])),
        limit_step_w=limit_step_w(unit, phases, 230),
        storage=replace(BATTERY, soc=soc) if kind == "storage" else None,
        taper=replace(FULL, soc=soc) if kind == "taper" else None,
        slot_s=900 if kind == "coarse" else None,
    )
    return situation, unit, phases


@given(any_kind())
def test_no_limit_is_broken_whatever_the_kind_and_what_is_missing_is_said(drawn: tuple[Situation, str, int]) -> None:
    situation, unit, phases = drawn
    plan = decide(situation)
    profile = encode(plan, unit=unit, phases=phases, voltage_v=230, now=situation.now)
    watts = float(phases * 230 if unit == "A" else 1)
    kwh = 0.0
    for minute in range(int((situation.departure_at - profile.start_at) / timedelta(minutes=1))):
        at = profile.start_at + timedelta(minutes=minute)
        power_w = float(limit_at(profile, at) or 0) * watts
        held_w = [cap.power_w for cap in situation.caps if cap.start_at <= at < cap.end_at]
        assert power_w <= min([situation.max_power_w, *held_w]) + 1e-6
        assert power_w == 0 or abs(power_w) >= situation.min_power_w
        assert power_w >= (-BATTERY.discharge_w if situation.storage else 0)
        kwh += power_w / 60_000
    assert all(a.end_at <= b.start_at for a, b in pairwise(plan.blocks))
    if situation.taper is None:
        assert kwh >= situation.need_kwh - float(plan.shortfall_kwh) - len(plan.blocks) * 0.4 - 0.4
    if situation.slot_s:
        edges = {at for block in plan.blocks for at in (block.start_at, block.end_at)} - {profile.start_at}
        assert all(at.minute % 15 == 0 and at.second == 0 for at in edges)


@given(any_kind(), st.integers(1, 12))
def test_the_same_situation_a_little_later_keeps_the_plan(drawn: tuple[Situation, str, int], minutes: int) -> None:
    situation = drawn[0]
    running = decide(situation)
    now = situation.now + timedelta(minutes=minutes)
    if situation.taper or not running.blocks or now >= running.blocks[0].start_at:
        return
    later = decide(replace(situation, now=now, running=running))
    assert later.blocks == running.blocks


@pytest.mark.parametrize(
    "kind",
    [
        {"slot_s": 900},
        {"taper": Taper(battery_kwh=60.0, soc=0.6, from_soc=0.8)},
        {"storage": Storage(60.0, 0.6, 5_000)},
    ],
    ids=["coarse", "near full", "gives"],
)
def test_a_car_that_takes_nothing_is_not_followed_by_its_plan(kind: dict[str, Any]) -> None:
    """Not even into the hours that are left: it stays as it is, and nothing is short."""
    car = a_situation(**kind, need_is_known=True, minimum_now_kwh=2.0)
    running = decide(car)
    now = running.blocks[-1].end_at - 2 * QUARTER
    plan = decide(replace(car, now=now, running=running, is_idle=True))
    assert plan.blocks == tuple(
        replace(each, start_at=max(now, each.start_at)) for each in running.blocks if each.end_at > now
    )
    assert plan.made_at == NOW
    assert not plan.shortfall_kwh

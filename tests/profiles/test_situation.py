"""What planning is asked: departure, need, power and prices, by tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from offpeak.partners.model import Flags, PlanningDefaults, RateUnit
from offpeak.planning.plan import Block, Plan, Reason, ReasonCode
from offpeak.planning.situation import PricedSlot, Situation, Storage
from offpeak.prices.model import QUARTER, PriceCurve, PriceSlot
from offpeak.profiles.model import Standing
from offpeak.profiles.situation import (
    departure_of,
    min_power_w,
    most_drawn_w,
    need_kwh,
    phase_share,
    rate_unit,
    situation_of,
    unheard_kwh,
)
from offpeak.sessions.model import ChargingState, Confidence, InferredState, KnownSession, Session
from tests.profiles.builders import REAL
from tests.sessions.builders import PLUG_IN, a_session, at, period

BERLIN = PlanningDefaults(departure=time(7, 0), shortest_stay_s=2 * 3600)


def plugged_in(text: str) -> Session:
    return replace(a_session(), start_at=datetime.fromisoformat(text).astimezone(UTC))


def known(session: Session | None = None, delivered: str = "0", charged: str | None = None) -> KnownSession:
    return KnownSession(
        session=session or a_session(),
        state=InferredState(ChargingState.CHARGING, "power_measured", Confidence.HIGH),
        delivered_kwh=Decimal(delivered),
        state_of_charge=None if charged is None else Decimal(charged),
        plan_wanted=1,
        plan_done=0,
        received_at=REAL,
    )


def situation(session: KnownSession | None = None, prices: tuple[PriceSlot, ...] = (), **planning: Any) -> Situation:
    curve = PriceCurve("DE-LU", prices, "")
    return situation_of(session or known(), PlanningDefaults(**planning), RateUnit.WATT, curve, None, None, PLUG_IN)


@pytest.mark.parametrize(
    ("plug_in", "departure"),
    [
        ("2026-01-15T18:00:00+01:00", "2026-01-16T07:00:00+01:00"),
        ("2026-01-15T04:59:00+01:00", "2026-01-15T07:00:00+01:00"),
        ("2026-01-15T05:00:00+01:00", "2026-01-15T07:00:00+01:00"),
        ("2026-01-15T05:00:01+01:00", "2026-01-16T07:00:00+01:00"),
        ("2026-01-15T00:30:00+01:00", "2026-01-15T07:00:00+01:00"),
        ("2026-03-28T22:00:00+01:00", "2026-03-29T07:00:00+02:00"),
        ("2026-10-24T22:00:00+02:00", "2026-10-25T07:00:00+01:00"),
    ],
    ids=[
        "evening",
        "before the shortest stay",
        "exactly it",
        "too late for today",
        "after midnight",
        "into summer time",
        "out of summer time",
    ],
)
def test_a_car_leaves_at_the_first_local_departure_that_the_shortest_stay_allows(plug_in: str, departure: str) -> None:
    assert departure_of(plugged_in(plug_in), BERLIN) == datetime.fromisoformat(departure)


def test_a_departure_that_summer_time_skips_is_an_hour_later_on_the_clock() -> None:
    planning = PlanningDefaults(departure=time(2, 30))
    assert departure_of(plugged_in("2026-03-28T20:00:00+01:00"), planning) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_of_a_departure_that_comes_twice_the_first_counts() -> None:
    planning = PlanningDefaults(departure=time(2, 30))
    assert departure_of(plugged_in("2026-10-24T20:00:00+02:00"), planning) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delivered", "charged", "need"),
    [
        ("0", None, "30"),
        ("12.5", None, "17.5"),
        ("31", None, "0"),
        ("5", "0.5", "20"),
        ("5", "0.9", "0"),
    ],
    ids=["nothing yet", "part of it", "more than assumed", "state of charge", "beyond the target"],
)
def test_the_need_is_the_battery_s_where_it_is_told_else_the_default_less_what_was_delivered(
    delivered: str, charged: str | None, need: str
) -> None:
    planning = PlanningDefaults(
        need_kwh=Decimal(30), battery_kwh=Decimal(60), target_soc=Decimal("0.8"), charging_efficiency=Decimal("0.9")
    )
    assert need_kwh(known(delivered=delivered, charged=charged), planning) == Decimal(need)


def test_a_state_of_charge_makes_the_need_known_and_bounds_what_the_battery_takes() -> None:
    assert not situation().need_is_known
    assert situation().room_kwh is None
    told = situation(known(charged="0.5"), battery_kwh=Decimal(60), charging_efficiency=Decimal("0.9"))
    assert told.need_is_known
    assert told.room_kwh == pytest.approx(30 / 0.9)


GIVES = {"discharge_w": 5000, "min_soc": Decimal("0.4")}


def storage_of(session: KnownSession, flags: Flags, **planning: Any) -> Storage | None:
    curve = PriceCurve("DE-LU", (), "")
    defaults = PlanningDefaults(**planning)
    return situation_of(session, defaults, RateUnit.WATT, curve, None, None, PLUG_IN, flags=flags).storage


def test_a_battery_gives_where_chargers_system_and_driver_let_it_and_its_state_is_told() -> None:
    willing, bidirectional = replace(known(charged="0.5"), discharge_allowed=True), Flags(negative_limits=True)
    found = storage_of(willing, bidirectional, **GIVES)
    assert found is not None
    assert (found.soc, found.discharge_w, found.min_soc, found.wear_eur_per_kwh) == (0.5, 5000.0, 0.4, 0.05)
    assert storage_of(willing, Flags(), **GIVES) is None
    assert storage_of(willing, bidirectional) is None
    assert storage_of(known(charged="0.5"), bidirectional, **GIVES) is None
    assert storage_of(replace(known(), discharge_allowed=True), bidirectional, **GIVES) is None


def test_a_car_of_known_charge_is_known_to_take_less_near_full() -> None:
    taper = situation(known(charged="0.5"), taper_from_soc=Decimal("0.85")).taper
    assert taper is not None
    assert (taper.soc, taper.from_soc, taper.end_w) == (0.5, 0.85, 4140.0)
    assert situation().taper is None


def test_the_shortest_run_and_the_slots_of_chargers_are_the_partner_s() -> None:
    assert situation(minimum_run_s=900).calm.minimum_run_s == 900
    curve = PriceCurve("DE-LU", (), "")
    coarse = situation_of(
        known(), PlanningDefaults(), RateUnit.WATT, curve, None, None, PLUG_IN, flags=Flags(slot_s=900)
    )
    assert coarse.slot_s == 900


@pytest.mark.parametrize(
    ("state", "confidence", "idle"),
    [
        (ChargingState.SUSPENDED_EV, Confidence.MEDIUM, True),
        (ChargingState.SUSPENDED_EV, Confidence.LOW, False),
        (ChargingState.SUSPENDED_EVSE, Confidence.HIGH, False),
        (ChargingState.CHARGING, Confidence.HIGH, False),
    ],
)
def test_a_car_is_idle_when_it_is_trusted_to_take_nothing_by_itself(
    state: ChargingState, confidence: Confidence, idle: bool
) -> None:
    session = replace(known(), state=InferredState(state, "parking_time", confidence))
    assert situation(session).is_idle is idle


def test_the_minimum_is_what_is_still_missing_of_it() -> None:
    assert situation(known(delivered="2"), minimum_now_kwh=Decimal(5)).minimum_now_kwh == 3
    assert situation(known(delivered="6"), minimum_now_kwh=Decimal(5)).minimum_now_kwh == 0


@pytest.mark.parametrize(
    ("planning", "unit", "watts"),
    [
        (PlanningDefaults(phases=1, max_power_w=7360), RateUnit.AMPERE, 1380),
        (PlanningDefaults(phases=3), RateUnit.AMPERE, 4140),
        (PlanningDefaults(phases=None), RateUnit.WATT, 4140),
        (PlanningDefaults(phases=None, max_power_w=3680), RateUnit.WATT, 1380),
        (PlanningDefaults(phases=None, max_power_w=3680), RateUnit.AMPERE, 4140),
        (PlanningDefaults(phases=1, min_current_a=8, voltage_v=240), RateUnit.AMPERE, 1920),
    ],
)
def test_the_least_power_is_the_least_current_on_all_phases(
    planning: PlanningDefaults, unit: RateUnit, watts: int
) -> None:
    assert min_power_w(planning, unit) == watts


@pytest.mark.parametrize(
    ("flag", "phases", "unit"),
    [
        (None, 3, RateUnit.AMPERE),
        (None, None, RateUnit.WATT),
        (RateUnit.WATT, 3, RateUnit.WATT),
        (RateUnit.AMPERE, None, RateUnit.AMPERE),
    ],
)
def test_limits_are_in_amperes_where_the_phases_are_known_unless_the_partner_says_otherwise(
    flag: RateUnit | None, phases: int | None, unit: RateUnit
) -> None:
    """P8"""
    assert rate_unit(Flags(rate_unit=flag), PlanningDefaults(phases=phases)) is unit


def test_prices_come_with_their_doubt() -> None:
    slots = (
        PriceSlot(PLUG_IN, PLUG_IN + QUARTER, Decimal("0.125")),
        PriceSlot(PLUG_IN + QUARTER, PLUG_IN + 2 * QUARTER, Decimal("-0.02"), is_forecast=True),
    )
    assert situation(prices=slots).slots == (
        PricedSlot(PLUG_IN, PLUG_IN + QUARTER, 0.125),
        PricedSlot(PLUG_IN + QUARTER, PLUG_IN + 2 * QUARTER, -0.02, is_forecast=True),
    )


FULL = ((at(0), 11040),)
Steps = tuple[tuple[datetime, int], ...]


def drawn(session: Session, steps: Steps, seen: int | None = None, *, is_whole: bool = True) -> int | None:
    standing = Standing(session.key, limit_w_steps=steps, draw_w=seen)
    return most_drawn_w(replace(known(session), is_whole=is_whole), standing, PlanningDefaults())


PAUSE_THEN_FULL = ((at(0), 0), (at(30), 11040))


@pytest.mark.parametrize(
    ("steps", "draw_w"),
    [(FULL, 7200.0), (PAUSE_THEN_FULL, 7000.0), (((at(0), 6000),), None), ((), None)],
    ids=["granted all the time", "paused first", "limited", "no profile"],
)
def test_a_car_s_draw_is_the_most_it_took_while_it_was_granted_all(steps: Steps, draw_w: float | None) -> None:
    session = a_session(
        period(0, POWER="7.2"), period(10, POWER="0.1"), period(30, POWER="7.0"), period(35, POWER="6.9"), period(36)
    )
    assert drawn(session, steps) == draw_w


def test_a_period_that_has_not_ended_or_was_short_does_not_show_the_draw() -> None:
    session = a_session(period(0, POWER="7.2"), period(2, POWER="7.2"), last_updated=at(60))
    assert drawn(session, FULL) is None


def test_a_profile_that_changes_within_a_period_makes_its_power_tell_nothing() -> None:
    session = a_session(period(0, POWER="3.6"), period(60))
    assert drawn(session, ((at(0), 11040), (at(30), 0))) is None


@pytest.mark.parametrize(
    ("max_power_w", "draw_w", "phases"),
    [(11040, 3750, 1), (11040, 7200, 2), (11040, 10900, 3), (22080, 7200, 1), (22080, 11000, 3), (22080, 21800, 3)],
)
def test_what_a_car_draws_tells_on_how_many_of_three_phases(max_power_w: int, draw_w: int, phases: int) -> None:
    planning = PlanningDefaults(max_power_w=max_power_w, phases=3)
    assert phase_share(draw_w, planning, RateUnit.AMPERE) == pytest.approx(phases / 3)


@pytest.mark.parametrize("phases", [1, 2, None])
def test_a_charger_that_is_not_known_to_have_three_phases_tells_nothing_of_the_car_s(phases: int | None) -> None:
    assert phase_share(3600, PlanningDefaults(phases=phases), RateUnit.WATT) == 1


def test_a_session_that_began_long_ago_has_a_departure_in_the_past() -> None:
    assert departure_of(a_session(), BERLIN) < PLUG_IN + timedelta(days=2)


def test_what_a_car_was_seen_to_draw_before_is_not_forgotten() -> None:
    session = a_session(period(0, POWER="6.9"), period(10))
    assert drawn(session, FULL, seen=7200) == 7200
    assert drawn(session, FULL, seen=4000) == 6900
    assert drawn(a_session(), FULL, seen=50_000) == PlanningDefaults().max_power_w, "less may be allowed since"


def test_the_first_of_the_newest_periods_may_be_a_running_total_and_does_not_show_the_draw() -> None:
    readings = [period(5 * number, ENERGY=str(20 + number * Decimal("0.3"))) for number in range(6)]
    assert drawn(a_session(*readings), FULL, is_whole=False) == 3600


MINUTE = timedelta(minutes=1)


def a_running_plan(*blocks_min: tuple[int, int], unlimited_min: int = 600) -> Plan:
    """A plan with blocks of 11 kW, in minutes after plug-in."""
    blocks = (Block(PLUG_IN + a * MINUTE, PLUG_IN + b * MINUTE, Decimal(11000)) for a, b in blocks_min)
    unlimited_from = PLUG_IN + unlimited_min * MINUTE
    reason = Reason(ReasonCode.CHEAPEST, "")
    return Plan(PLUG_IN, unlimited_from, Decimal(10), Decimal(11000), unlimited_from, reason, tuple(blocks))


@pytest.mark.parametrize(
    ("power_w", "plan", "heard_min", "now_min", "kwh"),
    [
        (11000, a_running_plan((0, 60)), 30, 36, 1.1),
        (11000, a_running_plan((0, 33)), 30, 36, 0.55),
        (11000, a_running_plan((0, 33), (35, 60)), 30, 36, 0.55 + 11 / 60),
        (3700, a_running_plan((0, 60)), 30, 36, 0.37),
        (22000, a_running_plan((0, 60)), 30, 36, 1.1),
        (11000, a_running_plan(unlimited_min=33), 30, 36, 0.55),
        (11000, a_running_plan((0, 60)), 0, 60, 2.75),
        (11000, a_running_plan((0, 60)), 30, 30, 0.0),
        (50, a_running_plan((0, 60)), 30, 36, 0.0),
        (-5000, a_running_plan((0, 60)), 30, 36, 0.0),
        (None, a_running_plan((0, 60)), 30, 36, 0.0),
        (11000, None, 30, 36, 0.0),
    ],
    ids=[
        "the whole time",
        "until its block ended",
        "in two blocks",
        "a slow car",
        "no more than the plan lets it",
        "free again",
        "for a quarter of an hour at most",
        "just heard of",
        "a car that draws nothing",
        "a car that feeds the grid",
        "a car that tells no power",
        "no plan",
    ],
)
def test_a_car_that_charged_when_it_was_heard_of_counts_as_charging_on(
    power_w: float | None, plan: Plan | None, heard_min: int, now_min: int, kwh: float
) -> None:
    assert unheard_kwh(power_w, PLUG_IN + heard_min * MINUTE, plan, PLUG_IN + now_min * MINUTE) == pytest.approx(kwh)


def test_what_is_needed_is_less_what_was_drawn_since_the_newest_message() -> None:
    heard = replace(known(delivered="10", charged="0.5"), session=replace(a_session(), last_updated=PLUG_IN))
    charging = replace(heard, state=replace(heard.state, power_w=11000))
    curve = PriceCurve("DE-LU", (), "")
    planning = PlanningDefaults(minimum_now_kwh=Decimal(12))
    silent, told = (
        situation_of(each, planning, RateUnit.WATT, curve, a_running_plan((0, 60)), None, PLUG_IN + 6 * MINUTE)
        for each in (heard, charging)
    )
    assert told.need_kwh == pytest.approx(silent.need_kwh - 1.1)
    assert told.minimum_now_kwh == pytest.approx(silent.minimum_now_kwh - 1.1)
    assert told.room_kwh == pytest.approx((silent.room_kwh or 0) - 1.1)

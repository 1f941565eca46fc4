"""Every plan says why it is as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from offpeak.planning.decide import decide
from offpeak.planning.facts import WhyNow
from offpeak.planning.plan import ReasonCode, from_row, to_row
from offpeak.planning.reasons import GridHold, GridSteer, say, with_grid
from offpeak.planning.situation import Milestone, PowerCap, Storage
from offpeak.planning.wording import ENGLISH, MOST_SPANS
from tests.planning.builders import NIGHT, NOW, RESTLESS, a_situation, after, priced

BERLIN = {"time_zone": "Europe/Berlin"}
ZIGZAG = priced(*[0.1, 0.5] * 6)

BATTERY = Storage(60.0, 0.5, 5_000.0, charging_efficiency=1.0, discharging_efficiency=1.0)

SENTENCES: list[tuple[ReasonCode, dict[str, Any], str]] = [
    (
        ReasonCode.CHEAPEST,
        {"need_kwh": 32.5},
        "Charges from 01:00 to 04:15, the cheapest 3 h 15 min before 07:00; saves 8.50 EUR against charging at once. "
        "A kWh costs 0.40 EUR now and 0.09 EUR then.",
    ),
    (
        ReasonCode.CHEAPEST,
        {"slots": ZIGZAG, "calm": RESTLESS},
        "Charges from 19:00 to 20:00 and from 21:00 to 22:00, the cheapest 2 h before 07:00; "
        "saves 4.00 EUR against charging at once.",
    ),
    (
        ReasonCode.CHEAPEST,
        {"slots": ZIGZAG, "calm": RESTLESS, "need_kwh": 30.0},
        "Charges from 19:00 to 20:00, from 21:00 to 22:00 and from 23:00 to 00:00, the cheapest 3 h before 07:00; "
        "saves 4.00 EUR against charging at once.",
    ),
    (
        ReasonCode.CHEAPEST,
        {"slots": ZIGZAG, "calm": RESTLESS, "need_kwh": 42.5},
        "Charges in 5 pieces from 19:00 to 03:15, the cheapest 4 h 15 min before 07:00; "
        "saves 8.00 EUR against charging at once.",
    ),
    (
        ReasonCode.AT_ONCE,
        {"slots": priced(*[0.3] * 12)},
        "Charges at once, from 19:00 to 21:00: no later time before 07:00 is cheaper.",
    ),
    (
        ReasonCode.AT_ONCE,
        {"need_kwh": 1.0, "minimum_now_kwh": 10.0},
        "Charges at once, from 19:00 to 20:00, whatever the price: it has less than it is to have soon.",
    ),
    (
        ReasonCode.CHEAPEST,
        {"minimum_now_kwh": 5.0},
        "Charges from 19:00 to 19:30 and from 02:00 to 03:30, the cheapest 2 h before 07:00; "
        "saves 4.55 EUR against charging at once. "
        "Until 19:30 it charges whatever the price, for the least that it is to have soon.",
    ),
    (
        ReasonCode.CHEAPEST,
        {"milestones": (Milestone(after(2), 5.0),)},
        "Charges from 20:00 to 20:30 and from 02:00 to 03:30, the cheapest 2 h before 07:00; "
        "saves 4.65 EUR against charging at once. A kWh costs 0.40 EUR now and 0.16 EUR then. "
        "By 21:00 it will have got 5.0 kWh more, in case it leaves then.",
    ),
    (
        ReasonCode.CHEAPEST,
        {"milestones": (Milestone(after(0.5), 8.0),)},
        "Charges from 19:00 to 19:48 and from 02:00 to 03:12, the cheapest 2 h before 07:00; "
        "saves 3.62 EUR against charging at once. "
        "By 19:30, when it might leave, only 5.0 of the 8.0 kWh fit that it is to have got more.",
    ),
    (
        ReasonCode.BOOST,
        {"boosts": True},
        "Charges at once, from 19:00 to 21:00: it was asked to, whatever the price.",
    ),
    (
        ReasonCode.CHEAPEST,
        {"boost_until": after(0.5)},
        "Charges from 19:00 to 19:30 and from 02:00 to 03:30, the cheapest 2 h before 07:00; "
        "saves 4.55 EUR against charging at once. Until 19:30 it charges whatever the price, as it was asked to.",
    ),
    (
        ReasonCode.SHORT_OF_TIME,
        {"need_kwh": 150.0},
        "Charges without a pause: only 120.0 of the 150.0 kWh needed fit before 07:00.",
    ),
    (
        ReasonCode.SHORT_OF_TIME,
        {"need_kwh": 150.0, "caps": (PowerCap(NOW, after(1), 0.0),)},
        "Charges whenever it may: only 110.0 of the 150.0 kWh needed fit before 07:00. "
        "It pauses for now, as less power is left for it than a car charges at.",
    ),
    (ReasonCode.NEED_MET, {"need_kwh": 0.0, "need_is_known": True}, "Has what it needs; is paused until 07:00."),
    (
        ReasonCode.NEED_MET,
        {"need_kwh": 0.0, "need_is_known": True, "room_kwh": 5.0, "slots": priced(0.1, -0.1)},
        "Has what it needs; charges from 20:00 to 20:30, when energy costs less than nothing.",
    ),
    (
        ReasonCode.NEED_UNKNOWN,
        {"need_kwh": 0.0},
        "Has what it was expected to need; is not limited, as it may want more.",
    ),
    (
        ReasonCode.PAST_DEPARTURE,
        {"departure_at": after(-1)},
        "Is still here after 18:00, when it was expected to leave; is not limited.",
    ),
    (
        ReasonCode.TOO_LITTLE_POWER,
        {"min_power_w": 20_000.0},
        "Is not limited: the charger's maximum is less than a car can charge at.",
    ),
    (
        ReasonCode.GIVES_BACK,
        {
            "slots": priced(0.4, 0.1),
            "departure_at": after(2),
            "need_kwh": 1.0,
            "need_is_known": True,
            "storage": BATTERY,
        },
        "Charges from 20:00 to 20:36, and gives energy back from 19:00 to 20:00; has what it needs by 21:00, "
        "saves 1.83 EUR against charging at once.",
    ),
    (ReasonCode.NO_PRICES, {"slots": ()}, "Charges at once, from 19:00 to 21:00: no prices are known."),
]


@pytest.mark.parametrize(("code", "changes", "text"), SENTENCES)
def test_a_reason_is_a_sentence_in_local_time(code: ReasonCode, changes: dict[str, Any], text: str) -> None:
    reason = decide(a_situation(**{**BERLIN, **changes})).reason
    assert reason.code is code
    assert reason.text.removesuffix(" Prices from 21:00 on are a forecast.") == text


def test_every_code_has_a_sentence() -> None:
    elsewhere = {ReasonCode.SHARED_LIMIT, ReasonCode.HABITS}  # tests/planning/test_group.py, test_habits.py
    assert {code for code, _, _ in SENTENCES} == set(ReasonCode) - elsewhere


def test_a_forecast_is_said() -> None:
    forecast = tuple(replace(slot, is_forecast=slot.start_at >= after(5)) for slot in NIGHT)
    reason = decide(a_situation(slots=forecast, **BERLIN)).reason
    assert reason.text.endswith("Prices from 00:00 on are a forecast.")
    assert reason.facts["forecast_from"] == "2026-01-15T23:00:00.000Z"


def test_another_day_has_its_weekday() -> None:
    reason = decide(a_situation(departure_at=after(36), slots=priced(*[0.3] * 30, *[0.1] * 6), **BERLIN)).reason
    assert reason.text.startswith("Charges from Sat 01:00 to Sat 03:00, the cheapest 2 h before Sat 07:00")


def test_local_time_is_that_of_each_instant_when_summer_time_ends() -> None:
    evening = datetime(2025, 10, 25, 22, 0, tzinfo=UTC)
    situation = a_situation(
        now=evening,
        slots=priced(0.3, 0.3, 0.1, 0.1, 0.1, start_at=evening),
        departure_at=datetime(2025, 10, 26, 4, 0, tzinfo=UTC),
        **BERLIN,
    )
    assert decide(situation).reason.text.startswith("Charges from 02:00 to 03:00, the cheapest 2 h before 05:00")


def test_the_facts_are_for_machines() -> None:
    assert decide(a_situation(**BERLIN)).reason.facts == {
        "told_at": "2026-01-15T18:00:00.000Z",
        "doing": "PAUSED",
        "power_w": Decimal(0),
        "why_now": "CHEAPER_LATER",
        "next_change_at": "2026-01-16T01:00:00.000Z",
        "ready_at": "2026-01-16T03:00:00.000Z",
        "starts_at": "2026-01-16T01:00:00.000Z",
        "ends_at": "2026-01-16T03:00:00.000Z",
        "blocks": 1,
        "charging_s": 7200,
        "limited_by": "NOTHING",
        "need_from": "ASSUMED",
        "need_kwh": Decimal("20.000"),
        "shortfall_kwh": Decimal("0.000"),
        "saving_eur": Decimal("6.1000"),
        "departure_at": "2026-01-16T06:00:00.000Z",
        "unlimited_from": "2026-01-16T03:00:00.000Z",
        "kept": False,
        "price_now_eur_per_kwh": Decimal("0.4000"),
        "price_then_eur_per_kwh": Decimal("0.0850"),
    }


WHY_NOW: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    ("the_cheapest_hour_is_now", {"now": after(7)}, ("CHARGING", "CHEAP_NOW")),
    ("cheaper_hours_come", {}, ("PAUSED", "CHEAPER_LATER")),
    (
        "energy_is_dear_and_the_battery_may_give",
        {"slots": priced(0.4, 0.1), "storage": BATTERY, "need_kwh": 1.0, "departure_at": after(2)},
        ("DISCHARGING", "DEAR_NOW"),
    ),
    ("it_was_asked_to", {"boosts": True}, ("CHARGING", "ASKED_TO")),
    ("it_has_less_than_its_minimum", {"minimum_now_kwh": 5.0}, ("CHARGING", "MINIMUM")),
    ("there_is_no_time_to_wait", {"need_kwh": 150.0}, ("CHARGING", "NO_TIME_LEFT")),
    (
        "it_is_paid_to",
        {"need_kwh": 0.0, "need_is_known": True, "room_kwh": 5.0, "slots": priced(-0.1, 0.1)},
        ("CHARGING", "PAID_TO"),
    ),
    (
        "there_is_too_little_power_for_a_car",
        {"need_kwh": 150.0, "caps": (PowerCap(NOW, after(1), 500.0),), "min_power_w": 4140.0},
        ("PAUSED", "CAPPED"),
    ),
    (
        "the_grid_would_have_it_later",
        {"slots": (replace(NIGHT[0], eur_per_kwh=0.0, steer_eur_per_kwh=1.0), *NIGHT[1:])},
        ("PAUSED", "STEERED"),
    ),
    ("it_has_what_it_needs", {"need_kwh": 0.0, "need_is_known": True}, ("PAUSED", "NEED_MET")),
    ("no_price_is_known", {"slots": ()}, ("CHARGING", "NO_PRICES")),
    ("nothing_is_held_back", {"need_kwh": 0.0}, ("NOT_LIMITED", "NOT_HELD")),
    (
        "a_plan_that_is_nearly_as_good_stays",
        {"slots": priced(0.1, *[0.101] * 11), "running": "flat"},
        ("PAUSED", "STEADY"),
    ),
]


@pytest.mark.parametrize(("changes", "said"), [each[1:] for each in WHY_NOW], ids=[each[0] for each in WHY_NOW])
def test_what_it_does_now_and_why(changes: dict[str, Any], said: tuple[str, str]) -> None:
    if "running" in changes:
        changes = {**changes, "running": decide(a_situation())}
    facts = decide(a_situation(**changes)).reason.facts
    assert (facts["doing"], facts["why_now"]) == said


def test_every_why_has_a_case() -> None:
    elsewhere = {"SHARED_LIMIT", "ODDS"}  # tests/planning/test_facts.py
    assert {said[1] for *_, said in WHY_NOW} == set(WhyNow) - elsewhere


LIMITED_BY: list[tuple[str, dict[str, Any], str]] = [
    ("a_plan_at_the_cheapest_time_is_limited_by_nothing", {}, "NOTHING"),
    ("what_does_not_fit_is_limited_by_time", {"need_kwh": 150.0}, "TIME"),
    ("more_than_a_car_takes_in_time_is_too", {"need_kwh": 150.0, "caps": (PowerCap(NOW, after(1), 0.0),)}, "TIME"),
    (
        "what_would_fit_without_a_signal_is_limited_by_it",
        {"need_kwh": 115.0, "caps": (PowerCap(NOW, after(1), 0.0),)},
        "GRID_SIGNAL",
    ),
    (
        "so_is_a_plan_that_a_signal_moves_to_a_dearer_time",
        {"caps": (PowerCap(after(7), after(8), 5000.0),)},
        "GRID_SIGNAL",
    ),
    ("a_cap_on_dearer_time_limits_nothing", {"caps": (PowerCap(NOW, after(6), 0.0),)}, "NOTHING"),
    (
        "power_that_a_car_cannot_use_is_the_cars_limit",
        {"caps": (PowerCap(after(7), after(8), 4000.0),), "min_power_w": 4140.0},
        "CAR_MINIMUM",
    ),
    ("a_charger_below_the_cars_minimum_is_its_limit", {"min_power_w": 20_000.0}, "CHARGER"),
]


@pytest.mark.parametrize(("changes", "limit"), [each[1:] for each in LIMITED_BY], ids=[each[0] for each in LIMITED_BY])
def test_what_limited_it(changes: dict[str, Any], limit: str) -> None:
    assert decide(a_situation(**changes)).reason.facts["limited_by"] == limit


def test_where_the_need_comes_from_is_a_fact() -> None:
    assert decide(a_situation()).reason.facts["need_from"] == "ASSUMED"
    assert decide(a_situation(need_is_known=True)).reason.facts["need_from"] == "TOLD"


def test_a_kept_plan_says_since_when_it_stands() -> None:
    running = decide(a_situation(**BERLIN))
    kept = decide(a_situation(now=after(2), running=running, **BERLIN)).reason
    assert kept.facts["kept"] is True
    assert "This was planned at 19:00; another plan would save too little to move it." in kept.text


def test_a_plan_is_told_in_another_language_from_its_row() -> None:
    """No word is in the code: a wording of nothing but the values leaves nothing else."""
    plan = from_row(to_row(decide(a_situation(**BERLIN))))
    assert say(plan, time_zone="Europe/Berlin") == plan.reason.text
    dutch = replace(
        ENGLISH,
        sentences={
            "CHEAPEST": "Laadt {when}, de goedkoopste {length} voor {by}; bespaart {saving} EUR.",
            "PRICE_NOW": "Een kWh kost nu {price_now} EUR en dan {price_then} EUR.",
        },
        span="van {start} tot {end}",
        hours="{hours} u",
    )
    assert say(plan, time_zone="Europe/Berlin", wording=dutch) == (
        "Laadt van 02:00 tot 04:00, de goedkoopste 2 u voor 07:00; bespaart 6.10 EUR. "
        "Een kWh kost nu 0.40 EUR en dan 0.08 EUR."
    )


def test_a_battery_that_only_gives_is_told_so() -> None:
    plan = decide(a_situation(slots=priced(0.4, 0.1), departure_at=after(2), need_kwh=1.0, storage=BATTERY, **BERLIN))
    giving = replace(plan, blocks=tuple(each for each in plan.blocks if each.power_w < 0))
    assert say(giving, time_zone="Europe/Berlin").startswith("Gives energy back from 19:00 to 20:00; has what it needs")


def test_every_code_has_its_sentence_in_the_wording() -> None:
    assert {code.value for code in ReasonCode} <= set(ENGLISH.sentences)
    assert len(ENGLISH.lists) == MOST_SPANS
    assert all(sentence.endswith(".") for sentence in ENGLISH.sentences.values())


def test_a_plan_that_costs_a_little_more_than_charging_at_once_claims_no_saving() -> None:
    running = decide(a_situation(**BERLIN))
    flat = priced(*[0.2] * 7, *[0.201] * 5)
    plan = decide(a_situation(slots=flat, running=running, now=NOW, **BERLIN))
    assert plan.saving_eur < 0
    assert "saves 0.00 EUR" in plan.reason.text


HELD = GridHold(after(1), after(3), Decimal(4100), ("evening",), is_congestion=True)
STEER = GridSteer(Decimal("0.1"), ("wind", "evening"))


@pytest.mark.parametrize(
    ("holds", "steer", "told", "signals"),
    [
        ([HELD], None, "Power is held to 4.1 kW from 20:00 to 22:00. That is grid congestion.", "evening"),
        (
            [HELD, replace(HELD, start_at=after(3), end_at=after(4), power_w=Decimal(6000))],
            None,
            "Power is held to 4.1 kW or more from 20:00 to 23:00. That is grid congestion.",
            "evening",
        ),
        (
            [replace(HELD, power_w=Decimal(0), end_at=after(20), is_congestion=False)],
            None,
            "Power is held to 0.0 kW from 20:00 on. That is a cap of the grid.",
            "evening",
        ),
        ([], STEER, "The grid's signals count, by up to 0.10 EUR/kWh more.", "wind evening"),
        ([], replace(STEER, most_eur_per_kwh=Decimal("-0.1")), "by up to 0.10 EUR/kWh less.", "wind evening"),
        ([HELD], STEER, "grid congestion. The grid's signals count", "evening wind"),
    ],
)
def test_what_the_grid_has_to_do_with_a_plan_is_told_after_its_reason(
    holds: list[GridHold], steer: GridSteer | None, told: str, signals: str
) -> None:
    plan = decide(a_situation(**BERLIN))
    reason, with_it = plan.reason, with_grid(plan, holds, steer, now=NOW, until=after(12), time_zone="Europe/Berlin")
    assert with_it.text.startswith(reason.text)
    assert told in with_it.text
    assert with_it.facts["signals"] == signals
    assert with_it.facts["departure_at"] == reason.facts["departure_at"]


def test_a_hold_of_another_time_is_not_told() -> None:
    plan = decide(a_situation())
    holds = [replace(HELD, start_at=after(12), end_at=after(13)), replace(HELD, start_at=after(-2), end_at=NOW)]
    assert with_grid(plan, holds, None, now=NOW, until=after(12), time_zone="UTC") is plan.reason

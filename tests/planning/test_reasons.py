"""Every plan says why it is as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from offpeak.planning.decide import decide
from offpeak.planning.plan import ReasonCode
from offpeak.planning.reasons import GridHold, GridSteer, with_grid
from offpeak.planning.situation import Storage
from tests.planning.builders import NIGHT, NOW, RESTLESS, a_situation, after, priced

BERLIN = {"time_zone": "Europe/Berlin"}
ZIGZAG = priced(*[0.1, 0.5] * 6)

BATTERY = Storage(60.0, 0.5, 5_000.0, charging_efficiency=1.0, discharging_efficiency=1.0)

SENTENCES: list[tuple[ReasonCode, dict[str, Any], str]] = [
    (
        ReasonCode.CHEAPEST,
        {"need_kwh": 32.5},
        "Charges from 01:00 to 04:15, the cheapest 3 h 15 min before 07:00; saves 8.50 EUR against charging at once.",
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
        ReasonCode.SHORT_OF_TIME,
        {"need_kwh": 150.0},
        "Charges without a pause: only 120.0 of the 150.0 kWh needed fit before 07:00.",
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
    assert reason.text.split(" Prices from")[0] == text


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
        "departure_at": "2026-01-16T06:00:00.000Z",
        "unlimited_from": "2026-01-16T03:00:00.000Z",
        "need_kwh": Decimal("20.000"),
        "shortfall_kwh": Decimal("0.000"),
        "saving_eur": Decimal("6.1000"),
        "blocks": 1,
        "charging_s": 7200,
        "kept": False,
        "starts_at": "2026-01-16T01:00:00.000Z",
        "ends_at": "2026-01-16T03:00:00.000Z",
    }


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
        ([HELD], None, "Power is held to 4.1 kW from 20:00 to 22:00: grid congestion.", "evening"),
        (
            [HELD, replace(HELD, start_at=after(3), end_at=after(4), power_w=Decimal(6000))],
            None,
            "Power is held to 4.1 kW or more from 20:00 to 23:00: grid congestion.",
            "evening",
        ),
        (
            [replace(HELD, power_w=Decimal(0), end_at=after(20), is_congestion=False)],
            None,
            "Power is held to nothing from 20:00 on: a cap of the grid.",
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
    reason = decide(a_situation(**BERLIN)).reason
    with_it = with_grid(reason, holds, steer, now=NOW, until=after(12), time_zone="Europe/Berlin")
    assert with_it.text.startswith(reason.text)
    assert told in with_it.text
    assert with_it.facts["signals"] == signals
    assert with_it.facts["departure_at"] == reason.facts["departure_at"]


def test_a_hold_of_another_time_is_not_told() -> None:
    reason = decide(a_situation()).reason
    holds = [replace(HELD, start_at=after(12), end_at=after(13)), replace(HELD, start_at=after(-2), end_at=NOW)]
    assert with_grid(reason, holds, None, now=NOW, until=after(12), time_zone="UTC") is reason

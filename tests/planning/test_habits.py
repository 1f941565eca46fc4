"""Plans where nobody says when the car leaves and what it needs, but its charger's past does."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from offpeak.planning.decide import decide
from offpeak.planning.outlook import Chance, Chances, Outlook
from offpeak.planning.plan import ReasonCode
from offpeak.planning.situation import Milestone, PowerCap
from tests.planning.builders import HOUR, NOW, QUARTER, RESTLESS, a_situation, after, priced, spans
from tests.planning.test_facts import an_outlook

USUAL = Outlook(
    Chances(Chance(after(hours), kwh, 1.0) for hours, kwh in ((8.1, 9.0), (10, 10.0), (11, 10.0), (12, 14.0))),
    miss_eur=5.0,
    visits=40,
    alike=30,
)


def decided(outlook: Outlook = USUAL, **changes: Any) -> Any:
    return decide(a_situation(**{"outlook": outlook, "calm": RESTLESS, **changes}))


def test_a_usual_night_is_charged_before_the_first_leaves() -> None:
    plan = decided()
    assert plan.reason.code is ReasonCode.HABITS
    assert spans(plan.blocks) == [(7.0, 8.5)]


def test_the_reason_says_what_is_usual_and_how_often_it_was_seen() -> None:
    reason = decided(time_zone="Europe/Berlin").reason
    assert reason.text == (
        "Charges from 02:00 to 03:30, the best time by what is usual here; saves 3.20 EUR against charging at once, if "
        "it stays as usual. By 40 visits, 30 of them at such a time, nine cars of ten stay beyond 03:06 and half "
        "beyond 05:00; half still take up to 10.0 kWh, nine of ten up to 14.0 kWh. "
        "A kWh costs 0.40 EUR now and 0.08 EUR then."
    )
    assert reason.facts["visits"] == 40
    assert reason.facts["early_departure_at"] == "2026-01-16T02:06:00.000Z"


@pytest.mark.parametrize(
    ("visits", "begins"),
    [(0, "By others' visits, "), (1, "Little is known"), (7, "Little is known"), (8, "By 8 visits, ")],
)
def test_the_reason_says_how_little_it_knows(visits: int, begins: str) -> None:
    text = decided(replace(USUAL, visits=visits, alike=min(visits, 3))).reason.text
    assert f" {begins}" in text
    assert "nine cars of ten stay beyond" in text


@pytest.mark.parametrize("seed", range(60))
def test_a_plan_is_the_same_with_numpy_and_without(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is deployed has no numpy; what is replayed and tested has."""
    random = Random(seed)
    slots = priced(*(random.uniform(-0.1, 0.5) for _ in range(48)), length=QUARTER)
    outlook = an_outlook(random)
    running = decided(outlook, slots=slots) if seed % 2 else None
    said = {"slots": slots, "now": after(random.uniform(0, 3)), "calm": a_situation().calm, "running": running}
    with_numpy = decided(outlook, **said)
    monkeypatch.setattr("offpeak.planning.weigh._with_numpy", lambda: None)
    assert decided(outlook, **said) == with_numpy


def test_after_the_last_block_nobody_is_held_back() -> None:
    assert decided().unlimited_from == after(8.5)


@pytest.mark.parametrize(
    "said",
    [
        {"need_is_known": True},
        {"boosts": True},
        {"boost_until": after(1)},
        {"milestones": (Milestone(after(5), 4.0),)},
        {"slot_s": 900},
    ],
    ids=str,
)
def test_what_somebody_said_wins_over_habits(said: dict[str, Any]) -> None:
    plan, without = decided(**said), decide(a_situation(calm=RESTLESS, **said))
    assert replace(plan, reason=without.reason) == without
    assert plan.reason.code is without.reason.code


def test_once_the_usual_departures_have_passed_the_rest_counts() -> None:
    late = replace(USUAL, chances=Chances((*USUAL.chances, Chance(after(14), 10.0, 0.01))))
    plan = decided(late, now=after(12.5), slots=())
    assert plan.departure_at == after(14)


def test_a_car_waits_where_the_grid_leaves_no_power_for_as_long_as_anybody_stays() -> None:
    plan = decided(caps=(PowerCap(NOW, after(60), 0.0),))
    assert (plan.reason.code, plan.blocks) == (ReasonCode.SHORT_OF_TIME, ())
    assert plan.reason.facts["limited_by"] == "GRID_SIGNAL"


def test_a_car_that_outstays_all_visits_is_not_limited() -> None:
    assert decided(now=after(13)).reason.code is ReasonCode.PAST_DEPARTURE


def test_a_car_that_takes_more_than_all_before_is_not_limited() -> None:
    sated = replace(USUAL, drawn_kwh=14)
    assert decided(sated).reason.code is ReasonCode.NEED_UNKNOWN


def test_the_more_a_miss_counts_the_sooner_it_is_charged() -> None:
    wary = Outlook(Chances((Chance(after(3), 10.0, 0.05), Chance(after(12), 10.0, 0.95))), miss_eur=100.0)
    assert spans(decided(wary).blocks)[0][0] < 3
    assert spans(decided(replace(wary, miss_eur=0.1)).blocks) == [(7.0, 8.0)]


def test_a_plan_that_is_nearly_as_good_is_kept() -> None:
    plan = decided(calm=a_situation().calm)
    later = decided(
        calm=a_situation().calm,
        running=plan,
        now=NOW + HOUR,
        outlook=replace(USUAL, chances=Chances((*USUAL.chances, Chance(after(11), 11.0, 0.05)))),
    )
    assert later.blocks == plan.blocks
    assert later.reason.facts["kept"] is True


def test_a_car_that_was_let_free_is_not_held_back_again() -> None:
    plan = decided()
    later = decided(running=plan, now=after(9.5), slots=())
    assert (later.reason.code, later.unlimited_from) == (ReasonCode.NEED_UNKNOWN, after(9.5))


def test_what_is_due_at_once_is_charged_at_once() -> None:
    assert spans(decided(minimum_now_kwh=5.0).blocks)[0] == (0.0, 0.5)


def test_quantiles_are_of_those_that_are_still_there_and_still_ask() -> None:
    assert USUAL.departure_at(0.5, NOW) == after(10)
    assert USUAL.departure_at(0.5, after(10.5)) == after(11)
    assert USUAL.need_kwh(0.9) == 14.0
    assert replace(USUAL, chances=Chances()).need_kwh(0.5) == 0.0

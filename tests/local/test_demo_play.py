"""When what happens in a demonstrated night."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from infra.routes import CLOCKS
from local.car import Car, Visit
from local.demo.play import LATE, STEP, due_functions, next_step

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def visit(arrives: float, leaves: float) -> Visit:
    return Visit(f"S-{arrives}", "E1", Car(battery_kwh=60, soc=0.5), at(arrives), at(leaves))


@pytest.mark.parametrize(
    ("now", "following"),
    [
        (at(0), at(1)),
        (at(1), at(1.5)),
        (at(3), at(3) + STEP),
        (at(4), at(4) + STEP),
        (at(4) + LATE, at(5)),
        (at(5), at(5.5)),
    ],
    ids=[
        "nobody there: the next hour, when prices are fetched",
        "nobody there: the next car",
        "cars there",
        "a car has just left: its last messages may come late",
        "all gone until later",
        "a car that comes between two steps is taken with the later one",
    ],
)
def test_steps_are_five_minutes_while_cars_are_there(now: datetime, following: datetime) -> None:
    assert next_step(now, (visit(1.5, 4), visit(2, 3), visit(5.46, 6))) == following


IN_REAL_TIME = ("refresh_tokens", "rotate_tokens", "sweep_pairings", "sweep_webhooks", "erase_users")


def test_functions_run_at_the_rates_of_their_schedules() -> None:
    """No function behind a schedule is forgotten but those that live in real time; and none runs at another rate than
    on AWS, as far as steps allow."""
    day = [NOON + STEP * n for n in range(1, 24 * 12 + 1)]
    for clock in CLOCKS:
        if clock.function in IN_REAL_TIME:
            continue
        rate = re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", clock.schedule)
        assert rate
        every = max(timedelta(**{f"{rate[2]}s": int(rate[1])}), STEP)
        runs = [now for now in day if clock.function in due_functions(now, is_first=False)]
        assert len(runs) == timedelta(days=1) / every


def test_prices_are_fetched_before_anything_else() -> None:
    assert due_functions(NOON + STEP, is_first=True)[0] == "fetch_prices"
    assert "replan_sessions" not in due_functions(NOON, is_first=True)

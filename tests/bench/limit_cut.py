"""How soon a lower cap of a limit group is in force at every charger, beside as many empty messages."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from offpeak.profiles.model import Step
from ops.operator_api import call, path_of
from tests.bench.report import Progress, Row, ms
from tests.bench.stand import PARTNER, Stand

NAME = "limit cut"
GROUP = "bench-board"
CHARGERS = 50
MAX_W = 11_040
BEFORE_A, AFTER_A = 200, 100
"""On each phase: 138 kW and 69 kW, where the chargers could draw 552 kW."""
GIVEN_UP_AFTER_S = 120.0
GOAL_S = 10.0


@dataclass(frozen=True, slots=True)
class Cut:
    """How many chargers had to be told, and in how many seconds the last of them had taken it."""

    chargers: int
    took_s: float


def measure(stand: Stand, progress: Progress) -> list[Row]:
    outside, cloud = stand.outside, stand.cloud
    sessions, messages = stand.new_sessions(CHARGERS), stand.new_messages(CHARGERS)
    call(cloud.deployed, "POST", "/groups", {"group_id": GROUP, "name": "Bench", "limit_a": BEFORE_A})
    chargers = [
        {"partner_id": PARTNER, "evse_uid": f"EVSE-{each}", "max_power_w": MAX_W, "phases": 3} for each in sessions
    ]
    call(cloud.deployed, "PATCH", f"/groups{path_of(GROUP)}/members", {"put": chargers})
    outside.run_at_once([partial(outside.put, each) for each in sessions], CHARGERS)
    cloud.wait_until_drained(GIVEN_UP_AFTER_S)
    progress(f"{CHARGERS} cars share {BEFORE_A} A")

    ordered_at = time.time()
    call(cloud.deployed, "PATCH", f"/groups{path_of(GROUP)}", {"limit_a": AFTER_A})
    cloud.wait_until_drained(GIVEN_UP_AFTER_S)
    cut = cut_of([_confirmed_at(stand, each) for each in sessions], ordered_at)
    progress(f"cut to {AFTER_A} A")

    began_at = time.time()
    passed = outside.run_at_once([partial(outside.empty_message, each) for each in messages], CHARGERS)
    progress("as many empty messages")
    return rows(cut, max(each.confirmed_at for each in passed) - began_at)


def _confirmed_at(stand: Stand, session_id: str) -> list[float]:
    requests = stand.profiles.requests_of(stand.key(session_id))
    return [each.steps[Step.CONFIRMED].timestamp() for each in requests if Step.CONFIRMED in each.steps]


def cut_of(confirmed_at: Iterable[Iterable[float]], ordered_at: float) -> Cut:
    """Return what became of a cut that was ordered then, by when each charger took profiles (seconds since the epoch).

    Raises ValueError when none took one since.
    """
    last = [max(since) for each in confirmed_at if (since := [at for at in each if at >= ordered_at])]
    return Cut(len(last), max(last) - ordered_at)


def rows(cut: Cut, empty_s: float) -> list[Row]:
    what = f"a cut of the cap is in force at {cut.chargers} chargers of {CHARGERS} after"
    beside = f"{ms(empty_s)} for {CHARGERS} empty messages"
    holds = cut.took_s < GOAL_S and cut.chargers == CHARGERS  # half the limit is less for all of them
    return [Row(NAME, what, f"{cut.took_s:.1f} s", beside, f"{cut.took_s / empty_s:.1f}", f"< {GOAL_S:g} s", holds)]

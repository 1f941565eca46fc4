"""Plays a scenario: moves simulated time on step by step, and waits after each until the stack has done its work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from local.car import Visit
from local.cloud import NotDrained
from local.cpo import Advanced
from local.demo.scenario import Scenario
from local.demo.stage import Stage
from ops.deployed import FunctionFailed

STEP = timedelta(minutes=5)
LATE = timedelta(minutes=20)
"""So long after a car has left, all that its CPO was late with has come."""
DRAINED_WITHIN_S = 30.0


@dataclass(slots=True)
class Course:
    """How it goes. `troubles` are sentences about what should not have happened, and how often it did."""

    pushes: int = 0
    troubles: Counter[str] = field(default_factory=Counter)


def play(scenario: Scenario, stage: Stage, course: Course) -> Iterator[datetime]:
    """Yield the simulated time after each step, until all cars have left.

    In each step the CPOs push what has happened, while the functions behind the schedules run that are due by then.
    """
    visits = scenario.visits
    last_at = max(visit.leaves_at or scenario.end_at for visit in visits)
    at = scenario.start_at
    while True:
        _step(at, scenario, stage, course)
        yield at
        if at >= last_at + LATE:
            return
        at = next_step(at, visits)


def next_step(at: datetime, visits: tuple[Visit, ...]) -> datetime:
    """Return the time of the next step: five minutes on while cars are there, else with the next hour or car."""
    step = at + STEP
    if any(visit.arrives_at <= step and (visit.leaves_at is None or visit.leaves_at > at - LATE) for visit in visits):
        return step
    hour = at.replace(minute=0) + timedelta(hours=1)
    arrivals = [visit.arrives_at for visit in visits if visit.arrives_at > step]
    return min([hour, *(_rounded_up(arrives_at) for arrives_at in arrivals)])


def due_functions(at: datetime, *, is_first: bool) -> tuple[str, ...]:
    """Return which functions behind schedules run at a step, by their rates in infra/routes.py."""
    due = ["fetch_prices", "fetch_carbon"] if at.minute == 0 or is_first else []
    if at.minute % 15 == 0 and not is_first:
        due.append("replan_sessions")
    if at.minute % 10 == 0 and not is_first:
        due.append("sync_history")
    return (*due, "sweep_sessions")


def _step(at: datetime, scenario: Scenario, stage: Stage, course: Course) -> None:
    cloud = stage.cloud
    cloud.clock.set(at)
    is_first = at == scenario.start_at
    for fleet in scenario.fleets:
        for order in fleet.orders:
            if at - STEP < order.from_at <= at:
                stage.cpos[fleet.partner_id].misbehave(order.wrong, order.session_id)
    running: Mapping[str, Future[Advanced]] = {
        partner_id: stage.threads.submit(cpo.advance, at) for partner_id, cpo in stage.cpos.items()
    }
    for function in due_functions(at, is_first=is_first):
        try:
            cloud.invoke(function)
        except FunctionFailed as error:
            course.troubles[f"{error}."] += 1
    for partner_id, future in running.items():
        _note(partner_id, future.result(), course)
    try:
        cloud.wait_until_drained(DRAINED_WITHIN_S)
    except NotDrained as error:
        course.troubles[f"{error}."] += 1
    for cpo in stage.cpos.values():
        cpo.settle()


def _note(partner_id: str, advanced: Advanced, course: Course) -> None:
    course.pushes += advanced.pushed
    for push in advanced.refused:
        course.troubles[f"{partner_id}: {push.method} of session {push.session_id}: {push.problem}."] += 1


def _rounded_up(at: datetime) -> datetime:
    whole = at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0)
    return whole if whole == at else whole + STEP

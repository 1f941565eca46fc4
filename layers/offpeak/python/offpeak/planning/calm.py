"""No flapping: what is running stays unless moving it is worth a car's stopping and starting (PLANNING 5)."""

from __future__ import annotations

from collections.abc import Sequence

from offpeak.planning.cheapest import cheapest
from offpeak.planning.layout import Run, energy_in
from offpeak.planning.plan import Plan
from offpeak.planning.problem import Problem
from offpeak.planning.situation import Calm


def running_runs(problem: Problem, running: Plan) -> list[Run]:
    """Return what is left of a plan's blocks from now until departure."""
    runs = []
    for block in running.blocks:
        start = max(0, int((block.start_at - problem.start_at).total_seconds()))
        end = min(problem.edges_s[-1], int((block.end_at - problem.start_at).total_seconds()))
        if start < end:
            runs.append((start, end))
    return runs


def mended(problem: Problem, runs: Sequence[Run]) -> list[float]:
    """Return the energy per slot of the running plan, adjusted to the need with as little change as possible: what is
    too much goes from its dearest slots, what is missing comes from the cheapest room beside it."""
    return cheapest(
        problem.prices,
        problem.room,
        problem.need_kwh,
        milestones=problem.milestones,
        at_once=problem.at_once_kwh,
        most=problem.most_kwh,
        preferred=energy_in(problem, runs),
    )


def stays(cost_running: float, cost_best: float, calm: Calm) -> bool:
    """Say whether the best plan saves too little to move the running one."""
    return cost_running - cost_best <= max(calm.threshold_eur, calm.threshold_share * abs(cost_running)) + 1e-9


def is_unchanged(drawn: Sequence[float], running: Sequence[float], calm: Calm) -> bool:
    """Say whether the difference is too small to tell anybody about."""
    return sum(abs(a - b) for a, b in zip(drawn, running, strict=True)) <= calm.energy_kwh

"""The planner's inner solver beside HiGHS, on identical instances, and how long its import takes.

Other kinds of problem and other solvers: `make bench-peers`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import highspy
import numpy as np

from local.background import PROJECT
from offpeak.planning.cheapest import cheapest
from offpeak.planning.decide import decide
from offpeak.planning.situation import PricedSlot, Situation
from offpeak.prices.model import QUARTER
from tests.bench.report import Progress, Row, median, ms
from tests.bench.sessions import EVENING, recorded_prices

NAME = "planning"
GOAL_RATIO = 50.0
SAME_COST = 1e-6
"""EUR, relative to the larger of 1 EUR and the cost."""

INSTANCES, REPEATS, SLOTS = 200, 5, 96
POWER_W = 11_040.0
QUARTER_KWH = POWER_W / 4000

IMPORT_GOAL_S = 0.005
IMPORTS = 15
SOLVERS = ("cheapest", "floor", "starts", "storage", "taper", "flow")
IMPORT = """
import sys, time
sys.path.insert(0, sys.argv[1])
import bisect, collections.abc, dataclasses, datetime, decimal, enum, itertools, math, re, typing, zoneinfo
began = time.perf_counter()
for name in sys.argv[2:]:
    __import__(f"offpeak.planning.{name}")
print(time.perf_counter() - began)
"""
"""The standard library is left out: the runtime of a Lambda has loaded it before."""


@dataclass(frozen=True, slots=True)
class Instance:
    """What to draw in SLOTS quarter-hours; milestones are (number of slots, kWh to have drawn in them)."""

    prices: list[float]
    room: list[float]
    need: float
    milestones: list[tuple[int, float]]


def measure(progress: Progress, instances: int = INSTANCES) -> list[Row]:
    rows = []
    for kind, has_milestones in (("plain", False), ("milestones", True)):
        progress(f"{kind}: {instances} instances by the planner and by HiGHS")
        rows += compare(kind, made_up(instances, has_milestones=has_milestones))
    progress(f"{instances} whole decisions, with blocks and reasons")
    rows.append(decide_row(made_up(instances, has_milestones=False)))
    progress(f"{IMPORTS} fresh imports of the solvers, and of everything that decides")
    return [
        *rows,
        import_row("the solvers", SOLVERS, IMPORT_GOAL_S),
        import_row("all that decides", ("decide", "group")),
    ]


def decide_row(instances: Sequence[Instance]) -> Row:
    """Decide each day from a situation to a plan that tells its reason; beside it the solver alone."""
    whole, alone = list[float](), list[float]()
    for each in instances:
        slots = tuple(
            PricedSlot(EVENING + n * QUARTER, EVENING + (n + 1) * QUARTER, price) for n, price in enumerate(each.prices)
        )
        situation = Situation(EVENING, slots, each.need, slots[-1].end_at, POWER_W)
        took = [_timed(lambda situation=situation: decide(situation)) for _ in range(REPEATS)]  # type: ignore[misc]
        whole.append(min(took))
        alone.append(min(_timed(lambda each=each: _by_us(each)) for _ in range(REPEATS)))  # type: ignore[misc]
    ours, beside = median(whole), median(alone)
    return Row(
        NAME, f"decide, {SLOTS} slots, p50", ms(ours), f"{ms(beside)} the solver alone", f"{ours / beside:.0f} x"
    )


def import_row(what: str, modules: Sequence[str], goal_s: float | None = None, times: int = IMPORTS) -> Row:
    """Import modules of planning in fresh interpreters without site packages; the best time counts: noise only adds."""
    command = [sys.executable, "-I", "-S", "-c", IMPORT, str(PROJECT / "layers" / "offpeak" / "python"), *modules]
    took = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(times)]
    best_s, beside = min(took), f"{ms(median(took))} p50"
    holds = None if goal_s is None else best_s < goal_s
    return Row(NAME, f"import of {what}, best", ms(best_s), beside, "", f"< {ms(goal_s)}" if goal_s else "", holds)


def made_up(count: int, *, has_milestones: bool) -> list[Instance]:
    """Return days of recorded prices, at random starts, with a car of 11 kW that needs 5 to 60 kWh in each."""
    random = Random(2026)
    recorded = [float(price) / 1000 for price in recorded_prices().eur_per_mwh.values()]
    instances = []
    for _ in range(count):
        start = random.randrange(len(recorded) - SLOTS)
        need = random.uniform(5.0, 60.0)
        milestones = [(SLOTS // 6, 0.2 * need), (SLOTS * 4 // 5, 0.7 * need)] if has_milestones else []
        instances.append(Instance(recorded[start : start + SLOTS], [QUARTER_KWH] * SLOTS, need, milestones))
    return instances


def compare(kind: str, instances: Sequence[Instance]) -> list[Row]:
    """Solve each instance with the planner and with HiGHS in turns; the best of a few times counts for both."""
    kept = new_solver()
    ways: dict[str, Callable[[Instance], list[float]]] = {
        "planner": _by_us,
        "HiGHS": lambda each: by_highs(each, new_solver()),
        "HiGHS, one solver kept": lambda each: by_highs(each, kept),
    }
    took: dict[str, list[float]] = {way: [] for way in ways}
    apart = 0.0
    for instance in instances:
        costs = []
        for way, solve in ways.items():
            best_s, drawn = _best_of(solve, instance)
            took[way].append(best_s)
            costs.append(sum(price * energy for price, energy in zip(instance.prices, drawn, strict=True)))
        apart = max(apart, (max(costs) - min(costs)) / max(1.0, abs(costs[0])))
    ours = median(took["planner"])
    rows = []
    for way in ("HiGHS", "HiGHS, one solver kept"):
        theirs = median(took[way])
        is_judged = way == "HiGHS"
        rows.append(
            Row(
                NAME,
                f"{kind}, {SLOTS} slots, p50",
                ms(ours),
                f"{ms(theirs)} {way}",
                f"{theirs / ours:.0f} x faster",
                f"≥ {GOAL_RATIO:g} x" if is_judged else "",
                theirs >= GOAL_RATIO * ours if is_judged else None,
            )
        )
    rows.append(
        Row(NAME, f"{kind}, cost apart at most", f"{apart:.0e}", "HiGHS", "", f"≤ {SAME_COST:.0e}", apart <= SAME_COST)
    )
    return rows


def _by_us(instance: Instance) -> list[float]:
    return cheapest(instance.prices, instance.room, instance.need, milestones=instance.milestones)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _best_of(solve: Callable[[Instance], list[float]], instance: Instance) -> tuple[float, list[float]]:
    best_s, drawn = float("inf"), list[float]()
    for _ in range(REPEATS):
        began = time.perf_counter()
        drawn = solve(instance)
        best_s = min(best_s, time.perf_counter() - began)
    return best_s, drawn


def new_solver() -> highspy.Highs:
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    return solver


def by_highs(instance: Instance, solver: highspy.Highs) -> list[float]:
    """Solve with the arrays that HiGHS takes fastest, from the same lists to the same list."""
    count, levels = len(instance.prices), [*instance.milestones, (len(instance.prices), instance.need)]
    columns = [t for slots, _ in levels for t in range(slots)]
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = count, len(levels)
    program.col_cost_ = np.array(instance.prices)
    program.col_lower_ = np.zeros(count)
    program.col_upper_ = np.array(instance.room)
    program.row_lower_ = np.array([level for _, level in levels])
    program.row_upper_ = np.array([highspy.kHighsInf] * len(instance.milestones) + [instance.need])
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.cumsum([0, *(slots for slots, _ in levels)])
    program.a_matrix_.index_ = np.array(columns)
    program.a_matrix_.value_ = np.ones(len(columns))
    solver.passModel(program)
    solver.run()
    return list(solver.getSolution().col_value)

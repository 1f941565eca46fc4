"""Weigh every hour by the chance that the car is still there and still asks (docs/planning.md, 8).

What is learnt while a car stands is only that it is still there and still draws: all else ends the visit, or the need.
So a plan that is laid once for "if it is still there and still draws" loses nothing against one that reacts, and the
chances alone decide it. Energy counts in levels of what a quarter-hour gives, in the order in which a car draws them.
Each level is given a step of time, later than the one before, or none; what that costs adds up level by level:

    P(there, asks for it) x price                       where it is drawn
    P(left before, asked for it) x price at once        where it is missed: what the driver pays elsewhere
    P(left before, it was the last) x miss_eur          where a car leaves without what it needs

A dynamic program over (step, levels drawn, on or off) finds the best of all such plans.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from math import ceil, inf
from types import ModuleType
from typing import NamedTuple

from offpeak.planning.choice import Choice, at_full_power
from offpeak.planning.choose import left_of
from offpeak.planning.layout import Run, energy_in
from offpeak.planning.outlook import Outlook
from offpeak.planning.plan import Plan
from offpeak.planning.problem import Problem, seconds_after
from offpeak.planning.situation import Calm

STEP_S = 900
"""The longest step, seconds: a level is what the car draws in it at the most power that it is ever granted."""

ENOUGH = 0.99
"""A car that has this share of its need is ready."""

EARLIER = 1e-9
"""EUR: what a step costs more than an equal one before it, so that ties go to the earlier."""


class Step(NamedTuple):
    """From `start_s` to `end_s` after now a level can be drawn, at `price` EUR/kWh."""

    start_s: int
    end_s: int
    price: float


@dataclass(frozen=True, slots=True)
class Odds:
    """What it costs, EUR, to draw level k in step t instead of never (`costs[t][k]`), and the chance that it is drawn
    when it is given that step (`asked[t][k]`)."""

    costs: list[list[float]]
    asked: list[list[float]]

    def best_steps(self, start_eur: float, *, is_on: bool, at_once: int = 0) -> list[bool]:
        """Return in which steps to charge. A start counts `start_eur` where it comes to it; `is_on` says that the car
        is charging now. In the first `at_once` steps it charges anyhow. Ties go to the earlier step."""
        levels = len(self.costs[0]) if self.costs else 0
        off, on = [inf] * (levels + 1), [inf] * (levels + 1)
        (on if is_on else off)[0] = 0.0
        tables = [(off, on)]
        for t, (costs, asked) in enumerate(zip(self.costs, self.asked, strict=True)):
            charged = [
                (running if running <= idle + start_eur * chance else idle + start_eur * chance) + cost + EARLIER * t
                for idle, running, chance, cost in zip(off, on, asked, costs, strict=False)
            ]
            paused = [idle if idle < running else running for idle, running in zip(off, on, strict=True)]
            if t < at_once:
                # Where all levels are drawn the car may go on: it asks for no more.
                paused[:-1] = [inf] * levels
            off, on = paused, [inf, *charged]
            tables.append((off, on))
        return _traced(self, tables, start_eur)

    def expected_eur(self, charges: Sequence[bool], start_eur: float, *, is_on: bool) -> float:
        """Return what charging in these steps costs against never charging, EUR."""
        total, k, was_on = 0.0, 0, is_on
        for t, charge in enumerate(charges):
            if charge and k < len(self.costs[t]):
                total += self.costs[t][k] + (0.0 if was_on else start_eur * self.asked[t][k])
                k += 1
            was_on = charge
        return total


def choose_likely(problem: Problem, outlook: Outlook, running: Plan | None, calm: Calm) -> Choice:
    """Return the runs that are best on average, or the running plan's while they save no more than the threshold.

    After the last run the car is not limited, so both are compared as if it charged from then on.
    """
    steps, level_kwh = steps_of(problem)
    if not steps:
        return at_full_power(problem, [], [0.0] * len(problem.room))
    bulk = _with_numpy()
    odds = (bulk.bulk_odds if bulk else odds_of)(problem, steps, level_kwh, outlook)
    at_once = bisect_left(steps, problem.at_once_s, key=lambda step: step.start_s)
    before = left_of(problem, running) if running else []
    is_on = bool(before) and before[0][0] == 0
    best = odds.best_steps(calm.start_eur, is_on=is_on, at_once=at_once)
    if before:
        held = _held(steps, before)
        kept_eur, best_eur = (
            odds.expected_eur(_with_rest(charges), calm.start_eur, is_on=is_on) for charges in (held, best)
        )
        saving = kept_eur - best_eur
        if problem.is_idle or (saving <= calm.threshold_eur and all(held[:at_once])):
            return at_full_power(problem, before, _needed(problem, before), is_kept=True)
    runs = _runs(problem, steps, best)
    return at_full_power(problem, runs, _needed(problem, runs))


@cache
def _with_numpy() -> ModuleType | None:
    """Return what does the same with numpy, where that is installed."""
    try:
        return import_module("offpeak.planning.bulk_odds")
    except ImportError:
        return None


def _with_rest(charges: Sequence[bool]) -> list[bool]:
    """Return the steps with all after the last one."""
    last = max((t for t, charge in enumerate(charges) if charge), default=len(charges))
    return [charge or t > last for t, charge in enumerate(charges)]


def _needed(problem: Problem, runs: Sequence[Run]) -> list[float]:
    """Return what the car draws in each slot until its need is met; the runs leave room for more."""
    left, drawn = problem.target_kwh, []
    for energy in energy_in(problem, runs):
        drawn.append(min(left, energy))
        left -= drawn[-1]
    return drawn


def steps_of(problem: Problem) -> tuple[list[Step], float]:
    """Return the steps of a problem, and the kWh of a level.

    A step gives a level or more: it ends within a slot where a level is drawn and another one fits, else with the slot.
    """
    most_kw = max(problem.draw_kw, default=0.0)
    level_kwh = most_kw * STEP_S / 3600
    steps: list[Step] = []
    begun_s, kwh, eur = 0, 0.0, 0.0
    for (start, end), price, draw_kw in zip(pairwise(problem.edges_s), problem.prices, problem.draw_kw, strict=True):
        if draw_kw <= 0:
            continue
        if draw_kw == most_kw and end - start == STEP_S and kwh == 0:
            steps.append(Step(start, end, price))
            continue
        at_s = start
        while at_s < end:
            begun_s = begun_s if kwh > 0 else at_s
            until_s = at_s + ceil((level_kwh - kwh) * 3600 / draw_kw - 1e-6)
            if (end - until_s) * draw_kw < (1 - 1e-6) * level_kwh * 3600:
                until_s = end
            drawn = draw_kw * (until_s - at_s) / 3600
            kwh, eur, at_s = kwh + drawn, eur + drawn * price, until_s
            if kwh >= level_kwh * (1 - 1e-6):
                steps.append(Step(begun_s, at_s, eur / kwh))
                kwh = eur = 0.0
    if kwh > 0:
        last = steps.pop() if steps else Step(begun_s, 0, eur / kwh)
        steps.append(Step(last.start_s, problem.edges_s[-1], last.price))
    return steps, level_kwh


def odds_of(problem: Problem, steps: Sequence[Step], level_kwh: float, outlook: Outlook) -> Odds:
    """Return the odds of every level in every step."""
    leaving = _leaving(problem, steps, level_kwh, outlook)
    levels = max((len(counts) for counts, _ in leaving), default=0)
    at_once, total = [], 0.0
    for k in range(levels):
        total += steps[k].price
        at_once.append(total / (k + 1))
    counts, parts = [0.0] * levels, [0.0] * levels
    costs, asked = [], []
    for step, (more_counts, more_parts) in zip(reversed(steps), reversed(leaving), strict=True):
        counts = [a + b for a, b in zip(counts, more_counts, strict=True)]
        parts = [a + b for a, b in zip(parts, more_parts, strict=True)]
        row, chances = [], []
        above = missed_eur = 0.0
        for count, part, once in zip(reversed(counts), reversed(parts), reversed(at_once), strict=True):
            energy = above * level_kwh + part
            row.append(energy * step.price - missed_eur * level_kwh - part * once - outlook.miss_eur * count)
            above += count
            missed_eur += count * once
            chances.append(above)
        costs.append(row[::-1])
        asked.append(chances[::-1])
    return Odds(costs[::-1], asked[::-1])


def _traced(odds: Odds, tables: Sequence[tuple[list[float], list[float]]], start_eur: float) -> list[bool]:
    """Return the steps of the way that led to the least cost."""
    off, on = tables[-1]
    least = min(min(off), min(on))
    is_on = least in on
    k = (on if is_on else off).index(least)
    charges = []
    for t in range(len(tables) - 2, -1, -1):
        charges.append(is_on)
        off, on = tables[t]
        if is_on:
            k -= 1
            is_on = on[k] <= off[k] + start_eur * odds.asked[t][k]
        else:
            is_on = not off[k] < on[k]
    return charges[::-1]


def _held(steps: Sequence[Step], runs: Sequence[Run]) -> list[bool]:
    """Say of each step whether runs take up half of it."""
    taken_s = [0] * len(steps)
    for start, end in runs:
        for t in range(bisect_right(steps, start, key=lambda step: step.end_s), len(steps)):
            if steps[t].start_s >= end:
                break
            taken_s[t] += min(end, steps[t].end_s) - max(start, steps[t].start_s)
    return [2 * taken >= step.end_s - step.start_s for taken, step in zip(taken_s, steps, strict=True)]


def _runs(problem: Problem, steps: Sequence[Step], charges: Sequence[bool]) -> list[Run]:
    """Return the time of the steps in which to charge, where a car may charge at all."""
    runs: list[Run] = []
    charging = iter([step for step, charge in zip(steps, charges, strict=True) if charge])
    step = next(charging, None)
    for (start, end), draw_kw in zip(pairwise(problem.edges_s), problem.draw_kw, strict=True):
        while step is not None and step.start_s < end:
            begin, until = max(start, step.start_s), min(end, step.end_s)
            if draw_kw > 0 and begin < until:
                begin = runs.pop()[0] if runs and runs[-1][1] == begin else begin
                runs.append((begin, until))
            if step.end_s > end:
                break
            step = next(charging, None)
    return runs


_Leaving = list[tuple[list[float], list[float]]]
"""For each number of whole steps, 1 and more, that pass until the car leaves: by the last level that it asks for, the
chance, and the kWh of that level weighted by it. Cars that leave sooner do not count: nothing can be done for them."""


def _leaving(problem: Problem, steps: Sequence[Step], level_kwh: float, outlook: Outlook) -> _Leaving:
    ends = [step.end_s for step in steps]
    together: dict[tuple[int, int], list[float]] = {}
    departures, needs = [0.0] * (len(steps) + 1), dict[int, list[float]]()
    whole = kept = 0.0
    for chance in outlook.chances:
        departure_s = seconds_after(problem.start_at, chance.departure_at)
        left_kwh = chance.kwh - outlook.drawn_kwh
        passed = bisect_right(ends, departure_s)
        asked = max(1, ceil(ENOUGH * left_kwh / level_kwh - 1e-9))
        if departure_s > 0:
            departures[passed] += chance.weight
        if left_kwh > 0:
            _add(needs, asked, chance.weight, left_kwh - (asked - 1) * level_kwh, level_kwh)
        whole += chance.weight
        if departure_s > 0 and left_kwh > 0 and passed > 0:
            fits = min(asked, passed)
            _add(together, (passed, fits), chance.weight, left_kwh - (fits - 1) * level_kwh, level_kwh)
        if departure_s > 0 and left_kwh > 0:
            kept += chance.weight
    there, asking = sum(departures), sum(count for count, _ in needs.values())
    apart = outlook.independence / whole if whole else 0.0
    total = (1 - outlook.independence) * kept + apart * there * asking
    if total <= 0:
        return [([], []) for _ in steps]
    return _laid(steps, together, departures, needs, (1 - outlook.independence) / total, apart / total, level_kwh)


def _laid(
    steps: Sequence[Step],
    together: dict[tuple[int, int], list[float]],
    departures: Sequence[float],
    needs: dict[int, list[float]],
    jointly: float,
    apart: float,
    level_kwh: float,
) -> _Leaving:
    """Return the two ways to combine departures and needs, weighted. A need that does not fit before a departure counts
    as what fits: such a car charges without a pause until it leaves, and a plan can serve it by doing so."""
    most = min(max(needs), len(steps))
    leaving = [([0.0] * most, [0.0] * most) for _ in steps]
    for (passed, asked), (count, part) in together.items():
        leaving[passed - 1][0][asked - 1] += jointly * count
        leaving[passed - 1][1][asked - 1] += jointly * part
    for passed, weight in enumerate(departures):
        if passed == 0 or weight <= 0:
            continue
        counts, parts = leaving[passed - 1]
        for asked, (count, part) in needs.items():
            fits = min(asked, passed)
            counts[fits - 1] += apart * weight * count
            parts[fits - 1] += apart * weight * (part if fits == asked else count * level_kwh)
    return leaving


def _add(sums: dict, key: object, weight: float, part_kwh: float, level_kwh: float) -> None:  # type: ignore[type-arg]
    at = sums.setdefault(key, [0.0, 0.0])
    at[0] += weight
    at[1] += weight * min(level_kwh, part_kwh)

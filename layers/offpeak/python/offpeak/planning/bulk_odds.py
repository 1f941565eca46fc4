"""The weighing of hours by chances, whole tables at a time (see weigh.py), with numpy.

It is imported where habits are weighed and numpy is installed, and nowhere else; without it `weigh` does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from offpeak.planning.outlook import Outlook
from offpeak.planning.problem import Problem
from offpeak.planning.weigh import EARLIER, ENOUGH, Step

Table = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class BulkOdds:
    """As `weigh.Odds`: what it costs to draw level k in step t, and the chance that it is drawn then."""

    costs: Table
    asked: Table

    def best_steps(self, start_eur: float, *, is_on: bool, at_once: int = 0) -> list[bool]:
        """Return in which steps to charge, as `weigh.Odds.best_steps`.

        From the last level to the first, and for all steps together: what it costs at least from step t on where k
        levels are drawn, and the car is off, or charged in the step before.
        """
        count, levels = self.costs.shape
        steps = np.arange(count) * EARLIER
        costs, starts = np.ascontiguousarray(self.costs.T) + steps, np.ascontiguousarray(self.asked.T) * start_eur
        goes, begins, off = (np.empty((levels, count)) for _ in range(3))
        on_after = np.zeros(count + 1)
        for k in range(levels - 1, -1, -1):
            go, begin, later = goes[k], begins[k], off[k]
            np.add(costs[k], on_after[1:], out=go)
            np.add(go, starts[k], out=begin)
            np.minimum.accumulate(begin[::-1], out=later[::-1])
            np.minimum(later, 0.0, out=later)
            np.minimum(later, go, out=on_after[:-1])
        return _traced(goes, begins, off, is_on=is_on, at_once=at_once)

    def expected_eur(self, charges: Sequence[bool], start_eur: float, *, is_on: bool) -> float:
        """Return what charging in these steps costs, as `weigh.Odds.expected_eur`."""
        steps = [t for t, charge in enumerate(charges) if charge][: self.costs.shape[1]]
        levels = range(len(steps))
        starts = [k for k in levels if not (charges[steps[k] - 1] if steps[k] else is_on)]
        asked = self.asked[[steps[k] for k in starts], starts]
        return float(self.costs[steps, levels].sum() + start_eur * asked.sum())


def bulk_odds(problem: Problem, steps: Sequence[Step], level_kwh: float, outlook: Outlook) -> BulkOdds:
    """Return the odds of every level in every step."""
    counts, parts = _still_there(problem, steps, level_kwh, outlook)
    prices = np.array([step.price for step in steps])
    levels = counts.shape[1]
    at_once = np.cumsum(prices[:levels]) / np.arange(1, levels + 1)
    asked = _from_the_end(counts, 1)
    above = asked - counts
    once = counts * at_once
    missed = _from_the_end(once, 1) - once
    costs = (above * level_kwh + parts) * prices[:, None]
    costs -= missed * level_kwh + parts * at_once + counts * outlook.miss_eur
    return BulkOdds(costs, asked)


def _still_there(problem: Problem, steps: Sequence[Step], level_kwh: float, outlook: Outlook) -> tuple[Table, Table]:
    """Return for each step and last level that is asked for the chance of cars which stay to the step's end, and the
    kWh of that level weighted by it (see `weigh._leaving`)."""
    departures_s, kwh, weights = (np.frombuffer(column) for column in outlook.chances.columns)
    ends = np.array([step.end_s for step in steps])
    left_s = np.floor(departures_s - problem.start_at.timestamp())
    needed = kwh - outlook.drawn_kwh
    is_there, asks = left_s > 0, needed > 0
    passed = np.searchsorted(ends, left_s, side="right")
    asked = np.maximum(1, np.ceil(ENOUGH * needed / level_kwh - 1e-9)).astype(np.int64)
    departures = np.bincount(passed[is_there], weights[is_there], len(steps) + 1)
    whole, kept = float(weights.sum()), float(weights[is_there & asks].sum())
    there, asking = float(departures.sum()), float(weights[asks].sum())
    apart = outlook.independence / whole if whole else 0.0
    total = (1 - outlook.independence) * kept + apart * there * asking
    if total <= 0:
        return np.zeros((len(steps), 0)), np.zeros((len(steps), 0))
    most = min(int(asked[asks].max()), len(steps))
    last = np.minimum(level_kwh, needed - (asked - 1) * level_kwh)
    counts, parts = _apart(departures[1:], asked[asks], weights[asks], last[asks], most, level_kwh)
    counts *= apart / total
    parts *= apart / total
    together = is_there & asks & (passed > 0)
    rows, fits = passed[together], np.minimum(asked, passed)[together]
    share = (1 - outlook.independence) / total * weights[together]
    places, size = (rows - 1) * most + fits - 1, len(steps) * most
    kwh_there = np.minimum(level_kwh, needed[together] - (fits - 1) * level_kwh)
    counts += np.bincount(places, share, size).reshape(-1, most)
    parts += np.bincount(places, share * kwh_there, size).reshape(-1, most)
    return _from_the_end(counts, 0), _from_the_end(parts, 0)


def _apart(
    departures: Table, asked: Table, weights: Table, last: Table, most: int, level_kwh: float
) -> tuple[Table, Table]:
    """Return departures times needs; a need that does not fit before a departure counts as what fits."""
    needs = np.bincount(asked, weights, most + 1)
    ends = np.bincount(asked, weights * last, most + 1)
    more = _from_the_end(needs, 0) - needs
    passed, level = np.arange(1, len(departures) + 1)[:, None], np.arange(1, most + 1)
    counts = np.where(level < passed, needs[1 : most + 1], 0.0)
    parts = np.where(level < passed, ends[1 : most + 1], 0.0)
    fits = np.arange(most)
    counts[fits, fits] = (needs + more)[1 : most + 1]
    parts[fits, fits] = (ends + more * level_kwh)[1 : most + 1]
    return counts * departures[:, None], parts * departures[:, None]


def _from_the_end(table: Table, axis: int) -> Table:
    """Return the sums of each value and all after it."""
    return np.asarray(np.flip(np.cumsum(np.flip(table, axis), axis), axis))


def _traced(goes: Table, begins: Table, off: Table, *, is_on: bool, at_once: int) -> list[bool]:
    """Return the steps of the way that costs least, step by step from now on."""
    levels, count = goes.shape
    charges = [False] * count
    k = t = min(at_once, levels)
    charges[:t] = [True] * t
    is_on = is_on or t > 0
    while k < levels and t < count:
        if not (is_on and goes[k, t] <= off[k, t]):
            if off[k, t] >= 0:
                break
            t += int(np.argmin(begins[k, t:]))
        charges[t] = is_on = True
        k, t = k + 1, t + 1
    return charges

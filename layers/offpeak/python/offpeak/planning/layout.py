"""From energy per slot to runs of full power in whole seconds (docs/planning.md, 4).

A slot that is only partly needed runs at full power for part of its time: it costs the same as a lower power all
along, and never asks a car for less than it can take (IEC 61851: 6 A).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

from offpeak.planning.problem import Problem

Run = tuple[int, int]
"""Start and end in seconds after the problem's start."""


def seconds_for(problem: Problem, drawn: Sequence[float]) -> list[int]:
    """Return how long each slot must run to draw its energy, in whole seconds, rounded up."""
    return [
        min(end - start, ceil(energy * 3600 / problem.draw_kw - 1e-6))
        for (start, end), energy in zip(pairwise(problem.edges_s), drawn, strict=True)
    ]


def lay_out(problem: Problem, seconds: Sequence[int], *, is_on: bool) -> list[Run]:
    """Return the runs that charge for `seconds[t]` in slot t, ascending and apart.

    A part of a slot joins the run beside it, the earlier one first; alone, it begins with its slot. `is_on` says
    that the car is charging at the problem's start.
    """
    runs: list[Run] = []
    for t, (start, end) in enumerate(pairwise(problem.edges_s)):
        if seconds[t] == 0:
            continue
        follows = runs[-1][1] == start if runs else is_on and t == 0
        leads = t + 1 < len(seconds) and seconds[t + 1] > 0
        begin = end - seconds[t] if leads and not follows else start
        joins = bool(runs) and runs[-1][1] == begin
        runs.append((runs.pop()[0] if joins else begin, begin + seconds[t]))
    return runs


def energy_in(problem: Problem, runs: Sequence[Run]) -> list[float]:
    """Return the kWh that `runs` draw in each slot."""
    return [
        sum(max(0, min(end, run_end) - max(start, run_start)) for run_start, run_end in runs) * problem.draw_kw / 3600
        for start, end in pairwise(problem.edges_s)
    ]

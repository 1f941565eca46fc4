"""From energy per slot to runs of full power in whole seconds (docs/planning.md, 4).

A slot that is only partly needed runs at full power for part of its time: it costs the same as a lower power all
along, and never asks a car for less than it can take (IEC 61851: 6 A).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import ceil

from offpeak.planning.problem import Problem

Run = tuple[int, int]
"""Start and end in seconds after the problem's start."""


def seconds_for(problem: Problem, drawn: Sequence[float]) -> list[int]:
    """Return how long each slot must run to draw its energy, in whole seconds, rounded up."""
    return [
        min(end - start, ceil(energy * 3600 / draw_kw - 1e-6)) if draw_kw > 0 else 0
        for (start, end), energy, draw_kw in zip(pairwise(problem.edges_s), drawn, problem.draw_kw, strict=True)
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
    seconds = seconds_in(problem.edges_s, runs)
    return [lasted * draw_kw / 3600 for lasted, draw_kw in zip(seconds, problem.draw_kw, strict=True)]


def seconds_in(edges_s: Sequence[int], runs: Sequence[Run]) -> list[int]:
    """Return how many seconds of each slot are within `runs`."""
    seconds = [0] * (len(edges_s) - 1)
    for start, end in runs:
        for t in slots_in(edges_s, start, end):
            seconds[t] += min(edges_s[t + 1], end) - max(edges_s[t], start)
    return seconds


def slots_in(edges_s: Sequence[int], start: int, end: int) -> range:
    """Return the slots of which some lies between two seconds."""
    return range(max(0, bisect_right(edges_s, start) - 1), min(len(edges_s) - 1, bisect_left(edges_s, end)))


def stretches(edges_s: Sequence[int], runs: Sequence[Run], power_w: Sequence[float]) -> list[tuple[int, int, float]]:
    """Return `runs` with the watts that hold in each slot of them, cut where these change."""
    found: list[tuple[int, int, float]] = []
    for run_start, run_end in runs:
        for t in slots_in(edges_s, run_start, run_end):
            begin, until = max(edges_s[t], run_start), min(edges_s[t + 1], run_end)
            if found and found[-1][1] == begin and found[-1][2] == power_w[t]:
                begin = found.pop()[0]
            found.append((begin, until, power_w[t]))
    return found

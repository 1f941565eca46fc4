"""From energy per slot to blocks of full power in whole seconds (PLANNING 4).

A slot that is only partly needed runs at full power for part of its time: it costs the same as a lower power all
along, and never asks a car for less than it can take (IEC 61851: 6 A).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from offpeak.planning.problem import Problem

Run = tuple[int, int]
"""Start and end in seconds after the problem's start."""


def lay_out(problem: Problem, drawn: Sequence[float], *, is_on: bool) -> list[Run]:
    """Return the runs, ascending and apart, that draw `drawn[t]` kWh or up to a second's worth more in each slot.

    A part of a slot joins the run beside it, an earlier one first; alone, it begins with its slot. `is_on` says
    whether the car is being charged at the problem's start. What is due at once is not moved.
    """
    runs: list[Run] = []
    edges = problem.edges_s
    due_at_once = problem.at_once_kwh
    for t, energy in enumerate(drawn):
        start, end = edges[t], edges[t + 1]
        length = min(end - start, ceil(energy * 3600 / problem.draw_kw - 1e-6)) if energy > 0 else 0
        follows = runs[-1][1] == start if runs else is_on and t == 0
        leads = t + 1 < len(drawn) and drawn[t + 1] > 0
        if length > 0:
            if leads and not follows and due_at_once <= 0:
                start = end - length
            if runs and runs[-1][1] == start:
                runs[-1] = (runs[-1][0], start + length)
            else:
                runs.append((start, start + length))
        due_at_once -= energy
    return runs


def energy_in(problem: Problem, runs: Sequence[Run]) -> list[float]:
    """Return the kWh that `runs` draw in each slot."""
    edges = problem.edges_s
    drawn = [0.0] * len(problem.prices)
    for start, end in runs:
        for t in range(len(drawn)):
            overlap = min(end, edges[t + 1]) - max(start, edges[t])
            if overlap > 0:
                drawn[t] += problem.draw_kw * overlap / 3600
    return drawn

"""What the planner is held against: a linear program solved by HiGHS, and trying everything."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import highspy

Levels = Sequence[tuple[int, float]]


def least_cost(
    prices: Sequence[float], room: Sequence[float], levels: Levels, most: float, floor: Sequence[float]
) -> float:
    """The least cost of x with floor <= x <= room, sum(x[:n]) >= level for each of `levels`, sum(x) <= most."""
    solver, drawn = _program(prices, room, floor)
    for count, level in levels:
        if count:
            solver.addConstr(sum(drawn[:count]) >= level)
    solver.addConstr(sum(drawn) <= most)
    solver.minimize()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getObjectiveValue())


def most_energy(room: Sequence[float], count: int, level: float) -> float:
    """The most of `level` that the first `count` slots hold."""
    if not count:
        return 0.0
    solver, drawn = _program([1.0] * len(room), room, [0.0] * len(room))
    solver.addConstr(sum(drawn[:count]) <= level)
    solver.maximize(sum(drawn[:count]))
    return float(solver.getObjectiveValue())


def least_cost_with_starts(
    costs: Sequence[float], lengths_s: Sequence[int], seconds: int, start_cost: float, *, is_on: bool
) -> float:
    """The least cost over all ways to fill slots, all but one of them wholly, in `seconds`."""
    best = float("inf")
    for full in product((False, True), repeat=len(costs)):
        filled = [length if is_full else 0 for is_full, length in zip(full, lengths_s, strict=True)]
        left = seconds - sum(filled)
        for place, length in enumerate(lengths_s):
            if left == 0 or (not full[place] and 0 < left < length):
                way = [*filled[:place], filled[place] + left, *filled[place + 1 :]]
                best = min(best, cost_with_starts(costs, lengths_s, way, start_cost, is_on=is_on))
    return best


def cost_with_starts(
    costs: Sequence[float], lengths_s: Sequence[int], way: Sequence[int], start_cost: float, *, is_on: bool
) -> float:
    """What it costs to charge `way[t]` seconds in slot t, parts of slots put beside a run where there is one."""
    charged = [cost * part / length for cost, part, length in zip(costs, way, lengths_s, strict=True)]
    starts = 0
    is_running = is_on
    for t, (part, length) in enumerate(zip(way, lengths_s, strict=True)):
        if 0 < part < length:
            leads = t + 1 < len(way) and way[t + 1] > 0
            starts += not is_running
            is_running = leads and not is_running
        else:
            starts += part > 0 and not is_running
            is_running = part > 0
    return sum(charged) + start_cost * starts


def _program(
    prices: Sequence[float], room: Sequence[float], floor: Sequence[float]
) -> tuple[highspy.Highs, list[highspy.highs.highs_var]]:
    solver = highspy.Highs()
    solver.silent()
    drawn = [
        solver.addVariable(lb=low, ub=high, obj=price) for price, low, high in zip(prices, floor, room, strict=True)
    ]
    return solver, drawn

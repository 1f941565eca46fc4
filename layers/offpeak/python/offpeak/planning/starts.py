"""Few starts: the cheapest time to charge when each start costs something too (PLANNING 5).

Cars doze off and contactors wear when charging stops and starts. Of two runs that begin or end within a slot, one can
give its seconds to the other, at no cost in one direction, until one of them fits the slots; so some best plan fills
whole slots and a part of at most one. That makes it a dynamic program over (slot, seconds charged so far, on or off),
once from the front and once from the back, met at the slot that is partly used.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import inf

EARLIER = 1e-9
"""EUR: what a slot costs more than an equal one before it, so that ties go to the earlier."""

_Table = list[dict[int, tuple[float, float]]]
"""For each number of slots passed: seconds charged in them -> least cost when the last one is (off, on)."""


def count_starts(runs: Sequence[tuple[int, int]], *, is_on: bool) -> int:
    """Return how often charging starts; a run that goes on from second 0 is no start."""
    return sum(1 for start, _ in runs if start > 0 or not is_on)


def fewer_starts(
    costs: Sequence[float], lengths_s: Sequence[int], seconds: int, start_cost: float, *, is_on: bool
) -> list[int]:
    """Return the seconds to charge in each slot, `seconds` in all, at the least cost with `start_cost` per start.

    `costs` are for charging all of a slot. `is_on` says that the car is charging when the first slot begins.
    Precondition: 0 <= seconds <= sum(lengths_s). O(slots x seconds / slot length).
    """
    costs = [cost + EARLIER * t for t, cost in enumerate(costs)]
    front = _table(costs, lengths_s, seconds, start_cost, is_on=is_on)
    back = _table(costs[::-1], lengths_s[::-1], seconds, start_cost, is_on=False)
    best = min(front[-1].get(seconds, (inf, inf)))
    t, passed, later = len(costs), seconds, 0
    for place, (cost, length) in enumerate(zip(costs, lengths_s, strict=True)):
        after = back[-place - 2]
        sums = sorted(after)
        for before, states in front[place].items():
            left = seconds - before
            for rest in sums[bisect_right(sums, left - length) : bisect_left(sums, left)]:
                total = min(_joined(states, after[rest], start_cost)) + cost * (left - rest) / length
                if total < best:
                    best, t, passed, later = total, place, before, rest
    if t == len(costs):
        off, on = front[-1][passed]
        return _traced(front, lengths_s, start_cost, passed, is_on=on <= off)
    ways = _joined(front[t][passed], back[-t - 2][later], start_cost)
    is_on_before, is_on_after = ((True, True), (True, False), (False, True), (False, False))[ways.index(min(ways))]
    return [
        *_traced(front[: t + 1], lengths_s[:t], start_cost, passed, is_on=is_on_before),
        seconds - passed - later,
        *_traced(back[: -t - 1], lengths_s[:t:-1], start_cost, later, is_on=is_on_after)[::-1],
    ]


def _table(costs: Sequence[float], lengths_s: Sequence[int], most: int, start_cost: float, *, is_on: bool) -> _Table:
    """Fill the table: a slot is charged all of its time or not at all."""
    table: _Table = [{0: (inf, 0.0) if is_on else (0.0, inf)}]
    for cost, length in zip(costs, lengths_s, strict=True):
        offs: dict[int, float] = {}
        ons: dict[int, float] = {}
        for charged, (off, on) in table[-1].items():
            offs[charged] = off if off < on else on
            if charged + length <= most:
                ons[charged + length] = cost + (on if on <= off + start_cost else off + start_cost)
        table.append({charged: (offs.get(charged, inf), ons.get(charged, inf)) for charged in {**offs, **ons}})
    return table


def _joined(before: tuple[float, float], after: tuple[float, float], start_cost: float) -> tuple[float, ...]:
    """Return the cost around a slot that is partly used, when the slots beside it are (on, on), (on, off), (off, on)
    and (off, off): only in the last case it is a run of its own."""
    off, on = before
    later_off, later_on = after
    return on + later_on, on + later_off, off + later_on, off + later_off + start_cost


def _traced(table: _Table, lengths_s: Sequence[int], start_cost: float, charged: int, *, is_on: bool) -> list[int]:
    """Return the seconds charged in each slot of the way that led to the end of the table."""
    seconds = []
    for t in range(len(lengths_s) - 1, -1, -1):
        seconds.append(lengths_s[t] if is_on else 0)
        charged -= seconds[-1]
        off, on = table[t][charged]
        is_on = on <= off + start_cost if is_on else on < off
    return seconds[::-1]

"""Few starts: the cheapest time to charge when each start costs something too (docs/planning.md, 5).

Cars doze off and contactors wear when charging stops and starts. Of two runs that begin or end within a slot, one can
give its seconds to the other, at no cost in one direction, until one of them fits the slots; so some best plan fills
whole slots and a part of at most one. That makes it a dynamic program over (slot, seconds charged so far, on or off),
once from the front and once from the back, met at the slot that is partly used.

It counts what a plan costs more than the cheapest one would if starts were free: a slot costs what it is dearer than
the dearest slot needed, or, left out, what it is cheaper. No best plan costs more than the starts it saves, so only
the few states below that bound are looked at.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import inf

EARLIER = 1e-9
"""EUR: what a slot costs more than an equal one before it, so that ties go to the earlier."""

_Extra = tuple[float, float]
"""What it costs to leave a slot out, and to charge in all of it: one of them is 0."""

_Table = list[dict[int, tuple[float, float]]]
"""For each number of slots passed: seconds charged in them -> least cost when the last one is (off, on)."""


def count_starts(runs: Sequence[tuple[int, int]], *, is_on: bool) -> int:
    """Return how often charging starts; a run that goes on from second 0 is no start."""
    return sum(1 for start, _ in runs if start > 0 or not is_on)


def fewer_starts(
    costs: Sequence[float], lengths_s: Sequence[int], seconds: int, start_cost: float, starts: int, *, is_on: bool
) -> list[int]:
    """Return the seconds to charge in each slot, `seconds` in all, at the least cost with `start_cost` per start.

    `costs` are for charging all of a slot; `starts` is how often the cheapest way to charge starts, or more. `is_on`
    says that the car is charging when the first slot begins. Precondition: 0 < seconds <= sum(lengths_s).
    """
    extras = _extras(costs, lengths_s, seconds)
    bound = start_cost * starts + EARLIER * len(costs)
    front = _table(extras, lengths_s, seconds, start_cost, bound, is_on=is_on)
    back = _table(extras[::-1], lengths_s[::-1], seconds, start_cost, bound, is_on=False)
    best = min(front[-1].get(seconds, (inf, inf)))
    t, passed, later = len(costs), seconds, 0
    for place, ((left_out, charged), length) in enumerate(zip(extras, lengths_s, strict=True)):
        after = back[-place - 2]
        sums = sorted(after)
        for before, states in front[place].items():
            left = seconds - before
            for rest in sums[bisect_right(sums, left - length) : bisect_left(sums, left)]:
                share = (left - rest) / length
                total = min(_joined(states, after[rest], start_cost)) + charged * share + left_out * (1 - share)
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


def _extras(costs: Sequence[float], lengths_s: Sequence[int], seconds: int) -> list[_Extra]:
    """Return what each slot costs more than in the cheapest plan for `seconds`."""
    costs = [cost + EARLIER * t for t, cost in enumerate(costs)]
    dearest = 0.0
    for cost, length in sorted(zip(costs, lengths_s, strict=True), key=lambda slot: slot[0] / slot[1]):
        if seconds <= 0:
            break
        dearest = cost / length
        seconds -= length
    above = [cost - dearest * length for cost, length in zip(costs, lengths_s, strict=True)]
    return [(-each, 0.0) if each < 0 else (0.0, each) for each in above]


def _table(
    extras: Sequence[_Extra], lengths_s: Sequence[int], most: int, start_cost: float, bound: float, *, is_on: bool
) -> _Table:
    """Fill the table: a slot is charged all of its time or not at all."""
    table: _Table = [{0: (inf, 0.0) if is_on else (0.0, inf)}]
    for (left_out, charged_all), length in zip(extras, lengths_s, strict=True):
        states: dict[int, tuple[float, float]] = {}
        for charged, (off, on) in table[-1].items():
            pause = (off if off < on else on) + left_out
            if pause <= bound:
                states[charged] = (pause, states[charged][1] if charged in states else inf)
            run = (on if on <= off + start_cost else off + start_cost) + charged_all
            charged += length
            if run <= bound and charged <= most:
                states[charged] = (states[charged][0] if charged in states else inf, run)
        table.append(states)
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

"""Few starts: the cheapest time to charge when each start costs something too (docs/planning.md, 5).

Cars doze off and contactors wear when charging stops and starts. Of two slots that are partly used, one can give its
energy to the other, at no cost in one direction, until one of them is full or empty; only a level that is due between
them, and met exactly, stands in the way. So some best plan fills whole slots and, before each level that it meets
exactly, a part of at most one. That makes it a dynamic program over (slot, energy so far, on or off), from the front
and, for each such level, from its back, met at the slot that is partly used.

It counts what a plan costs more than the cheapest one would if starts were free: a slot costs what it is dearer than
the dearest slot needed by then, or, left out, what it is cheaper. No best plan costs more than the starts it saves, so
only the few states below that bound are looked at. A minimum run may make a plan dearer than that; then the bound is
raised until there is one. It is exact but for runs that would have to be a part of a slot longer than others: with a
minimum run, a run is made of whole slots, or of whole slots and the one part.

Energy counts in whole units, so that sums are exact; prices are per unit.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

EARLIER = 1e-9
"""EUR: what a slot costs more than an equal one before it, so that ties go to the earlier."""

_Chain = Any
"""The charged slots that led to a state, newest first: (slot, units, chain), or None."""

_State = tuple[float, float, _Chain, _Chain]
"""Least cost when the slot before is off, and on; and how it came about."""

_Table = list[dict[int, _State]]
"""For each number of slots passed: energy drawn in them -> state."""


class TooManyStates(Exception):
    """Slots hold such unlike energies, at such like prices, that there are too many sums of them to look at."""


class Level(NamedTuple):
    """In the first `slots` slots at least `units` are drawn."""

    slots: int
    units: int


class _Gate(NamedTuple):
    """At an edge, the energy so far times `sign` is at least `units` times `sign`; a unit beyond costs `weight`."""

    units: int
    sign: int
    weight: float


class _Slots(NamedTuple):
    """What it costs to leave a slot out, what to charge in all of it (one of them is 0), its energy, and where a run
    that starts with it may end first (None: nowhere)."""

    left_out: Sequence[float]
    charged: Sequence[float]
    units: Sequence[int]
    may_end: Sequence[int | None]


def count_starts(runs: Sequence[tuple[int, int]], *, is_on: bool) -> int:
    """Return how often charging starts; a run that goes on from second 0 is no start."""
    return sum(1 for start, _ in runs if start > 0 or not is_on)


def fewer_starts(
    prices: Sequence[float],
    units: Sequence[int],
    lengths_s: Sequence[int],
    need: int,
    start_cost: float,
    starts: int,
    *,
    is_on: bool,
    levels: Sequence[Level] = (),
    most: int = 0,
    minimum_run_s: int = 0,
    most_steps: float = inf,
) -> list[int] | None:
    """Return the units to draw in each slot at the least cost with `start_cost` per start, each run long enough.

    `units[t]` is what slot t holds; it is drawn wholly, in part or not at all. `need` is drawn, and more of it up to
    `most` where that pays; `levels` ascend. `starts` is how often the cheapest way to charge starts, or more. `is_on`
    says that the car is charging when the first slot begins; that run has been long enough. None where runs of
    `minimum_run_s` cannot draw all of this. Precondition: 0 < need <= sum(units), levels within what their slots hold.
    Raises TooManyStates when more than `most_steps` states, and pairs of them, would have to be looked at at a time: a
    million take a second or two.
    """
    need_and_most = (need, max(need, most))
    duals = _duals(prices, units, levels, *need_and_most)
    forward = _slots(duals.extras, units, lengths_s, minimum_run_s)
    bound = start_cost * starts + EARLIER * len(prices) ** 2
    while True:
        search = _Search(forward, lengths_s, start_cost, minimum_run_s, bound, duals, most_steps)
        cost, found = search.best(levels, *need_and_most, is_on=is_on)
        if cost <= bound or bound == inf:
            return found
        # Something dearer than the bound may have been missed: all that is cheaper than what was found has to be seen.
        bound = cost


class _Duals(NamedTuple):
    """What energy is worth by each level, and what slots cost more than that or, left out, less."""

    weights: list[float]
    """Of each level: what a unit less would save."""
    of_need: float
    of_most: float
    extras: list[tuple[float, float]]


def _duals(prices: Sequence[float], units: Sequence[int], levels: Sequence[Level], need: int, most: int) -> _Duals:
    """Return prices of the levels by which the cheapest way without starts is the cheapest slot by slot."""
    count = len(prices)
    order = sorted(range(count), key=prices.__getitem__)
    free = list(units)
    dearest = []
    drawn = 0
    for slots, level in (*levels, (count, need)):
        wanted = level - sum(units[:slots]) + sum(free[:slots])
        last = -inf
        for t in order:
            if wanted <= 0:
                break
            if t < slots and free[t] > 0:
                taken = min(free[t], wanted)
                free[t] -= taken
                wanted -= taken
                drawn += taken
                last = prices[t]
        dearest.append(last)
    for t in order:
        if drawn >= most or prices[t] >= 0:
            break
        if free[t] > 0:
            dearest[-1] = prices[t] if drawn + free[t] >= most else 0.0
            drawn += min(free[t], most - drawn)
    worth = [0.0 if dearest[-1] == -inf else dearest[-1]]
    for price in reversed(dearest[:-1]):
        worth.insert(0, max(worth[0], price))
    weights = [a - b for a, b in pairwise(worth)]
    edges = [0, *(slots for slots, _ in levels), count]
    of_slot = [value for value, (a, b) in zip(worth, pairwise(edges), strict=True) for _ in range(a, b)]
    above = [
        (price - value) * held + EARLIER * t
        for t, (price, value, held) in enumerate(zip(prices, of_slot, units, strict=True))
    ]
    extras = [(-each, 0.0) if each < 0 else (0.0, each) for each in above]
    return _Duals(weights, max(0.0, worth[-1]), max(0.0, -worth[-1]), extras)


def _slots(
    extras: Sequence[tuple[float, float]], units: Sequence[int], lengths_s: Sequence[int], minimum_run_s: int
) -> _Slots:
    may_end: list[int | None] = []
    for first in range(len(units)):
        end, ran_s = first, 0
        while end < len(units) and units[end] > 0 and (end == first or ran_s < minimum_run_s):
            ran_s += lengths_s[end]
            end += 1
        may_end.append(end if end > first and ran_s >= minimum_run_s else None)
    return _Slots([each for each, _ in extras], [each for _, each in extras], units, may_end)


class _Search:
    """One look at all states below a bound."""

    def __init__(
        self,
        slots: _Slots,
        lengths_s: Sequence[int],
        start_cost: float,
        run_s: int,
        bound: float,
        duals: _Duals,
        most_steps: float,
    ) -> None:
        self._slots = slots
        self._lengths_s = lengths_s
        self._start_cost = start_cost
        self._run_s = run_s
        self._bound = bound
        self._duals = duals
        self._steps_left = most_steps

    def _count(self, steps: int) -> None:
        self._steps_left -= steps
        if self._steps_left < 0:
            raise TooManyStates

    def best(self, levels: Sequence[Level], need: int, most: int, *, is_on: bool) -> tuple[float, list[int] | None]:
        count = len(self._slots.units)
        gates = {
            slots: _Gate(level, 1, weight) for (slots, level), weight in zip(levels, self._duals.weights, strict=True)
        }
        first: _State = (inf, 0.0, None, None) if is_on else (0.0, inf, None, None)
        front: _Table = [{0: first}, *({} for _ in range(count))]
        for edge in range(count + 1):
            gate = gates.get(edge)
            if gate is not None:
                front[edge] = _passed(front[edge], gate, self._bound)
                self._meet_exactly(front, gates, edge, gate.units)
            if edge < count:
                self._count(len(front[edge]))
                _advance(front, edge, self._slots, most, self._start_cost, self._bound, gates)
        totals = {need: self._duals.of_most * (most - need)}
        if most > need:
            totals[most] = self._duals.of_need * (most - need)
        best, chain = inf, None
        for drawn, (off, on, off_chain, on_chain) in front[count].items():
            if need <= drawn <= most:
                cost = min(off, on) + self._duals.of_need * (drawn - need) + self._duals.of_most * (most - drawn)
                if cost < best:
                    best, chain = cost, off_chain if off < on else on_chain
        for total, beyond in totals.items():
            cost, found = self._met(front, gates, count, total, ends_on=False)
            if cost + beyond < best:
                best, chain = cost + beyond, found
        return best, None if best == inf else _drawn(chain, count)

    def _meet_exactly(self, front: _Table, gates: Mapping[int, _Gate], edge: int, total: int) -> None:
        """Add the ways to have drawn exactly `total` at an edge, with a part of one slot."""
        off, off_chain = self._met(front, gates, edge, total, ends_on=False)
        on, on_chain = self._met(front, gates, edge, total, ends_on=True)
        known = front[edge].get(total, (inf, inf, None, None))
        if off < known[0]:
            known = (off, known[1], off_chain, known[3])
        if on < known[1]:
            known = (known[0], on, known[2], on_chain)
        if min(known[:2]) <= self._bound:
            front[edge][total] = known

    def _met(
        self, front: _Table, gates: Mapping[int, _Gate], edge: int, total: int, *, ends_on: bool
    ) -> tuple[float, _Chain]:
        """Return the best way to have drawn `total` at an edge with a part of one slot before it."""
        back = self._back(gates, edge, total, ends_on=ends_on)
        best, chain = inf, None
        for place in range(edge):
            held = self._slots.units[place]
            after = back[edge - place - 1]
            if held <= 0 or not after:
                continue
            left_out, charged = self._slots.left_out[place], self._slots.charged[place]
            sums = sorted(after)
            for before, before_s, off, on, off_chain, on_chain in self._before(front, place):
                left = total - before
                fitting = sums[bisect_right(sums, left - held) : bisect_left(sums, left)]
                self._count(1 + len(fitting))
                for rest in fitting:
                    part = left - rest
                    share = part / held
                    cost = charged * share + left_out * (1 - share)
                    if cost >= best:
                        continue
                    later_off, later_on, later_off_chain, later_on_chain = after[rest]
                    if cost + (off if off < on else on) + (later_off if later_off < later_on else later_on) >= best:
                        continue
                    part_s = share * self._lengths_s[place]
                    # The part goes on where a run was on, else leads into the next; alone it is a run of its own.
                    goes_on = on if not before_s or before_s + part_s >= self._run_s else inf
                    alone = off + self._start_cost if part_s >= self._run_s else inf
                    for way, earlier_chain, later_chain in (
                        (goes_on + later_on, on_chain, later_on_chain),
                        (goes_on + later_off, on_chain, later_off_chain),
                        (off + later_on, off_chain, later_on_chain),
                        (alone + later_off, off_chain, later_off_chain),
                    ):
                        if cost + way < best:
                            best = cost + way
                            chain = _linked(earlier_chain, place, part, later_chain, edge)
        return best, chain

    def _before(self, front: _Table, place: int) -> Iterator[tuple[int, float, float, float, _Chain, _Chain]]:
        """Yield what may lie before a slot that is partly used: energy, the seconds of a run that is too short
        without the part (0: there is none), and the costs and chains when the slot before is off, and on."""
        for drawn, (off, on, off_chain, on_chain) in front[place].items():
            yield drawn, 0.0, off, on, off_chain, on_chain
        ran_s, added, cost = 0, 0, 0.0
        for first in range(place - 1, -1, -1):
            ran_s += self._lengths_s[first]
            if self._slots.units[first] <= 0 or ran_s >= self._run_s:
                return
            added += self._slots.units[first]
            cost += self._slots.charged[first]
            for drawn, (off, _, off_chain, _) in front[first].items():
                young = off + self._start_cost + cost
                if young <= self._bound:
                    yield drawn + added, ran_s, inf, young, None, _full(off_chain, self._slots.units, first, place)

    def _back(self, gates: Mapping[int, _Gate], edge: int, total: int, *, ends_on: bool) -> _Table:
        """Return the table of the slots before an edge, read backwards: energy that is still drawn until then."""
        slots = _Slots(
            self._slots.left_out[:edge][::-1],
            self._slots.charged[:edge][::-1],
            self._slots.units[:edge][::-1],
            _mirrored(self._slots.units[:edge][::-1], self._lengths_s[:edge][::-1], self._run_s),
        )
        mirrored = {
            edge - at: _Gate(total - units, -1, weight) for at, (units, _, weight) in gates.items() if 0 < at < edge
        }
        # A run pays for its start where the table meets it first, at its end.
        table: _Table = [{} for _ in range(edge + 1)]
        if not ends_on:
            table[0] = {0: (0.0, inf, None, None)}
        elif self._run_s <= 0:
            table[0] = {0: (inf, self._start_cost, None, None)}
        elif slots.may_end[0] is not None:
            _leap(table, 0, slots.may_end[0], 0, self._start_cost, None, slots, total, self._bound, mirrored)
        for passed in range(edge):
            if passed in mirrored:
                table[passed] = _passed(table[passed], mirrored[passed], self._bound)
            self._count(len(table[passed]))
            _advance(table, passed, slots, total, self._start_cost, self._bound, mirrored)
        return table


def _mirrored(units: Sequence[int], lengths_s: Sequence[int], run_s: int) -> list[int | None]:
    return list(_slots([(0.0, 0.0)] * len(units), units, lengths_s, run_s).may_end)


def _advance(
    table: _Table,
    edge: int,
    slots: _Slots,
    most: int,
    start_cost: float,
    bound: float,
    gates: Mapping[int, _Gate],
) -> None:
    """Go from an edge over the slot after it, or over all that a run has to fill that starts with it."""
    left_out, charged_all, held = slots.left_out[edge], slots.charged[edge], slots.units[edge]
    end = slots.may_end[edge]
    after = table[edge + 1]
    for drawn, (off, on, off_chain, on_chain) in table[edge].items():
        pause, pause_chain = (off, off_chain) if off < on else (on, on_chain)
        pause += left_out
        if pause <= bound:
            known = after.get(drawn)
            if known is None:
                after[drawn] = (pause, inf, pause_chain, None)
            elif pause < known[0]:
                after[drawn] = (pause, known[1], pause_chain, known[3])
        if held <= 0:
            continue
        begun = off + start_cost
        if end is not None and begun < on and end > edge + 1:
            _leap(table, edge, end, drawn, begun, off_chain, slots, most, bound, gates)
            begun = inf
        run, run_chain = (on, on_chain) if on <= begun or end is None else (begun, off_chain)
        run += charged_all
        reached = drawn + held
        if run <= bound and reached <= most:
            known = after.get(reached)
            if known is None:
                after[reached] = (inf, run, None, (edge, held, run_chain))
            elif run < known[1]:
                after[reached] = (known[0], run, known[2], (edge, held, run_chain))


def _leap(
    table: _Table,
    edge: int,
    end: int,
    drawn: int,
    cost: float,
    chain: _Chain,
    slots: _Slots,
    most: int,
    bound: float,
    gates: Mapping[int, _Gate],
) -> None:
    """Start a run that has to fill several slots."""
    for at in range(edge, end):
        drawn += slots.units[at]
        cost += slots.charged[at]
        gate = gates.get(at + 1)
        if gate is not None and at + 1 < end:
            beyond = gate.sign * (drawn - gate.units)
            if beyond < 0:
                return
            cost += gate.weight * beyond
        if cost > bound or drawn > most:
            return
    known = table[end].get(drawn, (inf, inf, None, None))
    if cost < known[1]:
        table[end][drawn] = (known[0], cost, known[2], _full(chain, slots.units, edge, end))


def _passed(states: Mapping[int, _State], gate: _Gate, bound: float) -> dict[int, _State]:
    """Return the states that a gate lets through, with what it costs to have drawn more than it asks for."""
    passed = {}
    for drawn, (off, on, off_chain, on_chain) in states.items():
        beyond = gate.sign * (drawn - gate.units)
        cost = gate.weight * beyond
        if beyond >= 0 and min(off, on) + cost <= bound:
            passed[drawn] = (off + cost, on + cost, off_chain, on_chain)
    return passed


def _full(chain: _Chain, units: Sequence[int], first: int, end: int) -> _Chain:
    for t in range(first, end):
        chain = (t, units[t], chain)
    return chain


def _linked(earlier: _Chain, place: int, part: int, later: _Chain, edge: int) -> _Chain:
    """Return one chain of what came before a part of a slot, and what a table read backwards from `edge` has after."""
    chain = (place, part, earlier)
    while later is not None:
        t, units, later = later
        chain = (edge - 1 - t, units, chain)
    return chain


def _drawn(chain: _Chain, count: int) -> list[int]:
    drawn = [0] * count
    while chain is not None:
        t, units, chain = chain
        drawn[t] = units
    return drawn

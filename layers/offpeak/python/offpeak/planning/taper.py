"""Charge a battery that takes less as it fills up (docs/planning.md, 7).

Near full a car's power falls, so the slots of charging hold less and less: what the next one holds depends on how
long it was charging before, and not on when. That is a dynamic program over (slot, seconds charged so far, on or off),
exact among plans that use slots wholly, but for one: the last, which ends when the need is met, or an earlier one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import combinations
from math import exp, inf, log
from typing import Any, NamedTuple

AS_GOOD_AS_FULL = 0.999
"""The share of a full battery at which a car counts as full: the rest would take longer than anybody waits."""


class Curve(NamedTuple):
    """Energy in kWh at the meter from now on: up to `knee` the car takes `power_kw`, then evenly less with every kWh,
    down to `end_kw` at `full`; `knee` below 0: it is past it, and `power_kw` is what it took before."""

    power_kw: float
    knee: float
    full: float
    end_kw: float

    @property
    def reach(self) -> float:
        """The most that is planned for, kWh."""
        return AS_GOOD_AS_FULL * self.full

    def drawn_after(self, seconds: float) -> float:
        """Return the kWh drawn in so many seconds of charging."""
        hours = seconds / 3600
        if self.knee >= self.full:
            return min(self.full, hours * self.power_kw)
        reach_h = max(0.0, self.knee) / self.power_kw
        if hours <= reach_h:
            return hours * self.power_kw
        begin_kw, fall = self._fall()
        if fall <= 0:
            return min(self.full, max(0.0, self.knee) + (hours - reach_h) * begin_kw)
        return min(self.full, max(0.0, self.knee) + begin_kw / fall * (1 - exp(-fall * (hours - reach_h))))

    def seconds_for(self, energy: float) -> float:
        """Return how long it takes to draw so many kWh; infinite where it never does."""
        if energy > self.full:
            return inf
        flat = min(energy, max(0.0, self.knee))
        begin_kw, fall = self._fall()
        rest = energy - flat
        if rest <= 0:
            hours = 0.0
        elif fall <= 0:
            hours = rest / begin_kw
        else:
            left = 1 - rest * fall / begin_kw
            hours = -log(left) / fall if left > 0 else inf
        return (flat / self.power_kw + hours) * 3600

    def _fall(self) -> tuple[float, float]:
        """Return the power at the beginning of what is left of the fall, and how much less it is for each kWh."""
        if self.knee >= self.full:
            return self.power_kw, 0.0
        fall = (self.power_kw - self.end_kw) / (self.full - self.knee)
        return self.power_kw - fall * max(0.0, -self.knee), fall


_Chain = Any
"""The slots charged, newest first: (slot, seconds, chain), or None."""

_State = tuple[float, float, _Chain, _Chain]
"""Least cost when the slot before is off, and on; and how it came about."""

_States = dict[int, _State]
_NEVER: _State = (inf, inf, None, None)

MOST_ODD = 3
"""So many slots of unusual length are reckoned with when one of the others is used in part."""


def tapered(
    prices: Sequence[float],
    lengths_s: Sequence[int],
    seconds: int,
    drawn_after: Callable[[int], float],
    *,
    start_cost: float = 0.0,
    is_on: bool = False,
    at_once: int = 0,
    levels: Sequence[tuple[int, int]] = (),
) -> list[int]:
    """Return the seconds to charge in each slot, `seconds` in all, at the least cost with `start_cost` per start.

    `drawn_after` tells the energy of so many seconds of charging. Slots of no length for charging are 0 s long. The
    first `at_once` slots are charged in; `levels`, (number of slots, seconds), are charged by then, as far as they go.
    Ties go to the earlier slot. Precondition: 0 <= seconds <= sum(lengths_s).
    """
    count = len(prices)
    left_s = [0] * (count + 1)
    for t in range(count - 1, -1, -1):
        left_s[t] = left_s[t + 1] + lengths_s[t]
    due = [0] * (count + 1)
    for slots, level in levels:
        due[slots] = max(due[slots], min(level, seconds, left_s[0] - left_s[slots]))
    parts = _Parts(lengths_s, seconds)
    energy = cache(drawn_after)
    whole: _States = {0: (inf, 0.0, None, None) if is_on else (0.0, inf, None, None)}
    parted: _States = {}
    for t, (price, length) in enumerate(zip(prices, lengths_s, strict=True)):
        may_pause = t >= at_once or length == 0
        needed = max(due[t + 1], seconds - left_s[t + 1])
        after: tuple[_States, _States] = {}, {}
        for is_parted, states in enumerate((whole, parted)):
            for charged, (off, on, off_chain, on_chain) in states.items():
                if charged >= needed and (may_pause or charged >= seconds):
                    pause, pause_chain = (off, off_chain) if off < on else (on, on_chain)
                    _keep(after[is_parted], charged, pause, inf, pause_chain)
                begun = off + start_cost
                run, run_chain = (on, on_chain) if on <= begun else (begun, off_chain)
                reached = min(seconds, charged + length)
                if charged < reached >= needed and (reached - charged == length or not is_parted):
                    cost = run + price * (energy(reached) - energy(charged))
                    _keep(after[is_parted], reached, inf, cost, (t, reached - charged, run_chain))
                if is_parted or not may_pause:
                    continue
                for part in parts.after(t, charged):
                    reached = charged + part
                    if part < length and needed <= reached < seconds:
                        # At the end of the slot it leads into the next; else it ends what was on, or is alone.
                        cost = price * (energy(reached) - energy(charged))
                        late, late_chain = (begun, off_chain) if off <= on else (on + start_cost, on_chain)
                        _keep(after[1], reached, inf, late + cost, (t, part, late_chain))
                        _keep(after[1], reached, run + cost, inf, (t, part, run_chain))
        whole, parted = after
    ends = [states[seconds] for states in (whole, parted) if seconds in states]
    _, chain = min(
        ((cost, chain) for off, on, *chains in ends for cost, chain in zip((off, on), chains, strict=True)),
        key=lambda end: end[0],
    )
    charged_s = [0] * count
    while chain is not None:
        t, part, chain = chain
        charged_s[t] = part
    return charged_s


class _Parts:
    """How long the one slot may be that is not used wholly, where slots after it are: as long as they leave to it.

    Slots are of one usual length, but for the first, the last, and where caps and levels cut them: `MOST_ODD` of those
    are reckoned with.
    """

    def __init__(self, lengths_s: Sequence[int], seconds: int) -> None:
        lengths = [length for length in lengths_s if length > 0]
        self._seconds, self._longest = seconds, max(lengths, default=0)
        self._usual = max(lengths, key=lambda length: (lengths.count(length), length), default=1)
        odd = [(t, length) for t, length in enumerate(lengths_s) if length not in (0, self._usual)][:MOST_ODD]
        self._sums = []
        for t in range(len(lengths_s)):
            later = [length for place, length in odd if place > t]
            self._sums.append({sum(chosen) for many in range(len(later) + 1) for chosen in combinations(later, many)})
        self._known: dict[tuple[int, int], list[int]] = {}

    def after(self, t: int, charged: int) -> list[int]:
        """Return the seconds, above 0, that slot t may be charged for in part, when so many were before it."""
        rest = (self._seconds - charged) % self._usual
        parts = self._known.get((t, rest))
        if parts is None:
            rests = {(rest - each) % self._usual for each in self._sums[t]}
            found = {part for each in rests for part in range(each, self._longest, self._usual)}
            parts = self._known[t, rest] = sorted(found - {0})
        return parts


def _keep(states: _States, charged: int, off: float, on: float, chain: _Chain) -> None:
    """Keep a way to have charged so many seconds, off or on at the end, where it is cheaper than what is known."""
    known = states.get(charged, _NEVER)
    if off < known[0]:
        known = (off, known[1], chain, known[3])
    if on < known[1]:
        known = (known[0], on, known[2], chain)
    states[charged] = known

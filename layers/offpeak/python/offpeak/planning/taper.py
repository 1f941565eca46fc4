"""Charge a battery that takes less as it fills up (docs/planning.md, 7).

Near full a car's power falls, so the slots of charging hold less and less: what the next one holds depends on how
long it was charging before, and not on when. That is a dynamic program over (slot, seconds charged so far, on or off),
exact among plans that use slots wholly, but for the last of them, which ends when the need is met.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    energy: dict[int, float] = {}
    states: dict[int, _State] = {0: (inf, 0.0, None, None) if is_on else (0.0, inf, None, None)}
    for t, (price, length) in enumerate(zip(prices, lengths_s, strict=True)):
        after: dict[int, _State] = {}
        needed = max(due[t + 1], seconds - left_s[t + 1])
        for charged, (off, on, off_chain, on_chain) in states.items():
            pause, pause_chain = (off, off_chain) if off < on else (on, on_chain)
            if charged >= needed and (t >= at_once or length == 0 or charged >= seconds):
                known = after.get(charged)
                if known is None:
                    after[charged] = (pause, inf, pause_chain, None)
                elif pause < known[0]:
                    after[charged] = (pause, known[1], pause_chain, known[3])
            reached = min(seconds, charged + length)
            if reached <= charged or reached < needed:
                continue
            for at in (charged, reached):
                if at not in energy:
                    energy[at] = drawn_after(at)
            begun = off + start_cost
            run, run_chain = (on, on_chain) if on <= begun else (begun, off_chain)
            run += price * (energy[reached] - energy[charged])
            known = after.get(reached)
            if known is None:
                after[reached] = (inf, run, None, (t, reached - charged, run_chain))
            elif run < known[1]:
                after[reached] = (known[0], run, known[2], (t, reached - charged, run_chain))
        states = after
    off, on, off_chain, on_chain = states[seconds]
    charged_s = [0] * count
    chain = off_chain if off <= on else on_chain
    while chain is not None:
        t, part, chain = chain
        charged_s[t] = part
    return charged_s

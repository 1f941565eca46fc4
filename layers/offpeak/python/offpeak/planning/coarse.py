"""Chargers of a group that change their power at the edges of slots only (docs/planning.md, Many sessions)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from offpeak.planning.rotate import Stretch


def least_until_end(powers: Sequence[float], slots: Sequence[object]) -> list[float]:
    """Return at each instant the least power from then until its slot ends; `slots` tells which one each is in."""
    least = list(powers)
    for at in range(len(least) - 2, -1, -1):
        if slots[at] == slots[at + 1]:
            least[at] = min(least[at], least[at + 1])
    return least


def obeyed(stretches: Sequence[Stretch], end_s: int, rest_w: float, *, into_slot_s: int, slot_s: int) -> list[Stretch]:
    """Return the most of what a charger is granted that it can be trusted with: nothing falls within a slot, since it
    would go on until the slot ends.

    From `end_s` on it may draw `rest_w`. The first second is `into_slot_s` into a slot.
    """

    def slot_of(second: int) -> int:
        return (second + into_slot_s) // slot_s

    steps = {0: 0.0}
    for start, end, power in stretches:
        steps |= {start: power, end: 0.0}
    steps = {at: power for at, power in steps.items() if at < end_s} | {end_s: rest_w}
    edges = {slot_of(at) * slot_s - into_slot_s for at in steps}
    seconds = sorted({*steps, *(edge for edge in edges if 0 < edge < end_s)})
    powers, power = list[float](), 0.0
    for at in seconds:
        power = steps.get(at, power)
        powers.append(power)
    never_falling = least_until_end(powers, [slot_of(at) for at in seconds])
    kept: list[Stretch] = []
    for (start, end), power in zip(pairwise(seconds), never_falling, strict=False):
        if power > 0 and kept and kept[-1][1:] == (start, power):
            start = kept.pop()[0]
        if power > 0:
            kept.append((start, end, power))
    return kept

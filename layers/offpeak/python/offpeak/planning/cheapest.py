"""The cheapest way to draw energy by a deadline, exactly (docs/planning.md, 1 and 2).

A fractional knapsack: take the cheapest room first. Where a dearer slot holds energy and a cheaper one has room,
moving energy lowers the cost, and the greedy fill leaves no such pair. Nested milestones are met in the order of
time, each deficit from the cheapest room before it; that is exact by the same exchange.
"""

from __future__ import annotations

from collections.abc import Sequence


def cheapest(
    prices: Sequence[float],
    room: Sequence[float],
    need: float,
    *,
    at_once: float = 0.0,
    milestones: Sequence[tuple[int, float]] = (),
    most: float = 0.0,
    preferred: Sequence[Sequence[float]] = (),
) -> list[float]:
    """Return the energy to draw in each slot at the least cost; energies in one unit, prices per that unit.

    `at_once` is drawn first, from the first slot on, before any price is looked at. `milestones` are (number of
    slots, energy to have drawn in them), ascending. Beyond `need`, slots with a negative price are filled up to
    `most`. What does not fit is left out: the answer is then the most that can be drawn. Ties go to the earlier slot.
    At most one slot is partly filled for each of `at_once`, the milestones, `need` and `most`.

    `preferred` are parts of `room` that are used up first, one after the other, whatever the rest costs.
    """
    count = len(prices)
    drawn = [0.0] * count
    order = sorted(range(count), key=prices.__getitem__)
    if at_once > 0:
        _draw(drawn, range(count), count, room, at_once)
    if at_once <= 0 and not milestones and not preferred:
        _fill(drawn, order, room, need)
    else:
        for slots, level in (*milestones, (count, need)):
            for allowed in (*preferred, room):
                _draw(drawn, order, slots, allowed, level - sum(drawn[:slots]))
    if most > need:
        _draw(drawn, [t for t in order if prices[t] < 0], count, room, most - sum(drawn))
    return drawn


def _fill(drawn: list[float], order: Sequence[int], room: Sequence[float], energy: float) -> None:
    """Draw `energy` into empty slots in the order given: what `_draw` does, where most plans spend their time."""
    for t in order:
        free = room[t]
        if free >= energy:
            drawn[t] = max(0.0, energy)
            return
        drawn[t] = free
        energy -= free


def _draw(drawn: list[float], order: Sequence[int], before: int, room: Sequence[float], energy: float) -> None:
    """Draw `energy` from the room that is left in the slots before `before`, in the order given."""
    for t in order:
        if energy <= 0:
            return
        if t >= before:
            continue
        free = room[t] - drawn[t]
        if free > energy:
            drawn[t] += energy
            return
        if free > 0:
            drawn[t] = room[t]
            energy -= free

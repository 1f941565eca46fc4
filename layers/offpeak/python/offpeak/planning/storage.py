"""Charge and discharge a battery at the least cost, exactly (docs/planning.md, 6).

What it costs at least to hold an amount of energy is a convex function of the amount, made of straight pieces: a list
of slopes in ascending order. A slot adds two pieces, what giving earns and what taking costs; the limits of the
battery cut off its two ends. What is cut off below is taken for good (or not given), what is cut off above never is,
and what remains is taken from the cheapest piece on until the target is met.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import NamedTuple


class Battery(NamedTuple):
    """Energy in kWh inside of the battery; `wear` is EUR for each kWh given, at the meter, as the prices are.

    It holds `low` to `high`; below `low` it is filled at once, above `high` it takes nothing more.
    """

    energy: float
    low: float
    high: float
    charging_efficiency: float = 1.0
    discharging_efficiency: float = 1.0
    wear: float = 0.0


def store(
    prices: Sequence[float],
    takes: Sequence[float],
    gives: Sequence[float],
    battery: Battery,
    target: float,
    *,
    levels: Sequence[tuple[int, float]] = (),
) -> list[float]:
    """Return the kWh at the meter to take (above 0) or to give (below 0) in each slot at the least cost.

    `takes[t]` and `gives[t]` are the most at the meter in slot t. The battery holds `target` at the end, or as much
    as can be, and `levels`, (number of slots, energy) ascending, by the end of those slots; energy beyond the target
    counts for nothing. Where a price is so far below zero that losses pay, nothing is given, because the cost would
    not be convex: wasting energy by both at once is no plan. Ties take earlier and give later.
    """
    energy, low, high, into, out_of, wear = battery
    high = max(high, energy)
    pieces: list[tuple[float, int]] = []
    lengths = [0.0] * (2 * len(prices))
    net = [0.0] * len(prices)
    at_meter = (out_of, 1.0 / into)
    least = most = energy
    due = dict(levels)
    for t, price in enumerate(prices):
        cost, gain, take, give = price / into, (price - wear) * out_of, takes[t], gives[t]
        # A piece that would be cut off as soon as it is there needs no place in the list.
        if give and gain <= cost and (least > low or due or not pieces or gain > pieces[0][0]):
            insort(pieces, (gain, 2 * t))
            net[t] = -give
            lengths[2 * t] = length = give / out_of
            least -= length
        if take and (most < high or not pieces or cost < pieces[-1][0]):
            insort(pieces, (cost, 2 * t + 1))
            lengths[2 * t + 1] = length = take * into
            most += length
        floor = max(low, due.get(t + 1, low)) if due else low
        if least < floor:
            cut = (floor if floor < most else most) - least
            least += cut
            while cut > 0 and pieces:
                first = pieces[0][1]
                length = lengths[first]
                if length > cut:
                    lengths[first] = length - cut
                    net[first >> 1] += cut * at_meter[first & 1]
                    break
                net[first >> 1] += length * at_meter[first & 1]
                cut -= length
                del pieces[0]
        if most > high:
            cut = most - high
            most = high
            while cut > 0 and pieces:
                last = pieces[-1][1]
                length = lengths[last]
                if length > cut:
                    lengths[last] = length - cut
                    break
                cut -= length
                del pieces[-1]
    wanted = target - least
    for slope, piece in pieces:
        if wanted <= 0 and slope >= 0:
            break
        part = lengths[piece] if slope < 0 else min(lengths[piece], wanted)
        net[piece >> 1] += part * at_meter[piece & 1]
        wanted -= part
    return net

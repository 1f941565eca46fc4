"""Charge at no less than a car can, where power changes at the edges of slots only (docs/planning.md, 4).

A slot then holds nothing, or at least its minimum. Where all slots are alike that is as many of the cheapest slots as
the need takes, the minimum in each, and what is still missing by price: exact by exchange. The few slots that are cut
short are tried both ways, on and off. Beyond that (slots that differ much, levels between, prices below zero) the
cheapest energy without a minimum is mended: what is below its minimum is raised to it or left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import ceil, inf

from offpeak.planning.cheapest import cheapest

MOST_ODD = 4
"""So many slots that differ from the others are tried both ways."""

NOTHING = 1e-9
"""kWh."""


def at_least(
    prices: Sequence[float],
    least: Sequence[float],
    room: Sequence[float],
    need: float,
    *,
    milestones: Sequence[tuple[int, float]] = (),
    most: float = 0.0,
) -> list[float]:
    """Return the energy to draw in each slot, 0 or `least[t]` to `room[t]`, `need` or more in all, at the least cost.

    What does not fit is left out; `milestones` and `most` are those of `cheapest`. Exact without milestones, where no
    price is below zero and no more than MOST_ODD slots differ from the rest; else near the best. Ties go to the earlier
    slot.
    """
    need = min(need, sum(room))
    if not any(room) or (need <= NOTHING and most <= need):
        return [0.0] * len(prices)
    alike = _alike(least, room)
    odd = [t for t, each in enumerate(zip(least, room, strict=True)) if each != alike and each[1] > 0]
    if milestones or most > need or len(odd) > MOST_ODD or min(prices) < 0:
        return _mended(prices, least, room, need, milestones, most)
    if not odd:
        order = sorted((t for t, each in enumerate(room) if each > 0), key=prices.__getitem__)
        return _filled(prices, least, room, order[: max(1, ceil(need / alike[1] - NOTHING))], need)
    order = sorted((t for t in range(len(prices)) if (least[t], room[t]) == alike), key=prices.__getitem__)
    best, drawn = inf, [0.0] * len(prices)
    for chosen in product((False, True), repeat=len(odd)):
        on = [t for t, is_on in zip(odd, chosen, strict=True) if is_on]
        missing = max(0.0, need - sum(room[t] for t in on))
        fewest = ceil(missing / alike[1] - NOTHING) if order else 0
        if fewest > len(order) or (missing > NOTHING and not order):
            continue
        for count in range(fewest, min(len(order), fewest + len(on) + 1) + 1):
            way = _filled(prices, least, room, sorted([*on, *order[:count]], key=prices.__getitem__), need)
            cost = sum(price * energy for price, energy in zip(prices, way, strict=True))
            if sum(way) >= need - NOTHING and cost < best - NOTHING:
                best, drawn = cost, way
    return drawn


def _alike(least: Sequence[float], room: Sequence[float]) -> tuple[float, float]:
    """Return what most slots hold, at least and at most."""
    if room.count(room[0]) == least.count(least[0]) == len(room):
        return least[0], room[0]
    kinds = [(low, high) for low, high in zip(least, room, strict=True) if high > 0]
    return max(set(kinds), key=kinds.count, default=(0.0, 0.0))


def _filled(
    prices: Sequence[float], least: Sequence[float], room: Sequence[float], on: Sequence[int], need: float
) -> list[float]:
    """Return the minimum in each slot of `on`, ascending in price, and what is missing from the first of them on."""
    drawn = [0.0] * len(prices)
    for t in on:
        drawn[t] = least[t]
        need -= least[t]
    for t in on:
        if need <= 0:
            break
        more = min(need, room[t] - least[t])
        drawn[t] += more
        need -= more
    return drawn


def _mended(
    prices: Sequence[float],
    least: Sequence[float],
    room: Sequence[float],
    need: float,
    milestones: Sequence[tuple[int, float]],
    most: float,
) -> list[float]:
    """Return the better of two ways to mend the cheapest energy: slots below their minimum are raised, or left out."""
    ways = []
    for leaves_out in (False, True):
        held = list(room)
        drawn = cheapest(prices, held, need, milestones=milestones, most=most)
        while leaves_out and (weak := [t for t, each in enumerate(drawn) if NOTHING < each < least[t] - NOTHING]):
            held[max(weak, key=prices.__getitem__)] = 0.0
            again = cheapest(prices, held, need, milestones=milestones, most=most)
            if not _meets(again, need, milestones, drawn):
                break
            drawn = again
        ways.append(_raised(prices, least, drawn, need, milestones))
    return min(ways, key=lambda way: sum(price * energy for price, energy in zip(prices, way, strict=True)))


def _meets(
    drawn: Sequence[float], need: float, milestones: Sequence[tuple[int, float]], before: Sequence[float]
) -> bool:
    levels = (*milestones, (len(drawn), need))
    return all(sum(drawn[:slots]) >= min(level, sum(before[:slots])) - NOTHING for slots, level in levels)


def _raised(
    prices: Sequence[float],
    least: Sequence[float],
    drawn: list[float],
    need: float,
    milestones: Sequence[tuple[int, float]],
) -> list[float]:
    """Raise what is below its minimum, and draw less where that is dearest and nothing that is due misses it."""
    raised = [max(each, least[t]) if each > NOTHING else 0.0 for t, each in enumerate(drawn)]
    levels = [(slots, min(level, sum(drawn[:slots]))) for slots, level in (*milestones, (len(drawn), need))]
    for t in sorted(range(len(raised)), key=prices.__getitem__, reverse=True):
        if raised[t] <= 0 or prices[t] < 0:
            continue
        spare = min(sum(raised[:slots]) - level for slots, level in levels if slots > t)
        if spare >= raised[t] - NOTHING:
            raised[t] = 0.0
        elif spare > 0:
            raised[t] = max(least[t], raised[t] - spare)
    return raised

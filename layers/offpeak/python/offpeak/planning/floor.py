"""Charge at no less than a car can, where power changes at the edges of slots only (docs/planning.md, 4).

A slot then holds nothing, or at least its minimum. Where all slots are alike that is as many of the cheapest slots as
the need takes, the minimum in each, and what is still missing by price: exact by exchange. Elsewhere the cheapest
energy without a minimum bounds the cost from below; a slot that it leaves below its minimum is tried without and with
its minimum, the most promising of all that is open first (branch and bound).
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from math import ceil, inf

from offpeak.planning.cheapest import cheapest

MOST_TRIES = 400
"""So many ways are looked at; then the best that was found is the answer."""

NOTHING = 1e-9
"""kWh, or EUR."""

Levels = Sequence[tuple[int, float]]
"""So many kWh in so many slots."""


def at_least(
    prices: Sequence[float],
    least: Sequence[float],
    room: Sequence[float],
    need: float,
    *,
    milestones: Levels = (),
    most: float = 0.0,
) -> list[float]:
    """Return the energy to draw in each slot, 0 or `least[t]` to `room[t]`, `need` or more in all, at the least cost.

    What does not fit is left out; `milestones` and `most` are those of `cheapest`. Exact unless MOST_TRIES are too
    few. Minimums may make it more than `need` and `most`; a price below zero pays for no more than these.
    """
    need = min(need, sum(room))
    if not any(room) or (need <= NOTHING and most <= need):
        return [0.0] * len(prices)
    is_paid = min(prices) < 0
    if not milestones and not is_paid and room.count(room[0]) == least.count(least[0]) == len(room):
        order = sorted(range(len(prices)), key=prices.__getitem__)
        return _filled(prices, least, room, order[: max(1, ceil(need / room[0] - NOTHING))], need)
    levels = [(slots, min(level, sum(room[:slots]))) for slots, level in (*milestones, (len(room), need))]
    fits = max(most, need)
    ways = [_branched(prices, least, room, levels, fits, fits)] if is_paid else []
    # Minimums may add up to more than a battery takes. Nobody is paid for that.
    ways.append(_branched([max(0.0, price) for price in prices], least, room, levels, fits, inf) or list(room))
    return min((way for way in ways if way), key=lambda way: _eur_up_to(prices, way, fits))


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


def _branched(
    prices: Sequence[float], least: Sequence[float], room: Sequence[float], levels: Levels, most: float, cap: float
) -> list[float] | None:
    """Return the best way to meet the levels with no more than `cap` in all; None if there is none."""
    best, best_eur = None, inf
    number = count()
    open_ways: list[tuple[float, int, list[float], list[float], list[float]]] = []

    def look_at(low: list[float], high: list[float]) -> None:
        drawn = _relaxed(prices, low, high, levels, most)
        if _meets(drawn, levels) and sum(low) <= cap + NOTHING:
            heappush(open_ways, (_eur(prices, drawn), next(number), low, high, drawn))

    look_at([0.0] * len(room), list(room))
    for _ in range(MOST_TRIES):
        if not open_ways or open_ways[0][0] >= best_eur - NOTHING:
            break
        _, _, low, high, drawn = heappop(open_ways)
        raised = _raised(prices, least, drawn, levels)
        if (eur := _eur(prices, raised)) < best_eur - NOTHING and sum(raised) <= cap + NOTHING:
            best, best_eur = raised, eur
        weak = [t for t, energy in enumerate(drawn) if NOTHING < energy < least[t] - NOTHING]
        if weak:
            t = max(weak, key=prices.__getitem__)
            look_at([*low[:t], least[t], *low[t + 1 :]], high)
            look_at(low, [*high[:t], 0.0, *high[t + 1 :]])
    return best


def _relaxed(
    prices: Sequence[float], low: Sequence[float], high: Sequence[float], levels: Levels, most: float
) -> list[float]:
    """Return the cheapest way to meet the levels with `low[t]` to `high[t]` in every slot: no other costs less."""
    *milestones, (_, need) = [(slots, max(0.0, level - sum(low[:slots]))) for slots, level in levels]
    room = [above - below for below, above in zip(low, high, strict=True)]
    more = cheapest(prices, room, need, milestones=milestones, most=most - sum(low))
    return [a + b for a, b in zip(low, more, strict=True)]


def _raised(prices: Sequence[float], least: Sequence[float], drawn: Sequence[float], levels: Levels) -> list[float]:
    """Raise what is below its minimum, and draw less where that is dearest and nothing that is due misses it."""
    raised = [max(each, least[t]) if each > NOTHING else 0.0 for t, each in enumerate(drawn)]
    for t in sorted(range(len(raised)), key=prices.__getitem__, reverse=True):
        if raised[t] <= 0 or prices[t] < 0:
            continue
        spare = min(sum(raised[:slots]) - level for slots, level in levels if slots > t)
        if spare >= raised[t] - NOTHING:
            raised[t] = 0.0
        elif spare > 0:
            raised[t] = max(least[t], raised[t] - spare)
    return raised


def _meets(drawn: Sequence[float], levels: Levels) -> bool:
    return all(sum(drawn[:slots]) >= level - NOTHING for slots, level in levels)


def _eur(prices: Sequence[float], drawn: Sequence[float]) -> float:
    return sum(price * energy for price, energy in zip(prices, drawn, strict=True))


def _eur_up_to(prices: Sequence[float], drawn: Sequence[float], fits: float) -> float:
    """Return what is paid for `drawn`, where what is more than `fits` earns nothing."""
    beyond = max(0.0, sum(drawn) - fits)
    lowest = min((price for price, energy in zip(prices, drawn, strict=True) if energy > 0), default=0.0)
    return _eur(prices, drawn) - min(0.0, lowest) * beyond

"""Cars of different tariffs under one limit (docs/planning.md, Many sessions): cost then depends on who draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from math import inf

from offpeak.planning.exchange import Exchange
from offpeak.planning.flow import NOTHING

WORTH_EUR = 1e-7
"""EUR/kWh: what a trade has to gain."""

MOST_ROUNDS = 20
MOST_RINGS = 200

LEAST_MOVE_KWH = 1e-6


class Trade(Exchange):
    """An exchange in which cars change places in time while that is cheaper."""

    def trade(self, prices: Sequence[Sequence[float]]) -> None:
        """Where cars have different prices: let them change places in time while that is cheaper.

        First in pairs and into what is spare, then in rings. A ring takes the cars that move most, looks at the root's
        spare room alone, and there are `MOST_RINGS`: this is a good plan, not always the best.
        """
        kinds = sorted(set(self._kinds))
        rows = {kind: prices[self._kinds.index(kind)] for kind in kinds}
        for _ in range(MOST_ROUNDS):
            ways = []
            for a, b in permutations(range(self._slots), 2):
                for one in kinds:
                    gain = rows[one][a] - rows[one][b]
                    if gain > WORTH_EUR:
                        ways.append((gain, a, b, one, -1))
                    ways += [
                        (gain + rows[two][b] - rows[two][a], a, b, one, two)
                        for two in kinds
                        if two > one and gain + rows[two][b] - rows[two][a] > WORTH_EUR
                    ]
            moved = [self._change_places(*way[1:]) for way in sorted(ways, reverse=True)]
            if not any(moved):
                break
        for _ in range(MOST_RINGS):
            if not self._turn(_ring(self._moves(rows))):
                return

    def _moves(self, rows: Mapping[int, Sequence[float]]) -> dict[tuple[int, int], tuple[float, int]]:
        """Return for each way from slot to slot what a kWh more costs, and the kind of cars that could move so.

        Slot -1 is what is spare: something may go where there is some, and then nobody has to leave.
        """
        moves = {(slot, -1): (0.0, -1) for slot in range(self._slots) if self._spare[0][slot] > LEAST_MOVE_KWH}
        moves |= {(-1, slot): (0.0, -1) for slot in range(self._slots)}
        for kind, prices in rows.items():
            holding, free = [0] * self._slots, [0] * self._slots
            for car, its in enumerate(self._kinds):
                if its == kind and car not in self._fixed:
                    for slot in range(self._slots):
                        holding[slot] |= (self._holds[car] >> slot & 1) << car
                        free[slot] |= (self._free[car] >> slot & 1) << car
            for a, here in enumerate(holding):
                for b, there in enumerate(free):
                    cost = prices[b] - prices[a]
                    if here & there and a != b and cost < moves.get((a, b), (inf, -1))[0]:
                        moves[a, b] = cost, kind
        return moves

    def _turn(self, ring: Sequence[tuple[int, int, int]]) -> bool:
        """Move energy around a ring of (from slot, to slot, kind of car); say whether any could be."""
        steps = []
        for a, b, kind in ring:
            if kind >= 0:
                able = [car for car in self._holding(a, kind) if self._free[car] >> b & 1]
                car = max(able, key=lambda each: (self._most(each, a, b), -each))
                steps.append((car, a, b))
        energy = min((self._most(*step) for step in steps), default=0.0)
        energy = min([energy, *(self._spare[0][a] for a, b, _ in ring if b == -1)])
        if energy <= LEAST_MOVE_KWH:
            return False
        begun = len(self._log)
        for car, a, b in steps:
            self._add(car, a, -energy)
            self._add(car, b, energy)
        if any(
            self._spare[node][slot] < -NOTHING for car, a, b in steps for node in self._paths[car] for slot in (a, b)
        ):
            self._back_to(begun)
            return False
        return True

    def _most(self, car: int, a: int, b: int) -> float:
        return min(self._drawn[car][a], self._rooms[car][b] - self._drawn[car][b])

    def _change_places(self, a: int, b: int, one: int, two: int) -> bool:
        """Move what cars of one kind draw in slot a to slot b, in exchange for what cars of the other draw there."""
        moved = False
        leaving = [car for car in self._holding(a, one) if self._free[car] >> b & 1]
        for car in leaving:
            if two < 0:
                moved |= self._shift(car, a, b)
                continue
            for other in self._holding(b, two):
                if self._free[other] >> a & 1 and self._free[car] >> b & 1 and self._holds[car] >> a & 1:
                    moved |= self._swap(car, other, b, a)
        return moved


def _ring(moves: Mapping[tuple[int, int], tuple[float, int]]) -> list[tuple[int, int, int]]:
    """Return a ring of moves that costs less than nothing, as (from, to, kind), or nothing (Bellman and Ford)."""
    if not moves:
        return []
    least: dict[int, float] = dict.fromkeys((slot for way in moves for slot in way), 0.0)
    came: dict[int, tuple[int, int]] = {}
    changed = -2
    for _ in least:
        changed = -2
        for (a, b), (cost, kind) in moves.items():
            if least[a] + cost < least[b] - WORTH_EUR:
                least[b] = least[a] + cost
                came[b] = a, kind
                changed = b
        if changed == -2:
            return []
    slot = changed
    for _ in least:
        slot = came[slot][0]
    ring, at = list[tuple[int, int, int]](), slot
    while not ring or at != slot:
        before, kind = came[at]
        ring.append((before, at, kind))
        at = before
    return ring

"""Energy that cars of a group exchange with each other: what they draw, could draw, and what the caps have to spare."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from offpeak.planning.flow import NOTHING

Rows = list[list[float]]


class Exchange:
    """What cars draw in each slot, what they could, and what the nodes of the tree have to spare, all in kWh.

    `drawn` is changed in place. Sets of slots are bits of whole numbers, one for each car.
    """

    def __init__(
        self,
        drawn: Rows,
        rooms: Sequence[Sequence[float]],
        caps: Sequence[Sequence[float]],
        paths: Sequence[tuple[int, ...]],
        *,
        fixed: Collection[int] = (),
        kinds: Sequence[int] | None = None,
    ) -> None:
        """`fixed` are cars with levels to reach: nothing of theirs is moved to a later time. Cars of one of `kinds`
        have the same prices; all have them where that is None."""
        self._kinds = list(kinds) if kinds else [0] * len(drawn)
        self._drawn = drawn
        self._rooms = rooms
        self._paths = paths
        self._fixed = frozenset(fixed)
        self._spare = [list(row) for row in caps]
        for row, path in zip(drawn, paths, strict=True):
            for node in path:
                spare = self._spare[node]
                for slot, energy in enumerate(row):
                    spare[slot] -= energy
        self._slots = len(caps[0]) if caps else 0
        self._log: list[tuple[int, int, float]] = []
        self._holds = [_bits(energy > NOTHING for energy in row) for row in drawn]
        self._free = [
            _bits(room - energy > NOTHING for room, energy in zip(*pair, strict=True))
            for pair in zip(rooms, drawn, strict=True)
        ]

    def _swap(self, car: int, other: int, slot: int, later: int, *, exactly: float | None = None) -> bool:
        """Have a car draw in a slot what another one draws there, in exchange for a part of its own in `later`."""
        energy = min(
            self._rooms[car][slot] - self._drawn[car][slot],
            self._drawn[other][slot],
            self._drawn[car][later],
            self._rooms[other][later] - self._drawn[other][later],
        )
        mine, others = set(self._paths[car]), set(self._paths[other])
        for node in mine - others:
            energy = min(energy, self._spare[node][slot])
        for node in others - mine:
            energy = min(energy, self._spare[node][later])
        if exactly is not None:
            energy = exactly if energy >= exactly - NOTHING else 0.0
        if energy <= NOTHING:
            return False
        self._add(car, slot, energy)
        self._add(other, slot, -energy)
        self._add(car, later, -energy)
        self._add(other, later, energy)
        return True

    def _shift(self, car: int, a: int, b: int) -> bool:
        room = self._rooms[car][b] - self._drawn[car][b]
        energy = min(self._drawn[car][a], room, *(self._spare[node][b] for node in self._paths[car]))
        if energy <= NOTHING:
            return False
        self._add(car, a, -energy)
        self._add(car, b, energy)
        return True

    def _add(self, car: int, slot: int, energy: float) -> None:
        row = self._drawn[car]
        self._log.append((car, slot, energy))
        row[slot] = max(0.0, row[slot] + energy)
        for node in self._paths[car]:
            self._spare[node][slot] -= energy
        bit = 1 << slot
        self._holds[car] = self._holds[car] | bit if row[slot] > NOTHING else self._holds[car] & ~bit
        is_free = self._rooms[car][slot] - row[slot] > NOTHING
        self._free[car] = self._free[car] | bit if is_free else self._free[car] & ~bit

    def _back_to(self, length: int) -> None:
        while len(self._log) > length:
            car, slot, energy = self._log.pop()
            self._add(car, slot, -energy)
            self._log.pop()

    def _holding(self, slot: int, kind: int) -> list[int]:
        return [
            car
            for car, holds in enumerate(self._holds)
            if holds >> slot & 1 and self._kinds[car] == kind and car not in self._fixed
        ]


def _bits(flags: Iterable[bool]) -> int:
    mask = 0
    for place, flag in enumerate(flags):
        if flag:
            mask |= 1 << place
    return mask

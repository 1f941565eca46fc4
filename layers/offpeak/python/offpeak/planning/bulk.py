"""The flow of a large group, a column of sessions at a time. This module and `bulk_odds` alone need numpy.

It is imported for large groups alone, and where numpy is not installed `flow` does without it: slower, the same cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from offpeak.planning.flow import NOTHING, Flow

Column = npt.NDArray[np.float64]


class BulkFlow(Flow):
    """A flow whose direct pushes and bit sets are made for all sessions at once."""

    def _read(self, rooms: Sequence[Sequence[float]]) -> None:
        self._columns = np.ascontiguousarray(np.array(rooms, dtype=np.float64).T)
        self._taken = np.zeros_like(self._columns)
        self._wants = np.zeros(self._count)
        self._room_ahead = self._columns.sum(axis=0)
        self._rooms: Any = list(self._columns)
        self._drawn: Any = list(self._taken)
        self._left: Any = self._wants
        tree = self._tree
        self._node_at = np.array(tree.node_of)
        self._below = [np.flatnonzero(self._node_at == node) for node in range(len(tree.parent))]
        for node in range(len(tree.parent) - 1, 0, -1):
            parent = tree.parent[node]
            self._below[parent] = np.concatenate((self._below[parent], self._below[node]))

    def drawn(self) -> list[list[float]]:
        rows: list[list[float]] = self._taken.T.tolist()
        return rows

    def left(self) -> list[float]:
        rows: list[float] = np.where(self._wants > NOTHING, self._wants, 0.0).tolist()
        return rows

    def _want(self, more: Sequence[float]) -> None:
        self._wants += np.asarray(more)
        self._wanting = _bits_of(self._wants > NOTHING)

    def _push(self, slot: int, spare: float) -> float:
        rooms, taken, wants = self._columns[slot], self._taken[slot], self._wants
        self._room_ahead -= rooms
        take = np.minimum(rooms - taken, wants)
        take[take <= NOTHING] = 0.0
        total = float(take.sum())
        if total <= 0.0:
            return 0.0
        turn = None
        if self._tree.has_branches or total > spare:
            turn = self._turns(slot)
        if self._tree.has_branches:
            self._let_through(slot, take, turn)
            total = float(take.sum())
        if total > spare:
            _cut_to(take, spare, np.arange(self._count), turn)
            total = float(take.sum())
        if self._tree.has_branches:
            for node in range(1, len(self._below)):
                self._tree.flow[node][slot] += float(take[self._below[node]].sum())
        taken += take
        wants -= take
        self._tree.flow[0][slot] += total
        self._mark(slot)
        self._wanting = _bits_of(wants > NOTHING)
        return total

    def _turns(self, slot: int) -> Column:
        """Return a rank for each session: those with the least go first."""
        slack = self._room_ahead / np.maximum(self._wants, NOTHING)
        if self._first is not None:
            rank = np.where(_flags(self._beside(slot), self._count), 1.0, 2.0)
            rank[_flags(self._first[slot], self._count)] = 0.0
            slack = slack + rank * 1e12
        return np.asarray(slack)

    def _let_through(self, slot: int, take: Column, turn: Column | None) -> None:
        """Lower `take` to what the branches let through, from the leaves up."""
        for node in range(len(self._below) - 1, 0, -1):
            below = self._below[node]
            spare = max(0.0, self._tree.spare(node, slot))
            if len(below) and float(take[below].sum()) > spare:
                _cut_to(take, spare, below, turn)

    def _enter(self, node: int, slot: int, most: float) -> float:
        who = self._who(self._free(slot) & self._tree.members[node] & self._wanting)
        take = _up_to(np.minimum(self._wants[who], self._columns[slot, who] - self._taken[slot, who]), most)
        self._wants[who] -= take
        self._taken[slot, who] += take
        self._mark(slot)
        self._wanting = _bits_of(self._wants > NOTHING)
        return float(take.sum())

    def _movable_energy(self, node: int, slot: int, to_slot: int, enough: float) -> float:  # noqa: ARG002
        who = self._who(self._has[slot] & self._free(to_slot) & self._tree.members[node])
        return float(np.minimum(self._taken[slot, who], self._columns[to_slot, who] - self._taken[to_slot, who]).sum())

    def _move(self, node: int, slot: int, to_slot: int, energy: float) -> None:
        who = self._who(self._has[slot] & self._free(to_slot) & self._tree.members[node])
        take = _up_to(
            np.minimum(self._taken[slot, who], self._columns[to_slot, who] - self._taken[to_slot, who]), energy
        )
        self._taken[slot, who] -= take
        self._taken[to_slot, who] += take
        self._mark(slot)
        self._mark(to_slot)

    def _mark(self, slot: int) -> None:
        taken = self._taken[slot]
        self._has[slot] = _bits_of(taken > NOTHING)
        self._full[slot] = _bits_of(self._columns[slot] - taken <= NOTHING)

    def _who(self, bits: int) -> npt.NDArray[Any]:
        return np.flatnonzero(_flags(bits, self._count))

    def _present_in(self, slot: int) -> int:
        return _bits_of(self._columns[slot] > NOTHING)


def _cut_to(take: Column, most: float, sessions: npt.NDArray[Any], turn: Column | None) -> None:
    """Lower `take` of `sessions` to `most` in all: those whose turn is last lose first."""
    who = sessions[take[sessions] > 0.0]
    if turn is not None:
        who = who[np.argsort(turn[who], kind="stable")]
    take[who] = _up_to(take[who], most)


def _up_to(energies: Column, most: float) -> Column:
    """Return `energies`, cut to `most` in all: the last ones lose first."""
    before = np.cumsum(energies) - energies
    return np.clip(most - before, 0.0, energies)


def _bits_of(flags: npt.NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def _flags(bits: int, count: int) -> npt.NDArray[np.bool_]:
    whole = np.frombuffer(bits.to_bytes((count + 7) // 8, "little"), dtype=np.uint8)
    return np.unpackbits(whole, count=count, bitorder="little").view(np.bool_)

"""The cheapest way for many sessions to draw energy under shared caps, exactly (docs/planning.md, Many sessions).

What a kWh costs depends on its slot only, so only the totals of the slots matter. Those that a set of sessions can
reach through any network (session -> its room in a slot -> the caps of its board, connection, feeder -> slot) are the
bases of a polymatroid, so greedy is exact: open the slots in the order of price and send into each as much as can be
sent, by augmenting paths. A slot that was opened never loses, and the end of it is a maximum flow: the most that can
be delivered, at the least cost. Who moves makes no difference to the cost, so that is free for calm and fairness.

Sets of sessions are whole numbers, one bit a session: to ask whether anybody holds energy in one slot and has room in
another is one `&`, whatever the size of the fleet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

NOTHING = 1e-9
"""kWh: less than this is a rounding error of floats."""

LARGE = 40_000
"""Sessions times slots from which numpy is worth its import."""

Tier = tuple[float, int, float]
"""A price, the slot that it holds in, and the kWh that can be had for it. A slot may have several (PV, then grid)."""

State = tuple[int, int]
"""A node of the tree and a slot."""


_DIGITS = bytes([48, 49]) + bytes(254)
"""False and True to the digits that `int` reads."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A node below the root: its `members` (numbers of sessions) and the branches that name it as their `parent` may
    draw `caps[t]` kWh together in slot t. `parent` is the place of an earlier branch, or -1 for the root."""

    caps: Sequence[float]
    members: Sequence[int]
    parent: int = -1


def share(
    prices: Sequence[float],
    rooms: Sequence[Sequence[float]],
    needs: Sequence[float],
    caps: Sequence[float],
    *,
    branches: Sequence[Branch] = (),
) -> list[list[float]]:
    """Return the kWh that each session draws in each slot: the most that can be delivered, at the least cost.

    `rooms[i][t]` is the most that session i can draw in slot t, `needs[i]` what it wants in all, `caps[t]` what all
    of them may draw in slot t. A session that no branch names is limited by `caps` alone.
    """
    flow = flow_of(rooms, caps, branches=branches)
    flow.pour(needs, tiers_of(prices, caps))
    return flow.drawn()


def tiers_of(prices: Sequence[float], caps: Sequence[float]) -> list[Tier]:
    """Return one tier a slot, the cheapest first and of equals the earlier."""
    return sorted(zip(prices, range(len(prices)), caps, strict=True))


def flow_of(
    rooms: Sequence[Sequence[float]],
    caps: Sequence[float],
    *,
    branches: Sequence[Branch] = (),
    first: Sequence[int] | None = None,
) -> Flow:
    """Return an empty flow; for a large group one that works on whole columns, where numpy is installed.

    `first[t]` are sessions (as bits) that go first where slot t is too small for all; then come those that hold energy
    in a slot beside it. Without it, who has the least room ahead for what it wants is first.
    """
    if len(rooms) * len(caps) >= LARGE:
        try:
            from offpeak.planning.bulk import BulkFlow
        except ImportError:
            pass
        else:
            return BulkFlow(rooms, caps, branches, first)
    return Flow(rooms, caps, branches, first)


class Flow:
    """Energy that flows from sessions through the tree of caps into slots; it grows and is never taken back."""

    def __init__(
        self,
        rooms: Sequence[Sequence[float]],
        caps: Sequence[float],
        branches: Sequence[Branch] = (),
        first: Sequence[int] | None = None,
    ) -> None:
        self._count = len(rooms)
        self._slots = len(caps)
        self._has = [0] * self._slots
        self._full = [0] * self._slots
        self._present: list[int | None] = [None] * self._slots
        self._first = first
        self._wanting = 0
        self._opened: list[int] = []
        self._tree = _Tree(self._count, caps, branches)
        self._dead = 0
        self._closed: set[State] = set()
        self._read(rooms)

    def pour(self, more: Sequence[float], tiers: Sequence[Tier]) -> None:
        """Add `more` kWh to what each session wants and send what is wanted into the tiers, in their order."""
        self._want(more)
        self._dead = 0
        self._closed.clear()
        for _, slot, energy in tiers:
            if not self._wanting:
                return
            spare = min(energy, self._tree.spare(0, slot))
            if spare <= NOTHING:
                continue
            if slot not in self._opened:
                self._opened.append(slot)
            spare -= self._push(slot, spare)
            while spare > NOTHING and self._wanting:
                path = self._way_into(slot)
                if not path:
                    break
                spare -= self._send(path, spare)

    def drawn(self) -> list[list[float]]:
        """Return the kWh that each session draws in each slot."""
        return [list(row) for row in zip(*self._drawn, strict=True)] if self._slots else [[] for _ in self._left]

    def left(self) -> list[float]:
        """Return the kWh that each session wanted and did not get."""
        return [energy if energy > NOTHING else 0.0 for energy in self._left]

    def bound(self, tiers: Sequence[Tier]) -> list[bool]:
        """Say of each session whether nothing more could be sent from it into `tiers`, whoever else moved."""
        most = [0.0] * self._slots
        for _, slot, energy in tiers:
            most[slot] += energy
        starts = [
            (0, slot)
            for slot in range(self._slots)
            if min(most[slot] - self._tree.flow[0][slot], self._tree.spare(0, slot)) > NOTHING
        ]
        self._dead = 0
        self._closed.clear()
        _, reached, _ = self._search(starts, 0)
        return [not reached >> session & 1 for session in range(self._count)]

    def _read(self, rooms: Sequence[Sequence[float]]) -> None:
        self._rooms = list(zip(*rooms, strict=True)) if rooms else [()] * self._slots
        self._drawn = [[0.0] * self._count for _ in self._rooms]
        self._left = [0.0] * self._count
        self._ahead = list(map(sum, rooms))
        self._active: list[int] = []

    def _want(self, more: Sequence[float]) -> None:
        left = self._left
        for session, energy in enumerate(more):
            left[session] += energy
            if left[session] > NOTHING:
                self._wanting |= 1 << session
        self._active = [session for session, energy in enumerate(left) if energy > NOTHING]

    def _push(self, slot: int, spare: float) -> float:
        """Send what sessions with room in the slot still want, where it is short first those with least room ahead.

        Returns what was sent.
        """
        rooms, drawn, left, ahead, tree = self._rooms[slot], self._drawn[slot], self._left, self._ahead, self._tree
        wants = []
        wanted = 0.0
        for session in self._active:
            room = rooms[session]
            if room > 0.0:
                ahead[session] = after = ahead[session] - room
                room -= drawn[session]
                want = energy = left[session]
                if want > room:
                    want = room
                if want > NOTHING:
                    wanted += want
                    wants.append((after / energy, session, want))
        if not wants:
            return 0.0
        if wanted <= spare and not tree.has_branches:
            return self._push_all(slot, wants, wanted)
        if self._first is None:
            wants.sort()
        else:
            first, beside = self._first[slot], self._beside(slot)
            wants.sort(key=lambda each: (0 if first >> each[1] & 1 else 1 if beside >> each[1] & 1 else 2, each))
        has, full, done, rest = self._has[slot], self._full[slot], 0, spare
        for _, session, want in wants:
            take = want if want < rest else rest
            if tree.has_branches:
                take = tree.take(session, slot, take)
                if take <= 0.0:
                    continue
            rest -= take
            drawn[session] += take
            left[session] -= take
            bit = 1 << session
            has |= bit
            if rooms[session] - drawn[session] <= NOTHING:
                full |= bit
            if left[session] <= NOTHING:
                done |= bit
            if rest <= 0.0:
                break
        self._has[slot], self._full[slot] = has, full
        tree.flow[0][slot] += spare - rest
        if done:
            self._finish(done)
        return spare - rest

    def _push_all(self, slot: int, wants: Sequence[tuple[float, int, float]], wanted: float) -> float:
        rooms, drawn, left = self._rooms[slot], self._drawn[slot], self._left
        has, full, done = self._has[slot], self._full[slot], 0
        for _, session, want in wants:
            drawn[session] += want
            left[session] -= want
            bit = 1 << session
            has |= bit
            if rooms[session] - drawn[session] <= NOTHING:
                full |= bit
            if left[session] <= NOTHING:
                done |= bit
        self._has[slot], self._full[slot] = has, full
        self._tree.flow[0][slot] += wanted
        if done:
            self._finish(done)
        return wanted

    def _finish(self, done: int) -> None:
        self._wanting &= ~done
        left = self._left
        self._active = [session for session in self._active if left[session] > NOTHING]

    def _beside(self, slot: int) -> int:
        before = self._has[slot - 1] if slot > 0 else 0
        return before | (self._has[slot + 1] if slot + 1 < self._slots else 0)

    def _way_into(self, slot: int) -> list[State]:
        """Return the states of a shortest way by which somebody who wants more can send into the slot, or nothing.

        What was searched in vain is not searched again: nothing that is sent later can pass through it.
        """
        came, reached, found = self._search([(0, slot)], self._wanting)
        if found is None:
            self._dead |= reached
            self._closed.update(came)
            return []
        path = [found]
        while (state := came[path[-1]]) is not None:
            path.append(state)
        return path

    def _search(self, starts: Sequence[State], active: int) -> tuple[dict[State, State | None], int, State | None]:
        """Walk back from `starts` against the flow.

        Returns for each state where it leads, the sessions reached, and the first state at which a session of
        `active` can enter: it is reached from there.
        """
        tree, has, closed = self._tree, self._has, self._closed
        came: dict[State, State | None] = {start: None for start in starts if start not in closed}
        queue = list(came)
        reached = 0
        unseen: dict[int, list[int]] = {}
        for state in queue:
            node, slot = state
            members = tree.members[node]
            if members:
                free = self._free(slot) & members & ~self._dead
                if free & active:
                    return came, reached, state
                new = free & ~reached
                if new:
                    reached |= new
                    others = unseen.get(node, self._opened)
                    held = [other for other in others if has[other] & new]
                    if held:
                        unseen[node] = [other for other in others if not has[other] & new]
                        for other in held:
                            before = node, other
                            if before not in came and before not in closed:
                                came[before] = state
                                if self._free(other) & members & active:
                                    return came, reached, before
                                queue.append(before)
            if tree.has_branches:
                for other_state in tree.around(node, slot):
                    if other_state not in came and other_state not in closed:
                        came[other_state] = state
                        queue.append(other_state)
        return came, reached, None

    def _send(self, path: Sequence[State], spare: float) -> float:
        """Send as much as fits along the way, at most `spare`; return it."""
        tree = self._tree
        most = spare
        for state, onward in pairwise(path):
            most = min(most, self._width(state, onward, most))
        most = self._enter(*path[0], most)
        for state, onward in pairwise(path):
            if state[0] == onward[0]:
                self._move(state[0], state[1], onward[1], most)
            elif tree.parent[state[0]] == onward[0]:
                tree.flow[state[0]][state[1]] += most
            else:
                tree.flow[onward[0]][state[1]] -= most
        tree.flow[0][path[-1][1]] += most
        return most

    def _enter(self, node: int, slot: int, most: float) -> float:
        """Have sessions of a node that want more draw up to `most` in a slot; return how much."""
        left, rooms, drawn = self._left, self._rooms[slot], self._drawn[slot]
        rest, done = most, 0
        for session in _bits(self._free(slot) & self._tree.members[node] & self._wanting):
            take = min(left[session], rooms[session] - drawn[session], rest)
            left[session] -= take
            if left[session] <= NOTHING:
                done |= 1 << session
            self._add(session, slot, take)
            rest -= take
            if rest <= 0.0:
                break
        if done:
            self._finish(done)
        return most - rest

    def _width(self, state: State, onward: State, enough: float) -> float:
        """Return how much can pass from one state to the next one, or `enough`."""
        (node, slot), (to_node, to_slot) = state, onward
        tree = self._tree
        if node == to_node:
            return self._movable_energy(node, slot, to_slot, enough)
        return tree.spare(node, slot) if tree.parent[node] == to_node else tree.flow[to_node][slot]

    def _movable_energy(self, node: int, slot: int, to_slot: int, enough: float) -> float:
        width = 0.0
        for session in self._movable(node, slot, to_slot):
            width += min(self._drawn[slot][session], self._rooms[to_slot][session] - self._drawn[to_slot][session])
            if width >= enough:
                break
        return width

    def _move(self, node: int, slot: int, to_slot: int, energy: float) -> None:
        """Have sessions of a node draw `energy` in `to_slot` that they drew in `slot`."""
        for session in self._movable(node, slot, to_slot):
            take = min(
                energy, self._drawn[slot][session], self._rooms[to_slot][session] - self._drawn[to_slot][session]
            )
            self._add(session, slot, -take)
            self._add(session, to_slot, take)
            energy -= take
            if energy <= 0.0:
                return

    def _movable(self, node: int, slot: int, to_slot: int) -> Iterator[int]:
        return _bits(self._has[slot] & self._free(to_slot) & self._tree.members[node])

    def _add(self, session: int, slot: int, energy: float) -> None:
        drawn = self._drawn[slot]
        drawn[session] += energy
        bit = 1 << session
        if drawn[session] > NOTHING:
            self._has[slot] |= bit
        else:
            self._has[slot] &= ~bit
        if self._rooms[slot][session] - drawn[session] <= NOTHING:
            self._full[slot] |= bit
        else:
            self._full[slot] &= ~bit

    def _free(self, slot: int) -> int:
        present = self._present[slot]
        if present is None:
            present = self._present[slot] = self._present_in(slot)
        return present & ~self._full[slot]

    def _present_in(self, slot: int) -> int:
        bits = bytes(map(NOTHING.__lt__, self._rooms[slot][::-1])).translate(_DIGITS)
        return int(bytes(bits), 2) if bits else 0


class _Tree:
    """The nodes that cap the flow, the root first, and what flows through each of them in each slot."""

    def __init__(self, count: int, caps: Sequence[float], branches: Sequence[Branch]) -> None:
        self.has_branches = bool(branches)
        self.caps = [caps, *(branch.caps for branch in branches)]
        self.flow = [[0.0] * len(caps) for _ in self.caps]
        self.parent = [-1, *(branch.parent + 1 for branch in branches)]
        self.children: list[list[int]] = [[] for _ in self.caps]
        for node, parent in enumerate(self.parent[1:], start=1):
            self.children[parent].append(node)
        named = 0
        self.members = [0]
        self.node_of = [0] * count
        for node, branch in enumerate(branches, start=1):
            bits = 0
            for session in branch.members:
                bits |= 1 << session
                self.node_of[session] = node
            self.members.append(bits)
            named |= bits
        self.members[0] = ((1 << count) - 1) & ~named

    def spare(self, node: int, slot: int) -> float:
        return self.caps[node][slot] - self.flow[node][slot]

    def take(self, session: int, slot: int, energy: float) -> float:
        """Let up to `energy` of a session through the branches above it; return how much. The root is not asked."""
        node = self.node_of[session]
        while node:
            energy = min(energy, self.caps[node][slot] - self.flow[node][slot])
            node = self.parent[node]
        if energy <= NOTHING:
            return 0.0
        node = self.node_of[session]
        while node:
            self.flow[node][slot] += energy
            node = self.parent[node]
        return energy

    def around(self, node: int, slot: int) -> Iterator[State]:
        """Yield from where energy can come into a node within one slot: children with spare, the parent in exchange."""
        for child in self.children[node]:
            if self.spare(child, slot) > NOTHING:
                yield child, slot
        if node and self.flow[node][slot] > NOTHING:
            yield self.parent[node], slot


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low

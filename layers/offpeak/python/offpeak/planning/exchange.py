"""Few starts among many cars (docs/planning.md, Many sessions): who draws in a slot makes no difference to its cost.

First, in the order of time, a car that is on goes on: it takes over what a car that would have to start draws in the
slot, and gives it a later part of its own. Totals of slots and of cars stay as they are, so the cost does, too. Then
each short run whose energy costs less than a start more beside another run of its car is moved there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import permutations

from offpeak.planning.flow import NOTHING

Rows = list[list[float]]

WORTH_EUR = 1e-7
"""EUR/kWh: what a trade has to gain."""

MOST_ROUNDS = 20


class Exchange:
    """What cars draw in each slot, what they could, and what the nodes of the tree have to spare, all in kWh."""

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

    def go_on(self, on_before: Collection[int]) -> None:
        """Have cars that are on stay on until they are done; `on_before` are on when the first slot begins."""
        before = set(on_before)
        for slot in range(self._slots):
            later = -1 << slot + 1
            bit = 1 << slot
            going = [car for car in before if self._free[car] & bit and self._holds[car] & later]
            starting = [
                car
                for car, holds in enumerate(self._holds)
                if holds & bit and car not in before and car not in self._fixed
            ]
            if going and starting:
                going.sort(key=lambda car: (not self._holds[car] & bit, self._holds[car].bit_count(), car))
                starting.sort(key=lambda car: (self._holds[car] >> slot + 1 & 1, self._drawn[car][slot], car))
                for car in going:
                    alike = [other for other in starting if self._kinds[other] == self._kinds[car]]
                    self._take_over(car, alike, slot, later)
            before = {car for car, holds in enumerate(self._holds) if holds & bit}

    def drop_runs(self, prices: Sequence[Sequence[float]], start_eur: Sequence[float]) -> None:
        """Move short runs beside others of the same car where that costs less than a start of it."""
        for car, start in enumerate(start_eur):
            if car not in self._fixed and start > 0:
                while self._drop_one(car, prices[car], start):
                    pass

    def lift(self, floors: Sequence[Sequence[float]]) -> None:
        """Let nobody draw less in a slot than a car charges at, where cars cannot take turns for lack of room.

        `floors` are in kWh. A car that would have to is given more by one that draws there, and gives it back in
        another slot; or it leaves the slot to such a one.
        """
        for slot in range(self._slots):
            for car in self._stuck(slot, floors):
                least = floors[car][slot] - self._room_for_turns(car, slot, self._weak(slot, floors))
                if least > NOTHING and car not in self._fixed:
                    _ = self._lift_one(car, slot, least, floors) or self._leave(car, slot, floors)

    def _weak(self, slot: int, floors: Sequence[Sequence[float]]) -> list[int]:
        return [
            car
            for car, holds in enumerate(self._holds)
            if holds >> slot & 1 and self._drawn[car][slot] < floors[car][slot] - NOTHING
        ]

    def _stuck(self, slot: int, floors: Sequence[Sequence[float]]) -> list[int]:
        """Return the cars that could not even run while the other weak ones stand still, the strongest first."""
        weak = self._weak(slot, floors)
        stuck = [car for car in weak if self._room_for_turns(car, slot, weak) < floors[car][slot] - NOTHING]
        return sorted(stuck, key=lambda car: (-self._drawn[car][slot], car))

    def _room_for_turns(self, car: int, slot: int, weak: Sequence[int]) -> float:
        """Return what a car could draw in a slot, kWh, if the other weak ones stood still meanwhile."""
        return min(
            self._spare[node][slot] + sum(self._drawn[other][slot] for other in weak if node in self._paths[other])
            for node in self._paths[car]
        )

    def _lift_one(self, car: int, slot: int, energy: float, floors: Sequence[Sequence[float]]) -> bool:
        others = [other for other in self._partners(car) if self._drawn[other][slot] > energy]
        return self._helps([(car, other) for other in others], slot, energy, floors)

    def _leave(self, car: int, slot: int, floors: Sequence[Sequence[float]]) -> bool:
        return self._helps([(other, car) for other in self._partners(car)], slot, self._drawn[car][slot], floors)

    def _helps(
        self, pairs: Sequence[tuple[int, int]], slot: int, energy: float, floors: Sequence[Sequence[float]]
    ) -> bool:
        """Swap in a way that leaves fewer cars stuck: one after which no more are weak than before, if there is any."""
        ways = [
            (not self._holds[other] >> away & 1, away, car, other)
            for car, other in pairs
            for away in range(self._slots)
            if away != slot and self._drawn[car][away] >= energy - NOTHING and self._free[other] >> away & 1
        ]
        for are_more_allowed in (False, True):
            for _, away, car, other in sorted(ways):
                stuck, weak = self._trouble(slot, away, floors)
                begun = len(self._log)
                if self._swap(car, other, slot, away, exactly=energy):
                    still_stuck, still_weak = self._trouble(slot, away, floors)
                    if still_stuck < stuck and (are_more_allowed or still_weak <= weak):
                        return True
                    self._back_to(begun)
        return False

    def _trouble(self, slot: int, away: int, floors: Sequence[Sequence[float]]) -> tuple[int, int]:
        return (
            len(self._stuck(slot, floors)) + len(self._stuck(away, floors)),
            len(self._weak(slot, floors)) + len(self._weak(away, floors)),
        )

    def _partners(self, car: int) -> list[int]:
        kind = self._kinds[car]
        return [
            other
            for other, its in enumerate(self._kinds)
            if its == kind and other != car and other not in self._fixed and self._holds[other]
        ]

    def trade(self, prices: Sequence[Sequence[float]]) -> None:
        """Where cars have different prices: let two of them change places in time while that is cheaper.

        Single moves into what is spare count, too. Rings of three and more are not looked for, so that this is a good
        plan, not always the best.
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
                return

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

    def _holding(self, slot: int, kind: int) -> list[int]:
        return [
            car
            for car, holds in enumerate(self._holds)
            if holds >> slot & 1 and self._kinds[car] == kind and car not in self._fixed
        ]

    def _shift(self, car: int, a: int, b: int) -> bool:
        room = self._rooms[car][b] - self._drawn[car][b]
        energy = min(self._drawn[car][a], room, *(self._spare[node][b] for node in self._paths[car]))
        if energy <= NOTHING:
            return False
        self._add(car, a, -energy)
        self._add(car, b, energy)
        return True

    def _take_over(self, car: int, starting: Sequence[int], slot: int, later: int) -> None:
        bit = 1 << slot
        for other in starting:
            while self._free[car] & bit and self._holds[other] & bit:
                both = self._holds[car] & self._free[other] & later
                if not both:
                    break
                beside = self._holds[other] & ~bit
                best = both & (beside | beside << 1 | beside >> 1) or both
                if not self._swap(car, other, slot, best.bit_length() - 1):
                    break

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

    def _drop_one(self, car: int, prices: Sequence[float], start_eur: float) -> bool:
        runs = self._runs(car)
        if len(runs) < 2:
            return False
        row = self._drawn[car]
        for first, last in sorted(runs, key=lambda run: sum(row[run[0] : run[1]])):
            if self._trade(car, (first, last), [run for run in runs if run[0] != first]):
                return True
            moved = self._beside(car, [run for run in runs if run[0] != first], (first, last), prices)
            if moved is None:
                continue
            had = sum(price * energy for price, energy in zip(prices[first:last], row[first:last], strict=True))
            if sum(prices[slot] * energy for slot, energy in moved) - had < start_eur:
                for slot in range(first, last):
                    self._add(car, slot, -row[slot])
                for slot, energy in moved:
                    self._add(car, slot, energy)
                return True
        return False

    def _trade(self, car: int, run: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
        """Give a run to cars that are on beside it, for what they draw beside its other runs: all or nothing."""
        begun = len(self._log)
        edge = {slot for first, last in others for slot in range(first - 1, last + 1)}
        edge -= {-1, self._slots, *range(*run)}
        for slot in range(*run):
            around = 0b111 << slot >> 1
            for other, holds in enumerate(self._holds):
                if other == car or other in self._fixed or self._kinds[other] != self._kinds[car]:
                    continue
                if holds & around and self._free[other] >> slot & 1:
                    for beside in sorted(edge):
                        bit = 1 << beside
                        is_inside = self._holds[other] << 1 & bit and self._holds[other] >> 1 & bit
                        if self._free[car] & bit and self._holds[other] & bit and not is_inside:
                            self._swap(car, other, beside, slot)
                        if not self._holds[car] >> slot & 1:
                            break
                if not self._holds[car] >> slot & 1:
                    break
            if self._holds[car] >> slot & 1:
                self._back_to(begun)
                return False
        return True

    def _back_to(self, length: int) -> None:
        while len(self._log) > length:
            car, slot, energy = self._log.pop()
            self._add(car, slot, -energy)
            self._log.pop()

    def _beside(
        self, car: int, runs: Sequence[tuple[int, int]], dropped: tuple[int, int], prices: Sequence[float]
    ) -> list[tuple[int, float]] | None:
        """Return where a dropped run's energy fits within and beside the other runs, the cheapest way found."""
        rest = sum(self._drawn[car][dropped[0] : dropped[1]])
        edge = {slot for first, last in runs for slot in range(first - 1, last + 1)}
        moved: list[tuple[int, float]] = []
        seen: set[int] = set()
        while rest > NOTHING:
            at_hand = [slot for slot in edge if slot not in seen and 0 <= slot < self._slots]
            if not at_hand:
                return None
            slot = min(at_hand, key=lambda each: (prices[each], each))
            seen.add(slot)
            energy = min(rest, self._room_left(car, slot, dropped))
            if energy <= NOTHING:
                continue
            moved.append((slot, energy))
            rest -= energy
            if self._rooms[car][slot] - self._drawn[car][slot] - energy <= NOTHING:
                edge |= {slot - 1, slot + 1}
        return moved

    def _room_left(self, car: int, slot: int, dropped: tuple[int, int]) -> float:
        own = self._drawn[car][slot] if dropped[0] <= slot < dropped[1] else 0.0
        room = self._rooms[car][slot] - self._drawn[car][slot]
        return own + min(room, *(self._spare[node][slot] for node in self._paths[car]))

    def _runs(self, car: int) -> list[tuple[int, int]]:
        runs: list[tuple[int, int]] = []
        for slot, energy in enumerate(self._drawn[car]):
            if energy <= NOTHING:
                continue
            if runs and runs[-1][1] == slot:
                runs[-1] = (runs[-1][0], slot + 1)
            else:
                runs.append((slot, slot + 1))
        return runs

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


def _bits(flags: Iterable[bool]) -> int:
    mask = 0
    for place, flag in enumerate(flags):
        if flag:
            mask |= 1 << place
    return mask

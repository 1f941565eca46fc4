"""From energy per slot to power at every second, under caps, above each car's floor (docs/planning.md, Many sessions).

A car charges at its floor (6 A per phase) or not at all. Where a slot has less for a car than that, cars take turns
within the slot: they run at more than the floor for a part of it, one after the other (McNaughton's wrap-around:
the next begins where the last one ended, in the time that is used least). A car that was on goes on first, and one
that goes on in the next slot comes last, so that starts are few.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from offpeak.planning.problem import floor_to

LEAST_KWH = 1e-6
"""Less than this is not worth a second."""

Stretch = tuple[int, int, float]
"""From and to, in seconds, and the watts that a car may draw."""


@dataclass(frozen=True, slots=True)
class Car:
    """What a car can be granted: nothing, or from `floor_w` to `most_w[t]` in slot t, in steps of `step_w`. It uses no
    more than `draw_w`. `path` are the places of the nodes whose caps it counts for. Where it `is_coarse`, it is granted
    one power in the whole of a slot."""

    floor_w: float
    most_w: Sequence[float]
    step_w: float
    draw_w: float
    path: tuple[int, ...]
    is_coarse: bool = False


def energy_between(edges_s: Sequence[int], stretches: Sequence[Stretch], draw_w: float) -> list[float]:
    """Return the kWh that a car which draws up to `draw_w` takes between each edge and the next one."""
    drawn = [0.0] * (len(edges_s) - 1)
    for begin, until, power in stretches:
        slot = max(0, bisect_right(edges_s, begin) - 1)
        while slot < len(drawn) and edges_s[slot] < until:
            seconds = min(until, edges_s[slot + 1]) - max(begin, edges_s[slot])
            drawn[slot] += min(power, draw_w) * seconds / 3.6e6
            slot += 1
    return drawn


@dataclass(slots=True)
class _Piece:
    """A part of a slot in which nothing changes: what each node has to spare, W, and what each car is granted."""

    start: int
    end: int
    spare: list[float]
    on: dict[int, float] = field(default_factory=dict)


class Timeline:
    """What every car is granted at every second. No grant can pass a cap, or be less than its car's floor."""

    def __init__(self, edges_s: Sequence[int], caps_w: Sequence[Sequence[float]], cars: Sequence[Car]) -> None:
        """`caps_w[node][t]` holds from `edges_s[t]` to `edges_s[t + 1]`."""
        self._cars = cars
        self._before: Collection[int] = ()
        self._leads: Collection[int] = ()
        self._slots = [
            [_Piece(start, end, list(spare))]
            for start, end, *spare in zip(edges_s[:-1], edges_s[1:], *caps_w, strict=True)
        ]

    def fill(self, energies: Sequence[Sequence[float]], at_once: Sequence[float] = ()) -> list[float]:
        """Grant each car its kWh in each slot, as far as that can be done; return what is left of each car's.

        The first `at_once` kWh of each car wait for no other run of it.
        """
        left, due = [0.0] * len(self._cars), at_once or [0.0] * len(self._cars)
        slots = len(energies[0])
        for slot in range(slots):
            wanted = {car: row[slot] + left[car] for car, row in enumerate(energies) if row[slot] > LEAST_KWH}
            leads = {car for car in wanted if slot + 1 < slots and energies[car][slot + 1] > LEAST_KWH}
            leads -= {car for car in leads if due[car] > 0 and sum(energies[car][:slot]) < due[car] - LEAST_KWH}
            left_here = self._fill_slot(slot, wanted, leads)
            for car in wanted:
                left[car] = left_here.get(car, 0.0)
        return left

    def pour(self, car: int, slot: int, energy: float, *, at_most_w: float | None = None, late: bool = False) -> float:
        """Grant a car up to `energy` kWh more in a slot; return what did not fit.

        It goes where the least is used already, from the start of the slot on, or from its end where `late`.
        """
        who, pieces = self._cars[car], self._slots[slot]
        if who.is_coarse:
            return self._pour_whole(car, slot, energy)
        most = min(who.most_w[slot], at_most_w or who.most_w[slot])
        free = []
        for place, piece in enumerate(pieces):
            if car not in piece.on:
                spare = min(piece.spare[node] for node in who.path)
                power = floor_to(min(spare, most), who.step_w)
                if power > 0 and power >= who.floor_w:
                    free.append(
                        (-int(spare / most + 1e-9) if at_most_w else 0, -place if late else place, piece, power)
                    )
        for _, _, piece, power in sorted(free, key=lambda each: each[:2]):
            if energy <= LEAST_KWH:
                break
            energy -= self._grant(car, slot, piece, power, energy, late=late)
        return max(0.0, energy)

    def extend(self, car: int, slot: int, energy: float) -> float:
        """Grant a car more time in a slot, beside where it is on already; return the kWh that did not fit."""
        who = self._cars[car]
        if who.is_coarse:
            return energy
        for piece in list(self._slots[slot]):
            power = floor_to(min(*(piece.spare[node] for node in who.path), who.most_w[slot]), who.step_w)
            if car in piece.on or power <= 0 or power < who.floor_w or energy <= LEAST_KWH:
                continue
            follows, leads = self._is_on(car, slot, piece.start - 1), self._is_on(car, slot, piece.end)
            if follows or leads:
                energy -= self._grant(car, slot, piece, power, energy, late=not follows)
        return max(0.0, energy)

    def raise_power(self, car: int, slot: int, energy: float) -> float:
        """Grant a car more power where it is on already; return the kWh that did not fit."""
        who = self._cars[car]
        if who.is_coarse:
            return self._pour_whole(car, slot, energy)
        for piece in list(self._slots[slot]):
            power = piece.on.get(car)
            if power is None or energy <= LEAST_KWH:
                continue
            spare = min(piece.spare[node] for node in who.path)
            more = floor_to(max(0.0, min(spare, who.most_w[slot] - power)), who.step_w)
            gain = (min(power + more, who.draw_w) - min(power, who.draw_w)) * (piece.end - piece.start) / 3.6e6
            if more <= 0 or gain <= 0:
                continue
            if gain > energy:
                steps = ceil(more / who.step_w * energy / gain - 1e-9)
                more = min(more, steps * who.step_w)
                gain = energy
            self._take(piece, car, power + more, more)
            energy -= gain
        return max(0.0, energy)

    def has_room(self, car: int, start: int, end: int, power_w: float) -> bool:
        """Say whether a car can be granted a power from one second to another."""
        return all(
            piece.spare[node] >= power_w - 1e-6
            for pieces in self._slots
            for piece in pieces
            if piece.start < end and start < piece.end
            for node in self._cars[car].path
        )

    def keep(self, car: int, start: int, end: int, power_w: float) -> None:
        """Grant a car a power from one second to another."""
        for pieces in self._slots:
            if pieces[0].start >= end or pieces[-1].end <= start:
                continue
            for at in (start, end):
                for piece in list(pieces):
                    if piece.start < at < piece.end:
                        self._cut(pieces, piece, at)
            for piece in pieces:
                if start <= piece.start and piece.end <= end:
                    self._take(piece, car, power_w, power_w)

    def stretches(self) -> list[list[Stretch]]:
        """Return what each car is granted, in order of time, equal neighbours joined."""
        found: list[list[Stretch]] = [[] for _ in self._cars]
        for pieces in self._slots:
            for piece in pieces:
                for car, power in piece.on.items():
                    row = found[car]
                    if row and row[-1][1] == piece.start and row[-1][2] == power:
                        row[-1] = (row[-1][0], piece.end, power)
                    else:
                        row.append((piece.start, piece.end, power))
        return found

    def spare_from(self, second: int, node: int) -> float:
        """Return the least that a node has to spare at any instant from `second` on, W."""
        return min(
            (piece.spare[node] for pieces in self._slots for piece in pieces if piece.end > second),
            default=0.0,
        )

    def hold(self, car: int, second: int, power_w: float) -> None:
        """Keep `power_w` for a car from `second` on, an instant at which a piece begins or which is cut here."""
        for pieces in self._slots:
            for piece in list(pieces):
                if piece.start < second < piece.end:
                    piece = self._cut(pieces, piece, second)
                if piece.start >= second:
                    for node in self._cars[car].path:
                        piece.spare[node] -= power_w

    def _fill_slot(self, slot: int, wanted: Mapping[int, float], leads: set[int]) -> dict[int, float]:
        pieces = self._slots[slot]
        hours = (pieces[-1].end - pieces[0].start) / 3600
        before = self._slots[slot - 1][-1].on if slot else {}
        self._before, self._leads = before, leads
        mean_w = {car: energy / hours * 1000 for car, energy in wanted.items()}
        tight = self._tight(slot, wanted)
        left = {}
        full, strong, weak, easy = list[int](), list[int](), list[int](), list[int]()
        for car in sorted(wanted, key=lambda car: (car not in before, car in leads, car)):
            who = self._cars[car]
            if who.is_coarse:
                waits = mean_w[car] < who.floor_w and car in leads
                left[car] = wanted[car] if waits else self.pour(car, slot, wanted[car])
            elif mean_w[car] >= min(who.most_w[slot], who.draw_w) - who.step_w:
                full.append(car)
            elif tight.isdisjoint(who.path) and not (car in before and car in leads):
                easy.append(car)
            else:
                lowest = floor_to(mean_w[car], who.step_w)
                (strong if lowest > 0 and lowest >= who.floor_w else weak).append(car)
        for car in full:
            left[car] = self.pour(car, slot, wanted[car])
        self._make_way(slot, strong, weak, mean_w)
        for car in strong:
            who = self._cars[car]
            left[car] = self.pour(car, slot, wanted[car], at_most_w=floor_to(mean_w[car], who.step_w))
        for car in weak:
            left[car] = self.pour(car, slot, wanted[car], at_most_w=self._lane_w(car, slot), late=car in leads)
        for car in easy:
            left[car] = self.pour(car, slot, wanted[car], late=car in leads and car not in before)
        return {car: energy for car, energy in left.items() if energy > LEAST_KWH}

    def _pour_whole(self, car: int, slot: int, energy: float) -> float:
        """Grant a car one power in the whole of a slot, at which it draws `energy` kWh more if it can; return what did
        not fit."""
        who, pieces = self._cars[car], self._slots[slot]
        had_w = {piece.on.get(car, 0.0) for piece in pieces}
        before_w = had_w.pop()
        if had_w or energy <= LEAST_KWH:
            return energy
        hours = (pieces[-1].end - pieces[0].start) / 3600
        spare = min(piece.spare[node] for piece in pieces for node in who.path)
        asked_w = ceil((before_w + energy / hours * 1000) / who.step_w - 1e-9) * who.step_w
        power = floor_to(min(before_w + max(0.0, spare), who.most_w[slot], max(asked_w, who.floor_w)), who.step_w)
        if power <= before_w or power < who.floor_w:
            return energy
        for piece in pieces:
            self._take(piece, car, power, power - before_w)
        return max(0.0, energy - (min(power, who.draw_w) - min(before_w, who.draw_w)) * hours / 1000)

    def _make_way(self, slot: int, strong: list[int], weak: list[int], mean_w: Mapping[int, float]) -> None:
        """Let strong cars take turns with weak ones where they would leave these less than their floor."""
        for car in list(weak):
            who = self._cars[car]
            for node in who.path:
                beside = [other for other in strong if node in self._cars[other].path]
                spare = max(piece.spare[node] for piece in self._slots[slot])
                spare -= sum(floor_to(mean_w[other], self._cars[other].step_w) for other in beside)
                while beside and spare < who.floor_w:
                    other = min(beside, key=lambda each: (mean_w[each], each))
                    spare += mean_w[other]
                    beside.remove(other)
                    strong.remove(other)
                    weak.append(other)
        weak.sort(key=lambda car: (car in self._leads, car not in self._before, car))

    def _tight(self, slot: int, wanted: Mapping[int, float]) -> set[int]:
        """Return the nodes at which not all cars can run at their most at once."""
        spare = [min(each) for each in zip(*(piece.spare for piece in self._slots[slot]), strict=True)]
        for car in wanted:
            for node in self._cars[car].path:
                spare[node] -= self._cars[car].most_w[slot]
        return {node for node, power in enumerate(spare) if power < 0}

    def _lane_w(self, car: int, slot: int) -> float:
        """Return the power at which cars take turns: what is spare, in as few equal lanes as cars can use."""
        who = self._cars[car]
        spare = max(min(piece.spare[node] for node in who.path) for piece in self._slots[slot])
        most = who.most_w[slot]
        lanes = max(1, ceil(spare / most - 1e-9)) if most > 0 else 1
        return min(most, max(who.floor_w, spare / lanes, who.step_w))

    def _is_on(self, car: int, slot: int, second: int) -> bool:
        """Say whether a car is on at a second of a slot or just beside it."""
        near = self._slots[max(0, slot - 1) : slot + 2]
        return any(car in piece.on for pieces in near for piece in pieces if piece.start <= second < piece.end)

    def _grant(self, car: int, slot: int, piece: _Piece, power: float, energy: float, *, late: bool) -> float:
        kw = min(power, self._cars[car].draw_w) / 1000
        seconds = max(1, ceil(energy * 3600 / kw - 1e-6))
        pieces = self._slots[slot]
        if seconds < piece.end - piece.start:
            if late:
                piece = self._cut(pieces, piece, piece.end - seconds)
            else:
                self._cut(pieces, piece, piece.start + seconds)
        self._take(piece, car, power, power)
        return min(energy, kw * (piece.end - piece.start) / 3600)

    def _take(self, piece: _Piece, car: int, power: float, more: float) -> None:
        piece.on[car] = power
        for node in self._cars[car].path:
            piece.spare[node] -= more

    def _cut(self, pieces: list[_Piece], piece: _Piece, at: int) -> _Piece:
        """Cut a piece in two and return the later part."""
        later = _Piece(at, piece.end, list(piece.spare), dict(piece.on))
        piece.end = at
        pieces.insert(pieces.index(piece) + 1, later)
        return later

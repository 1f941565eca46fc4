"""Few starts among many cars (docs/planning.md, Many sessions): who draws in a slot makes no difference to its cost.

First, in the order of time, a car that is on goes on: it takes over what a car that would have to start draws in the
slot, and gives it a later part of its own. Totals of slots and of cars stay as they are, so the cost does, too. Then
each short run whose energy costs less than a start more beside another run of its car is moved there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from offpeak.planning.exchange import Exchange
from offpeak.planning.flow import NOTHING


class Runs(Exchange):
    """An exchange that makes runs longer and fewer."""

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

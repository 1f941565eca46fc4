"""Nobody below his floor (docs/planning.md, Many sessions): what to exchange where cars cannot even take turns."""

from __future__ import annotations

from collections.abc import Sequence

from offpeak.planning.exchange import Exchange
from offpeak.planning.flow import NOTHING


class Turns(Exchange):
    """An exchange that leaves to each car what it can charge at."""

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

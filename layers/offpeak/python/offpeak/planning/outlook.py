"""What may come of a visit, as far as habits tell: when the car leaves, and what it needs until then."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar

NEARLY_ALL = 0.99
"""Plans look until this share of the cars has left: who stays longer is planned for when it is seen that he does."""

T = TypeVar("T", datetime, float)

FARTHEST = timedelta(hours=48)
"""A plan looks no farther, however long cars have stayed."""


@dataclass(frozen=True, slots=True)
class Chance:
    """With this `weight`, the car leaves at `departure_at` and needs `kwh` at the meter in all until then.

    What has not come true is kept: a chance whose departure has passed still tells what cars need, and one whose need
    is met still tells when they leave.
    """

    departure_at: datetime
    kwh: float
    weight: float


class Ladder(Generic[T]):
    """Values in ascending order, each with the weight of all up to it."""

    def __init__(self, weighed: Iterable[tuple[T, float]]) -> None:
        ascending: list[tuple[T, float]] = sorted(weighed)
        self._values: list[T] = [value for value, _ in ascending]
        self._up_to: list[float] = [0.0, *accumulate(weight for _, weight in ascending)]

    def quantile(self, share: float, *, above: T) -> T | None:
        """Return what this share of the values above `above` does not pass; None where there are none."""
        first = bisect_right(self._values, above)
        if first == len(self._values):
            return None
        passed = self._up_to[first]
        reached = passed + share * (self._up_to[-1] - passed) - 1e-12
        return self._values[min(bisect_left(self._up_to, reached, lo=first + 1) - 1, len(self._values) - 1)]


class Columns(NamedTuple):
    """Chances as numbers: departures in seconds since 1970, kWh, weights."""

    departures_s: array[float]
    kwh: array[float]
    weights: array[float]


class Chances(tuple[Chance, ...]):
    """All chances of a visit; what every plan asks of them is put in order once."""

    @cached_property
    def departures(self) -> Ladder[datetime]:
        return Ladder((each.departure_at, each.weight) for each in self)

    @cached_property
    def needs(self) -> Ladder[float]:
        return Ladder((each.kwh, each.weight) for each in self)

    @cached_property
    def columns(self) -> Columns:
        return Columns(
            array("d", (each.departure_at.timestamp() for each in self)),
            array("d", (each.kwh for each in self)),
            array("d", (each.weight for each in self)),
        )


@dataclass(frozen=True, slots=True)
class Outlook:
    """Some hundred weighted chances, and what it counts as when a car leaves without what it needs: `miss_eur`.

    `independence` (0 to 1) is how far departure and need are taken to have nothing to do with each other: a few visits
    tell each of them much better than both together. `visits` is how many visits of this charger stand behind it, and
    `alike` how many of those began at such a time on such a day; 0 where others' visits have to do. `drawn_kwh` of what
    the car needs is in it.
    """

    chances: Chances
    miss_eur: float
    independence: float = 0.0
    visits: int = 0
    alike: int = 0
    drawn_kwh: float = 0.0

    def having_drawn(self, kwh: float) -> Outlook:
        """Return the same visit, later on: so much has the car drawn by now."""
        return replace(self, drawn_kwh=kwh)

    def until(self, now: datetime) -> datetime:
        """Return how far a plan has to look: until NEARLY_ALL have left of the cars that are there at `now`."""
        return min(self.departure_at(NEARLY_ALL, now), now + FARTHEST)

    def departure_at(self, share: float, now: datetime) -> datetime:
        """Return by when this share of the cars that are still there will have left; `now` where none is."""
        return self.chances.departures.quantile(share, above=now) or now

    def need_kwh(self, share: float) -> float:
        """Return what suffices for this share of the cars that still ask for something; 0 where none does."""
        needed = self.chances.needs.quantile(share, above=self.drawn_kwh)
        return 0.0 if needed is None else needed - self.drawn_kwh

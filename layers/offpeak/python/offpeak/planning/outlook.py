"""What may come of a visit, as far as habits tell: when the car leaves, and what it needs until then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

T = TypeVar("T", datetime, float)

FARTHEST = timedelta(hours=48)
"""A plan looks no farther, however long cars have stayed."""


@dataclass(frozen=True, slots=True)
class Chance:
    """With this `weight`, the car leaves at `departure_at` and needs `kwh` at the meter from now on until then.

    What has not come true is kept: a chance whose departure has passed still tells what cars need, and one whose need
    is met, 0 or less, still tells when they leave.
    """

    departure_at: datetime
    kwh: float
    weight: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """Some hundred weighted chances, and what it counts as when a car leaves without what it needs: `miss_eur`.

    `independence` (0 to 1) is how far departure and need are taken to have nothing to do with each other: a few visits
    tell each of them much better than both together. `visits` is how many visits of this charger stand behind it, and
    `alike` how many of those began at such a time on such a day; 0 where others' visits have to do.
    """

    chances: tuple[Chance, ...]
    miss_eur: float
    independence: float = 0.0
    visits: int = 0
    alike: int = 0

    def until(self, now: datetime) -> datetime:
        """Return how far a plan has to look: the last departure that is likely at all, or `now`."""
        return min(max([now, *(each.departure_at for each in self.chances)]), now + FARTHEST)

    def departure_at(self, share: float, now: datetime) -> datetime:
        """Return by when this share of the cars that are still there will have left; `now` where none is."""
        left = [(each.departure_at, each.weight) for each in self.chances if each.departure_at > now]
        return _quantile(left, share) if left else now

    def need_kwh(self, share: float) -> float:
        """Return what suffices for this share of the cars that still ask for something; 0 where none does."""
        asked = [(each.kwh, each.weight) for each in self.chances if each.kwh > 0]
        return _quantile(asked, share) if asked else 0.0


def _quantile(weighed: Iterable[tuple[T, float]], share: float) -> T:
    ascending = sorted(weighed)
    beyond = share * sum(weight for _, weight in ascending)
    for value, weight in ascending:
        beyond -= weight
        if beyond <= 1e-12:
            return value
    return ascending[-1][0]

"""What those who are there can still get under a cap: all that somebody can know who does not know who comes later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from local.replay.stay import HOUR, ParkedCar
from offpeak.planning.flow import share


def within_reach_kwh(cars: Sequence[ParkedCar], cap_w: float, now: datetime) -> float:
    """Return what cars have drawn, and at most can draw until they leave: a maximum flow through the times between
    their departures. As in `bound_of`, the least power of a car is left out."""
    edges = sorted({now, *(car.stay.leaves_at for car in cars)})
    slots = [(end, (end - start) / HOUR) for start, end in pairwise(edges)]
    drawn = share(
        [0.0] * len(slots),
        [
            [car.stay.power_w / 1000 * hours if end <= car.stay.leaves_at else 0.0 for end, hours in slots]
            for car in cars
        ],
        [car.left_kwh for car in cars],
        [cap_w / 1000 * hours for _, hours in slots],
    )
    return sum(car.kwh for car in cars) + sum(map(sum, drawn))

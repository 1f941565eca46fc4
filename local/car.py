"""Electric cars as a charger sees them: a battery that fills, within a limit, until the car has what it wants.

The physics is exact, not stepped: below `taper_from_soc` a car draws all that it may; above, the most it draws falls in
a straight line over the state of charge to the least power a charger can offer, which makes it an exponential over
time. So advancing twice by half an hour is the same as advancing once by an hour, whatever the limits between.
Powers are watts at the meter, energies kWh at the meter; the battery receives `efficiency` of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

UNLIMITED_W = math.inf
SOC_TOLERANCE = 1e-9
"""So close to its target a battery has reached it: a few milliwatt-hours."""
POWER_TOLERANCE_W = 1e-6


class Doing(StrEnum):
    """What a plugged-in car does."""

    CHARGING = "CHARGING"
    HELD_BACK = "HELD_BACK"
    """It would charge, but the limit is below the least current that a charger can offer."""
    DONE = "DONE"
    """It has what it wants and asks for nothing."""


@dataclass(frozen=True, slots=True)
class LimitStep:
    """From `start_at` until the next step, at most `power_w` in all; UNLIMITED_W leaves it to the car."""

    start_at: datetime
    power_w: float


@dataclass(frozen=True, slots=True)
class Car:
    """A car at an AC charger. `soc` and `target_soc` are fractions of `battery_kwh`; `max_current_a` (per phase) is
    the smaller of what the car and the charger can do."""

    battery_kwh: float
    soc: float
    target_soc: float = 1.0
    max_current_a: float = 16.0
    phases: int = 3
    voltage_v: float = 230.0
    min_current_a: float = 6.0
    efficiency: float = 0.9
    taper_from_soc: float = 0.85

    def __post_init__(self) -> None:
        if not (0 <= self.soc <= 1 and 0 <= self.target_soc <= 1):
            raise ValueError("soc and target_soc are fractions from 0 to 1")
        if self.battery_kwh <= 0 or not 0 < self.efficiency <= 1 or not 0 < self.taper_from_soc < 1:
            raise ValueError("battery_kwh, efficiency and taper_from_soc are positive, the last two at most 1")
        if self.phases not in (1, 2, 3) or self.max_current_a < self.min_current_a:
            raise ValueError("phases are 1 to 3, and max_current_a is at least min_current_a")

    @property
    def max_power_w(self) -> float:
        return self.max_current_a * self.phases * self.voltage_v

    @property
    def min_power_w(self) -> float:
        return self.min_current_a * self.phases * self.voltage_v

    @property
    def need_kwh(self) -> float:
        """Energy at the meter until the target is reached."""
        return max(self.target_soc - self.soc, 0.0) * self.battery_kwh / self.efficiency

    @property
    def is_done(self) -> bool:
        return self.soc >= self.target_soc - SOC_TOLERANCE

    def acceptance_w(self, soc: float) -> float:
        """Return the most that the car takes at a state of charge, watts."""
        if soc <= self.taper_from_soc:
            return self.max_power_w
        return self.max_power_w - self._taper_w_per_soc * (min(soc, 1.0) - self.taper_from_soc)

    def power_w(self, limit_w: float) -> float:
        """Return what the car draws now under a limit, watts."""
        if self.is_done or limit_w < self.min_power_w - POWER_TOLERANCE_W:
            return 0.0
        return min(limit_w, self.acceptance_w(self.soc))

    @property
    def _taper_w_per_soc(self) -> float:
        return (self.max_power_w - self.min_power_w) / (1 - self.taper_from_soc)

    def _after_flat(self, power_w: float, hours: float) -> tuple[float, float]:
        """Draw `power_w` until it is more than the car takes, the target is reached or `hours` are over. Return
        (hours it took, energy at the meter in kWh)."""
        slope = self._taper_w_per_soc
        knee = self.taper_from_soc + (self.max_power_w - power_w) / slope if slope else 1.0
        room_kwh = (min(knee, self.target_soc) - self.soc) * self.battery_kwh / self.efficiency
        took = min(max(room_kwh, 0.0) * 1000 / power_w, hours)
        return took, power_w * took / 1000

    def _after_taper(self, hours: float) -> tuple[float, float]:
        """Draw what the taper allows until the target is reached or `hours` are over; otherwise as _after_flat."""
        start_w, end_w = self.acceptance_w(self.soc), self.acceptance_w(self.target_soc)
        decay_per_h = self._taper_w_per_soc * self.efficiency / (self.battery_kwh * 1000)
        took = min(math.log(start_w / end_w) / decay_per_h, hours) if start_w > end_w else 0.0
        return took, start_w * -math.expm1(-decay_per_h * took) / decay_per_h / 1000 if decay_per_h else 0.0

    def _with_energy(self, meter_kwh: float) -> Car:
        soc = self.soc + meter_kwh * self.efficiency / self.battery_kwh
        return replace(self, soc=min(soc, max(self.target_soc, self.soc)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which a car did one thing under one limit. Power never rises within a stretch."""

    start_at: datetime
    end_at: datetime
    doing: Doing
    energy_kwh: float
    first_power_w: float
    last_power_w: float
    limit_w: float
    soc_at_end: float

    @property
    def mean_power_w(self) -> float:
        hours = (self.end_at - self.start_at) / timedelta(hours=1)
        return self.energy_kwh * 1000 / hours if hours else self.first_power_w


@dataclass(frozen=True, slots=True)
class Visit:
    """A car at a charger: from `arrives_at` until `leaves_at`, or until somebody unplugs it."""

    session_id: str
    evse_uid: str
    car: Car
    arrives_at: datetime
    leaves_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.leaves_at is not None and self.leaves_at <= self.arrives_at:
            raise ValueError("a car leaves after it arrives")
        if not 0 < len(self.session_id) <= 36:
            raise ValueError("a session id has 1 to 36 characters")


def advance(
    car: Car, limits: Sequence[LimitStep], start_at: datetime, end_at: datetime
) -> tuple[Car, tuple[Stretch, ...]]:
    """Let `car` stand at its charger from `start_at` to `end_at` under `limits` (ascending; none before the first).

    Returns the car at the end, and the stretches that fill the time without gap. Energy at the meter times efficiency
    is what the battery gained; no stretch draws more than its limit or the car can take.
    """
    stretches: list[Stretch] = []
    cuts = [start_at, *(step.start_at for step in limits if start_at < step.start_at < end_at), end_at]
    for cut, next_cut in pairwise(cuts):
        car, pieces = _under_one_limit(car, limit_at(limits, cut), cut, next_cut)
        stretches += pieces
    return car, tuple(stretches)


def limit_at(limits: Sequence[LimitStep], at: datetime) -> float:
    """Return the limit in force at an instant, watts."""
    begun = [step.power_w for step in limits if step.start_at <= at]
    return begun[-1] if begun else UNLIMITED_W


def _under_one_limit(car: Car, limit_w: float, start_at: datetime, end_at: datetime) -> tuple[Car, list[Stretch]]:
    """Advance under a constant limit: charge as long as there is something to charge, then stand there."""
    if end_at <= start_at:
        return car, []
    first_w = car.power_w(limit_w)
    if first_w == 0:
        doing = Doing.DONE if car.is_done else Doing.HELD_BACK
        return car, [Stretch(start_at, end_at, doing, 0.0, 0.0, 0.0, limit_w, car.soc)]

    hours = (end_at - start_at) / timedelta(hours=1)
    flat_h, flat_kwh = car._after_flat(first_w, hours)
    later = car._with_energy(flat_kwh)
    taper_h, taper_kwh = (0.0, 0.0) if later.is_done else later._after_taper(hours - flat_h)
    later = later._with_energy(taper_kwh)

    # A finish is put on the next microsecond, so that no rounding makes the mean power exceed the limit.
    finished_at = start_at + timedelta(microseconds=math.ceil((flat_h + taper_h) * 3_600_000_000))
    charged_until = min(finished_at, end_at) if later.is_done else end_at
    last_w = min(first_w, later.acceptance_w(later.soc))
    charging = Stretch(
        start_at, charged_until, Doing.CHARGING, flat_kwh + taper_kwh, first_w, last_w, limit_w, later.soc
    )
    if charged_until == end_at:
        return later, [charging]
    return later, [charging, Stretch(charged_until, end_at, Doing.DONE, 0.0, 0.0, 0.0, limit_w, later.soc)]

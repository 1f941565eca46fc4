"""A charging session in the books of the CPO: what the car did, and what was reported of it when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from local.car import Car, Doing, LimitStep, Stretch, Visit, advance, limit_at

SETTLED_AFTER = timedelta(seconds=10)
"""A change of what the car does is reported with the first meter reading after it, so the report shows the change."""


class ReportKind(StrEnum):
    START = "START"
    PROGRESS = "PROGRESS"
    END = "END"


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which the car did one thing at one level of power. `energy_kwh` is its share of the meter."""

    start_at: datetime
    end_at: datetime
    doing: Doing
    energy_kwh: float
    max_power_w: float
    min_power_w: float
    soc_at_end: float

    @property
    def hours(self) -> float:
        return (self.end_at - self.start_at) / timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Report:
    """What is told at `at`: the meter so far, and the periods since the last report."""

    kind: ReportKind
    session_id: str
    at: datetime
    started_at: datetime
    evse_uid: str
    kwh: float
    periods: tuple[Period, ...] = ()


@dataclass(slots=True)
class ChargingSession:
    """A visit as it happens. `advance` moves it on and returns the reports that fall due."""

    visit: Visit
    report_every: timedelta
    car: Car = field(init=False)
    moved_to: datetime = field(init=False)
    has_begun: bool = False
    has_ended: bool = False
    doing: Doing | None = None
    meter_kwh: float = 0.0
    limits: tuple[LimitStep, ...] = ()
    """What the charger says is in force; empty: nothing limits. `hold_to` sets it."""
    held_to: list[tuple[datetime, tuple[LimitStep, ...]]] = field(default_factory=list)
    """Everything that came in force so far, and when."""
    obeys: bool = True
    """Whether the charger holds the car to it."""
    unit: Literal["W", "A"] = "A"
    drawn: list[Stretch] = field(default_factory=list)
    """All that the car did so far, stretches without gap."""
    reports: list[Report] = field(default_factory=list)
    _unreported: list[Stretch] = field(default_factory=list)
    _report_due_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.car = self.visit.car
        self.moved_to = self.visit.arrives_at
        self._report_due_at = self.visit.arrives_at

    @property
    def is_active(self) -> bool:
        return self.has_begun and not self.has_ended

    @property
    def power_w(self) -> float:
        """What the car draws at this moment, watts."""
        return self.car.power_w(limit_at(self._held_to, self.moved_to)) if self.is_active else 0.0

    @property
    def _held_to(self) -> tuple[LimitStep, ...]:
        return self.limits if self.obeys else ()

    def hold_to(self, limits: tuple[LimitStep, ...], at: datetime) -> None:
        """Put limits in force from `at` on, which is no earlier than the last time."""
        self.limits = limits
        self.held_to.append((at, limits))

    def unplug(self, at: datetime) -> None:
        """End the visit at `at`, which is not in the past. Raises ValueError when no car is there."""
        if not self.is_active or at <= self.visit.arrives_at:
            raise ValueError(f"no car is plugged in in session {self.visit.session_id}")
        self.visit = replace(self.visit, leaves_at=at)

    def advance(self, to: datetime) -> list[Report]:
        """Move on to `to` and return the reports that fell due: at the start, every `report_every`, after a change
        of what the car does, and at the end."""
        already = len(self.reports)
        if not self.has_begun and self.visit.arrives_at <= to:
            self.has_begun = True
            self._report(ReportKind.START, self.visit.arrives_at)
        if self.is_active:
            leaves_at = self.visit.leaves_at
            self._charge_until(to if leaves_at is None else min(to, leaves_at))
            if leaves_at is not None and leaves_at <= to:
                self.has_ended = True
                self._report(ReportKind.END, leaves_at)
        return self.reports[already:]

    def _charge_until(self, end_at: datetime) -> None:
        while self.moved_to < end_at:
            stop_at = min(end_at, self._report_due_at)
            car, stretches = advance(self.car, self._held_to, self.moved_to, stop_at)
            change = next((each for each in stretches if each.doing is not self.doing), None)
            if change is not None and change.start_at > self.moved_to:
                car, stretches = advance(self.car, self._held_to, self.moved_to, change.start_at)
            elif change is not None:
                self.doing = change.doing
                self._report_due_at = min(self._report_due_at, self.moved_to + SETTLED_AFTER)
                continue
            self.car, self.moved_to = car, stretches[-1].end_at
            self.drawn += stretches
            self._unreported += stretches
            self.meter_kwh += sum(each.energy_kwh for each in stretches)
            if self.moved_to == self._report_due_at and self.moved_to != self.visit.leaves_at:
                self._report(ReportKind.PROGRESS, self.moved_to)

    def _report(self, kind: ReportKind, at: datetime) -> None:
        self.reports.append(
            Report(
                kind=kind,
                session_id=self.visit.session_id,
                at=at,
                started_at=self.visit.arrives_at,
                evse_uid=self.visit.evse_uid,
                kwh=self.meter_kwh,
                periods=_periods(self._unreported),
            )
        )
        self._unreported.clear()
        self._report_due_at = at + self.report_every


def _periods(stretches: Sequence[Stretch]) -> tuple[Period, ...]:
    """Put stretches of one doing together where the power goes on unbroken."""
    periods: list[Period] = []
    last_power_w = 0.0
    for each in stretches:
        goes_on = periods and periods[-1].doing is each.doing and abs(last_power_w - each.first_power_w) < 1
        begun = periods.pop() if goes_on else None
        periods.append(
            Period(
                start_at=begun.start_at if begun else each.start_at,
                end_at=each.end_at,
                doing=each.doing,
                energy_kwh=(begun.energy_kwh if begun else 0.0) + each.energy_kwh,
                max_power_w=begun.max_power_w if begun else each.first_power_w,
                min_power_w=each.last_power_w,
                soc_at_end=each.soc_at_end,
            )
        )
        last_power_w = each.last_power_w
    return tuple(periods)

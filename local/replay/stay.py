"""A car at a charger, as its record says, and what it draws under the profiles that the charger gets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from local.car import Visit
from local.night import VOLTAGE_V, charger_of
from local.recorded import LaidSession
from offpeak.planning.profile import ChargingProfile, limit_at

HOUR = timedelta(hours=1)
MIN_CURRENT_A = 6


@dataclass(frozen=True, slots=True)
class Stay:
    """A car that wants `kwh` between `arrives_at` and `leaves_at`, at up to `amperes` on each of `phases`."""

    session_id: str
    arrives_at: datetime
    leaves_at: datetime
    kwh: float
    phases: int = 3
    amperes: float = 16.0
    garage: str = ""
    user: str = ""

    @property
    def power_w(self) -> float:
        return self.phases * self.amperes * VOLTAGE_V

    @property
    def min_power_w(self) -> float:
        return self.phases * MIN_CURRENT_A * VOLTAGE_V

    @property
    def hours_needed(self) -> float:
        return self.kwh * 1000 / self.power_w


def recorded_stay(session: LaidSession, *, least_w: float) -> Stay:
    """Return a recorded session's stay, at a charger of at least `least_w` that could have delivered the energy."""
    phases, amperes = charger_of(session, least_w=least_w)
    return Stay(
        session.session_id,
        session.arrives_at,
        session.leaves_at,
        float(session.kwh),
        phases,
        amperes,
        session.garage,
        session.user,
    )


def made_up_stay(visit: Visit) -> Stay:
    """Return a made-up car's stay; it takes its whole need at one power, as recorded cars do here."""
    assert visit.leaves_at is not None
    car = visit.car
    most_kwh = car.max_power_w / 1000 * ((visit.leaves_at - visit.arrives_at) / HOUR)
    return Stay(
        visit.session_id,
        visit.arrives_at,
        visit.leaves_at,
        min(car.need_kwh, most_kwh),
        car.phases,
        car.max_current_a,
        garage="sample",
        user=visit.evse_uid,
    )


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of constant power."""

    start_at: datetime
    end_at: datetime
    kw: float

    @property
    def kwh(self) -> float:
        return self.kw * ((self.end_at - self.start_at) / HOUR)


class ParkedCar:
    """Draws what the newest profile lets it, until it has what it wants. Without a profile nothing limits it."""

    def __init__(self, stay: Stay) -> None:
        self.stay = stay
        self.at = stay.arrives_at
        self.left_kwh = stay.kwh
        self.drawn: list[Stretch] = []
        self._profile: ChargingProfile | None = None

    @property
    def kwh(self) -> float:
        return self.stay.kwh - self.left_kwh

    @property
    def is_done(self) -> bool:
        return self.left_kwh <= 0

    @property
    def starts(self) -> int:
        """Say how often charging started."""
        ends = [None, *(each.end_at for each in self.drawn)]
        return sum(each.start_at != end for each, end in zip(self.drawn, ends, strict=False))

    def take(self, profile: ChargingProfile) -> None:
        self._profile = profile

    def may_draw(self, at: datetime) -> bool:
        """Say whether the newest profile lets it charge at an instant."""
        limit = limit_at(self._profile, at) if self._profile else None
        return limit is None or float(limit) >= self.stay.min_power_w - 1e-6

    def wait_until(self, at: datetime) -> None:
        """Let time pass: draw what is allowed from the instant reached so far until `at`."""
        while self.at < at and not self.is_done:
            limit_w, changes_at = self._limit()
            until = min(at, changes_at) if changes_at else at
            kw = min(limit_w, self.stay.power_w) / 1000
            if kw * 1000 >= self.stay.min_power_w - 1e-6:
                self._draw(kw, until)
            self.at = until
        self.at = max(self.at, at)

    def _draw(self, kw: float, until: datetime) -> None:
        needed = HOUR * (self.left_kwh / kw)
        if needed <= until - self.at:
            until = self.at + needed
            self.left_kwh = 0.0
        else:
            self.left_kwh -= kw * ((until - self.at) / HOUR)
        before = self.drawn[-1] if self.drawn else None
        if before and before.end_at == self.at and before.kw == kw:
            self.drawn[-1] = Stretch(before.start_at, until, kw)
        elif until > self.at:
            self.drawn.append(Stretch(self.at, until, kw))

    def _limit(self) -> tuple[float, datetime | None]:
        """Return the limit in force, watts, and when the next one begins."""
        profile = self._profile
        if profile is None:
            return self.stay.power_w, None
        changes = (profile.start_at + timedelta(seconds=each.start_period_s) for each in profile.periods)
        limit = limit_at(profile, self.at)
        assert profile.unit == "W"
        return (
            self.stay.power_w if limit is None else float(limit),
            next((change for change in changes if change > self.at), None),
        )

"""Figures of a replay: cost against other ways to charge, readiness, starts, profiles, peaks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from statistics import fmean

from local.replay.run import Played
from local.replay.stay import HOUR, Stay, Stretch

READY_SHARE = 0.99
LOAD_STEP = timedelta(minutes=5)


@dataclass(frozen=True)
class Figures:
    """What came of all stays that were played by one set of rules."""

    name: str
    played: tuple[Played, ...]

    @property
    def sessions(self) -> int:
        return len(self.played)

    @cached_property
    def kwh(self) -> float:
        """What the cars wanted."""
        return sum(each.stay.kwh for each in self.played)

    @cached_property
    def missing_kwh(self) -> float:
        return sum(each.missing_kwh for each in self.played)

    @cached_property
    def cost_eur(self) -> float:
        """What was drawn, and what is missing at the price of charging at once: to leave a car empty saves nothing."""
        return sum(each.cost_eur + each.missing_kwh / each.stay.kwh * each.baselines.at_once for each in self.played)

    @cached_property
    def at_once_eur(self) -> float:
        return sum(each.baselines.at_once for each in self.played)

    @cached_property
    def block_eur(self) -> float:
        return sum(each.baselines.block for each in self.played)

    @cached_property
    def hourly_eur(self) -> float:
        return sum(each.baselines.hourly for each in self.played)

    @cached_property
    def optimum_eur(self) -> float:
        return sum(each.baselines.optimum for each in self.played)

    @property
    def kept(self) -> float | None:
        """The share of the possible saving that was kept: 1 less the regret. None where nothing could be saved."""
        return self.share_of_saving(self.cost_eur)

    def share_of_saving(self, cost_eur: float) -> float | None:
        possible = self.at_once_eur - self.optimum_eur
        return (self.at_once_eur - cost_eur) / possible if possible > 1e-9 else None

    @property
    def ready(self) -> float:
        """The share of the cars that had at least 99 % of their energy when they were unplugged."""
        return sum(is_ready(each) for each in self.played) / len(self.played)

    @property
    def starts(self) -> float:
        return fmean(each.starts for each in self.played)

    @property
    def sent(self) -> float:
        return fmean(each.sent for each in self.played)

    @property
    def plans(self) -> float:
        return fmean(each.plans for each in self.played)

    def sent_within(self, share: float) -> int:
        """Return the profiles sent that so large a share of the sessions stays within."""
        ranked = sorted(each.sent for each in self.played)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]

    @cached_property
    def peak_kw(self) -> float:
        return peak_kw(part for each in self.played for part in each.drawn)

    @cached_property
    def at_once_peak_kw(self) -> float:
        return peak_kw(uncontrolled(each.stay) for each in self.played)


def is_ready(played: Played) -> bool:
    return played.missing_kwh <= (1 - READY_SHARE) * played.stay.kwh


def uncontrolled(stay: Stay) -> Stretch:
    """Return what the car would draw if nobody held it back."""
    return Stretch(stay.arrives_at, stay.arrives_at + HOUR * stay.hours_needed, stay.power_w / 1000)


def peak_kw(drawn: Iterable[Stretch]) -> float:
    """Return the most that all of it draws at any instant."""
    changes: dict[datetime, float] = {}
    for each in drawn:
        changes[each.start_at] = changes.get(each.start_at, 0.0) + each.kw
        changes[each.end_at] = changes.get(each.end_at, 0.0) - each.kw
    power = most = 0.0
    for at in sorted(changes):
        power += changes[at]
        most = max(most, power)
    return most


def mean_load(drawn: Iterable[Stretch]) -> dict[datetime, float]:
    """Return the mean power of all of it in each five minutes in which there is any, kW."""
    load: dict[datetime, float] = {}
    for each in drawn:
        at = each.start_at - (each.start_at - datetime.min.replace(tzinfo=each.start_at.tzinfo)) % LOAD_STEP
        while at < each.end_at:
            shared = min(each.end_at, at + LOAD_STEP) - max(each.start_at, at)
            load[at] = load.get(at, 0.0) + each.kw * (shared / LOAD_STEP)
            at += LOAD_STEP
    return load


Row = tuple[str, tuple[str, ...]]


def rows(columns: Sequence[Figures]) -> list[Row]:
    """Return the table: a name, and a cell for each column."""
    return [
        ("Sessions", tuple(str(each.sessions) for each in columns)),
        ("Energy wanted", tuple(f"{each.kwh:.0f} kWh" for each in columns)),
        ("A kWh, charged at once", tuple(_ct(each, each.at_once_eur) for each in columns)),
        ("  in the best single block", tuple(_ct(each, each.block_eur) for each in columns)),
        ("  in the best hours", tuple(_ct(each, each.hourly_eur) for each in columns)),
        ("  at the optimum", tuple(_ct(each, each.optimum_eur) for each in columns)),
        ("  as replayed", tuple(_ct(each, each.cost_eur) for each in columns)),
        ("Saving against charging at once", tuple(_saved(each) for each in columns)),
        ("Share of the possible saving", tuple(_percent(each.kept) for each in columns)),
        ("  of the best single block", tuple(_percent(each.share_of_saving(each.block_eur)) for each in columns)),
        ("  of the best hours", tuple(_percent(each.share_of_saving(each.hourly_eur)) for each in columns)),
        ("Ready on time", tuple(_percent(each.ready) for each in columns)),
        ("Energy not delivered", tuple(f"{each.missing_kwh:.1f} kWh" for each in columns)),
        ("Starts a session", tuple(f"{each.starts:.2f}" for each in columns)),
        ("Profiles sent a session", tuple(f"{each.sent:.2f}" for each in columns)),
        ("  nine of ten within", tuple(str(each.sent_within(0.9)) for each in columns)),
        ("Plans a session", tuple(f"{each.plans:.0f}" for each in columns)),
        ("Peak of all cars", tuple(f"{each.peak_kw:.0f} kW" for each in columns)),
        ("  if charged at once", tuple(f"{each.at_once_peak_kw:.0f} kW" for each in columns)),
    ]


def _ct(figures: Figures, eur: float) -> str:
    return f"{eur / figures.kwh * 100:.2f} ct"


def _saved(figures: Figures) -> str:
    saved = figures.at_once_eur - figures.cost_eur
    share = f" ({saved / figures.at_once_eur * 100:.1f} %)" if figures.at_once_eur > 0 else ""
    return f"{saved:.2f} EUR{share}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.2f} %"

"""Figures of a replay: cost against other ways to charge, readiness, starts, profiles, peaks. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from statistics import fmean

from local.replay.managed import Rules
from local.replay.run import Played
from local.replay.stay import HOUR, Stay, Stretch

READY_SHARE = 0.99


@dataclass(frozen=True)
class Figures:
    """What came of all stays that were played by one set of rules."""

    name: str
    played: tuple[Played, ...]
    rules: Rules = Rules()

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
    return max((kw for _, kw in load(drawn)), default=0.0)


def load(drawn: Iterable[Stretch]) -> list[tuple[datetime, float]]:
    """Return what all of it draws, kW, from each instant on at which that changes."""
    changes: dict[datetime, float] = {}
    for each in drawn:
        changes[each.start_at] = changes.get(each.start_at, 0.0) + each.kw
        changes[each.end_at] = changes.get(each.end_at, 0.0) - each.kw
    return list(zip(sorted(changes), accumulate(changes[at] for at in sorted(changes)), strict=True))


Row = tuple[str, ...]


def ways(one: Figures) -> list[Row]:
    """Return what a kWh cost by other ways to charge: (name, ct/kWh, share of the possible saving)."""
    return [
        (name, _ct(one, eur), percent(one.share_of_saving(eur)))
        for name, eur in (
            ("at once", one.at_once_eur),
            ("best hours", one.hourly_eur),
            ("best single block", one.block_eur),
            ("optimum", one.optimum_eur),
        )
    ]


COLUMNS = ("Replayed", "ct/kWh", "saved", "kept", "ready", "missing", "starts", "profiles", "peak")


def row(each: Figures) -> Row:
    """Return what came of one set of rules, a cell for each of COLUMNS."""
    saved = each.at_once_eur - each.cost_eur
    return (
        each.name,
        _ct(each, each.cost_eur),
        percent(saved / each.at_once_eur if each.at_once_eur > 0 else None, 1),
        percent(each.kept),
        percent(each.ready, 1),
        f"{each.missing_kwh:.0f} kWh",
        f"{each.starts:.2f}",
        f"{each.sent:.2f}",
        f"{each.peak_kw:.0f} kW",
    )


def numbers(each: Figures) -> dict[str, float | int | str | None]:
    """Return the figures of one set of rules for other programs."""
    return {
        "rules": each.name,
        "sessions": each.sessions,
        "kwh": round(each.kwh, 3),
        "cost_eur": round(each.cost_eur, 4),
        "at_once_eur": round(each.at_once_eur, 4),
        "best_hours_eur": round(each.hourly_eur, 4),
        "best_block_eur": round(each.block_eur, 4),
        "optimum_eur": round(each.optimum_eur, 4),
        "share_kept": None if each.kept is None else round(each.kept, 5),
        "share_ready": round(each.ready, 5),
        "missing_kwh": round(each.missing_kwh, 3),
        "starts": round(each.starts, 4),
        "profiles": round(each.sent, 4),
        "profiles_nine_of_ten": each.sent_within(0.9),
        "plans": round(each.plans, 2),
        "peak_kw": round(each.peak_kw, 2),
        "at_once_peak_kw": round(each.at_once_peak_kw, 2),
    }


def _ct(figures: Figures, eur: float) -> str:
    return f"{eur / figures.kwh * 100:.2f}"


def percent(share: float | None, decimals: int = 2) -> str:
    return "-" if share is None else f"{share * 100:.{decimals}f} %"

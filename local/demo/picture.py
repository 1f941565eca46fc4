"""The picture of a night: price, fleet load, and what single sessions were granted and drew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display is needed, so none is asked for

import matplotlib.dates
import matplotlib.pyplot as plt

from local.demo.figures import Figures, SessionFigures, load
from local.demo.scenario import LOCAL
from offpeak.prices.model import PriceCurve

mdates: Any = matplotlib.dates  # its functions are untyped

# Okabe and Ito's colours are told apart by everybody; see https://jfly.uni-koeln.de/color/
DRAWN, AT_ONCE, PRICE, GRANTED = "#0072B2", "#D55E00", "#333333", "#56B4E9"
BIN = timedelta(minutes=5)
SHOWN = 6
"""Sessions in small multiples."""


def draw(title: str, whole: Figures, prices: PriceCurve, path: Path) -> None:
    """Draw the night and save it at `path` (the ending says in which format)."""
    start_at = min(each.start_at for each in whole.sessions)
    end_at = max(each.end_at for each in whole.sessions)
    with plt.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure = plt.figure(figsize=(12, 12.5), dpi=120)
        grid = figure.add_gridspec(
            4, 3, height_ratios=[1, 1.5, 1, 1], left=0.07, right=0.97, top=0.9, bottom=0.075, hspace=0.42, wspace=0.16
        )
        figure.suptitle(title, x=0.07, y=0.972, ha="left", fontsize=17, fontweight="bold")
        figure.text(0.07, 0.935, _subtitle(whole), ha="left", fontsize=12, color="#444444")
        top = figure.add_subplot(grid[0, :])
        _draw_price(top, prices, start_at, end_at)
        fleet = figure.add_subplot(grid[1, :], sharex=top)
        _draw_fleet(fleet, whole, start_at, end_at)
        first = None
        for place, session in enumerate(examples(whole.sessions)):
            axes = figure.add_subplot(grid[2 + place // 3, place % 3], sharex=top, sharey=first)
            first = first or axes
            _draw_session(axes, session, is_first=place == 0)
            axes.tick_params(labelleft=place % 3 == 0)
            if place % 3 == 0:
                axes.set_ylabel("kW")
        figure.text(
            0.07,
            0.018,
            f"Day-ahead prices of the zone {prices.zone}: {prices.source}. Times are those of {LOCAL.key}.\n"
            "Drawn from what the stack has recorded: charging periods, confirmed charging profiles, prices.",
            fontsize=8.5,
            color="#555555",
            linespacing=1.5,
        )
        figure.savefig(path)
        plt.close(figure)


def examples(sessions: Sequence[SessionFigures]) -> tuple[SessionFigures, ...]:
    """Return some sessions from those that saved most to those that saved least."""
    ranked = sorted(sessions, key=lambda each: -each.saving_eur)
    if len(ranked) <= SHOWN:
        return tuple(ranked)
    return tuple(ranked[place * (len(ranked) - 1) // (SHOWN - 1)] for place in range(SHOWN))


def _subtitle(whole: Figures) -> str:
    said = (
        f"{whole.kwh:.0f} kWh for {whole.cost_eur:.2f} EUR; charged at once they would have cost "
        f"{whole.cost_at_once_eur:.2f} EUR"
    )
    share = whole.saving_share
    saved = f": {share * 100:.0f} % saved" if share is not None else ""
    return f"{said}{saved}. {whole.ready} of {len(whole.sessions)} cars were ready on time."


def _draw_price(axes: Any, prices: PriceCurve, start_at: datetime, end_at: datetime) -> None:
    slots = [slot for slot in prices.slots if slot.end_at > start_at and slot.start_at < end_at]
    edges = [*(slot.start_at for slot in slots), slots[-1].end_at]
    values = [float(slot.eur_per_kwh) * 100 for slot in slots]
    axes.stairs(values, mdates.date2num(edges), color=PRICE, linewidth=1.6, baseline=None)
    axes.axhline(0, color="#999999", linewidth=0.8)
    axes.set_ylim(min(0, *values) * 1.1, max(*values, 0.1) * 1.12)
    axes.set_ylabel("ct/kWh")
    axes.set_title("Day-ahead price", loc="left", fontweight="bold")
    _time_axis(axes, start_at, end_at)


def _draw_fleet(axes: Any, whole: Figures, start_at: datetime, end_at: datetime) -> None:
    at_once = [each.at_once for each in whole.sessions if each.at_once]
    drawn = [part for each in whole.sessions for part in each.drawn]
    end_at = max(end_at, *(each.end_at for each in at_once))
    edges = mdates.date2num([start_at + BIN * place for place in range(len(load((), start_at, end_at, BIN)) + 1)])
    actual = [watts / 1000 for watts in load(drawn, start_at, end_at, BIN)]
    else_drawn = [watts / 1000 for watts in load(at_once, start_at, end_at, BIN)]
    axes.stairs(actual, edges, color=DRAWN, fill=True, alpha=0.85, label="drawn")
    axes.stairs(else_drawn, edges, color=AT_ONCE, linewidth=1.8, label="if everyone had charged at once")
    axes.set_ylabel("kW")
    axes.set_ylim(0, max([*actual, *else_drawn]) * 1.12)
    axes.set_title(f"Load of all {len(whole.sessions)} cars", loc="left", fontweight="bold")
    axes.legend(loc="upper right", frameon=False)
    axes.tick_params(axis="x")


def _draw_session(axes: Any, session: SessionFigures, *, is_first: bool) -> None:
    power_kw = max((each.power_w for each in session.drawn), default=0.0) / 1000
    full_kw = max([power_kw, *(each.limit_w / 1000 for each in session.granted if each.limit_w)])
    steps = [(session.start_at, full_kw)]
    steps += [
        (each.start_at, full_kw if each.limit_w is None else min(full_kw, each.limit_w / 1000))
        for each in session.granted
    ]
    steps = [step for step in steps if step[0] < session.end_at]
    edges = mdates.date2num([*(at for at, _ in steps), session.end_at])
    axes.stairs([kw for _, kw in steps], edges, fill=True, color=GRANTED, alpha=0.35, label="planned: may draw")
    count = len(load((), session.start_at, session.end_at, BIN))
    actual = [watts / 1000 for watts in load(session.drawn, session.start_at, session.end_at, BIN)]
    bins = mdates.date2num([session.start_at + BIN * place for place in range(count + 1)])
    axes.stairs(actual, bins, fill=True, color=DRAWN, alpha=0.85, label="drawn")
    for at, style in ((session.start_at, "-"), (session.end_at, "-"), (session.departure_at, ":")):
        axes.axvline(mdates.date2num(at), color="#777777", linestyle=style, linewidth=0.9)
    axes.set_title(
        f"{session.session_id}   {session.kwh:.1f} kWh, {session.cost_eur:.2f} instead of "
        f"{session.cost_at_once_eur:.2f} EUR",
        loc="left",
        fontsize=9,
    )
    axes.set_ylim(bottom=0)
    if is_first:
        axes.legend(loc="upper left", frameon=False, fontsize=8)


def _time_axis(axes: Any, start_at: datetime, end_at: datetime) -> None:
    axes.set_xlim(mdates.date2num(start_at - timedelta(minutes=20)), mdates.date2num(end_at + timedelta(minutes=20)))
    hours = (end_at - start_at) / timedelta(hours=1)
    axes.xaxis.set_major_locator(mdates.HourLocator(byhour=range(0, 24, 3 if hours <= 30 else 6), tz=LOCAL))
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%H:%M" if hours <= 30 else "%a %H:%M", tz=LOCAL))

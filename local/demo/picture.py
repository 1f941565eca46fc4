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
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from local.demo.figures import Figures, SessionFigures, load
from local.demo.scenario import LOCAL
from offpeak.prices.model import PriceCurve

mdates: Any = matplotlib.dates  # its functions are untyped

# Okabe and Ito's colours are told apart by everybody; see https://jfly.uni-koeln.de/color/
DRAWN, AT_ONCE, PRICE, GRANTED = "#0072B2", "#D55E00", "#333333", "#56B4E9"
MARK = "#777777"
LEFT, RIGHT = 0.06, 0.975
BIN = timedelta(minutes=5)
SHOWN = 6
"""Sessions in small multiples."""
MOST_LABELS = 6
"""Times below the single sessions that do not run into each other."""


def draw(title: str, whole: Figures, prices: PriceCurve, path: Path) -> None:
    """Draw the night and save it at `path` (the ending says in which format)."""
    start_at = min(each.start_at for each in whole.sessions)
    end_at = max(each.end_at for each in whole.sessions)
    with plt.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure = plt.figure(figsize=(12, 12.5), dpi=120)
        figure.suptitle(title, x=LEFT, y=0.972, ha="left", fontsize=17, fontweight="bold")
        figure.text(LEFT, 0.935, _subtitle(whole), ha="left", fontsize=12, color="#444444")
        upper = figure.add_gridspec(
            2, 1, height_ratios=[1, 1.6], left=LEFT, right=RIGHT, top=0.9, bottom=0.49, hspace=0.3
        )
        price = figure.add_subplot(upper[0])
        _draw_price(price, prices, start_at, end_at)
        fleet = figure.add_subplot(upper[1], sharex=price)
        _draw_fleet(fleet, whole, start_at, end_at)
        lower = figure.add_gridspec(2, 3, left=LEFT, right=RIGHT, top=0.405, bottom=0.085, hspace=0.42, wspace=0.1)
        first = None
        for place, session in enumerate(examples(whole.sessions)):
            first = figure.add_subplot(lower[place // 3, place % 3], sharex=price, sharey=first)
            _draw_session(first, session)
            first.tick_params(labelleft=place % 3 == 0)
            if place % 3 == 0:
                first.set_ylabel("kW")
        figure.text(LEFT, 0.437, "Single sessions, by what they saved", fontsize=12, fontweight="bold")
        figure.legend(
            handles=_handles(), loc="lower right", bbox_to_anchor=(RIGHT, 0.43), ncols=4, frameon=False, fontsize=9
        )
        figure.align_ylabels()
        figure.text(LEFT, 0.018, _attribution(prices), fontsize=8.5, color="#555555", linespacing=1.5)
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
    axes.stairs(values, mdates.date2num(edges), color=PRICE, alpha=0.12, fill=True)
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
    actual = [watts / 1000 for watts in load(drawn, start_at, end_at, BIN)]
    else_drawn = [watts / 1000 for watts in load(at_once, start_at, end_at, BIN)]
    edges = _edges(start_at, len(actual))
    axes.stairs(actual, edges, color=DRAWN, fill=True, alpha=0.9, label=f"drawn (most: {max(actual):.0f} kW)")
    label = f"if everyone had charged at once (most: {max(else_drawn):.0f} kW)"
    axes.stairs(else_drawn, edges, color=AT_ONCE, linewidth=1.8, label=label)
    axes.set_ylabel("kW")
    axes.set_ylim(0, max([*actual, *else_drawn]) * 1.15)
    axes.set_title(f"Load of all {len(whole.sessions)} cars", loc="left", fontweight="bold")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, borderaxespad=0.2)


def _draw_session(axes: Any, session: SessionFigures) -> None:
    start_at, end_at = session.start_at, session.end_at
    power_kw = max((each.power_w for each in session.drawn), default=0.0) / 1000
    full_kw = max([power_kw, *(each.limit_w / 1000 for each in session.granted if each.limit_w)])
    steps = [(start_at, full_kw)]
    steps += [
        (each.start_at, full_kw if each.limit_w is None else min(full_kw, each.limit_w / 1000))
        for each in session.granted
        if each.start_at < end_at
    ]
    edges = mdates.date2num([*(at for at, _ in steps), end_at])
    axes.stairs([kw for _, kw in steps], edges, fill=True, color=GRANTED, alpha=0.4)
    actual = [watts / 1000 for watts in load(session.drawn, start_at, end_at, BIN)]
    axes.stairs(actual, _edges(start_at, len(actual)), fill=True, color=DRAWN, alpha=0.9)
    for at, style in ((start_at, "-"), (end_at, "-"), (session.departure_at, ":")):
        axes.axvline(mdates.date2num(at), color=MARK, linestyle=style, linewidth=1)
    axes.set_title(
        f"{session.session_id}: {session.kwh:.1f} kWh, {session.cost_eur:.2f} instead of "
        f"{session.cost_at_once_eur:.2f} EUR",
        loc="left",
        fontsize=9.5,
    )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))


def _handles() -> list[Any]:
    """Return what the legend of the single sessions shows."""
    return [
        Patch(color=GRANTED, alpha=0.4, label="planned: may draw"),
        Patch(color=DRAWN, alpha=0.9, label="drawn"),
        Line2D([], [], color=MARK, label="plugged in, unplugged"),
        Line2D([], [], color=MARK, linestyle=":", label="departure planned for"),
    ]


def _edges(start_at: datetime, count: int) -> Any:
    return mdates.date2num([start_at + BIN * place for place in range(count + 1)])


def _attribution(prices: PriceCurve) -> str:
    return (
        f"Day-ahead prices of the zone {prices.zone}: {prices.source}. Times are those of {LOCAL.key}.\n"
        "Drawn from what the deployed stack has recorded: charging periods, confirmed charging profiles, prices."
    )


def _time_axis(axes: Any, start_at: datetime, end_at: datetime) -> None:
    axes.set_xlim(mdates.date2num(start_at - timedelta(minutes=20)), mdates.date2num(end_at + timedelta(minutes=20)))
    hours = (end_at - start_at) / timedelta(hours=1)
    apart = next((each for each in (3, 6, 12) if hours / each <= MOST_LABELS), 24)
    axes.xaxis.set_major_locator(mdates.HourLocator(byhour=range(0, 24, apart), tz=LOCAL))
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%H:%M" if hours <= 30 else "%a %H:%M", tz=LOCAL))

"""The picture of a group: what its cars draw on the days when they would draw most, and the cap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display is needed, so none is asked for

import matplotlib.dates
import matplotlib.pyplot as plt

from local.replay.figures import load, uncontrolled
from local.replay.garage import GroupFigures
from local.replay.market import Market
from local.replay.picture import AT_ONCE, PRICE, REPLAYED, STYLE
from local.replay.stay import Stretch
from offpeak.prices.model import MARKET_TIME

mdates: Any = matplotlib.dates  # its functions are untyped

DAYS = 3
NOON = time(12)


def draw_group(group: GroupFigures, market: Market, notes: Sequence[str], path: Path) -> None:
    """Draw three days around the highest uncontrolled peak, and save the picture at `path`."""
    at_once = [uncontrolled(each.stay) for each in group.figures.played]
    peak_at = max(load(at_once), key=lambda step: step[1])[0]
    noon = datetime.combine(peak_at.astimezone(MARKET_TIME).date() - timedelta(days=1), NOON, MARKET_TIME)
    start_at = max(market.start_at, noon.astimezone(UTC))
    end_at = min(market.end_at, start_at + timedelta(days=DAYS))
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 7.5), dpi=110)
        title = f"Garage {group.garage}: {group.figures.sessions} sessions under a cap of {group.cap_kw:.0f} kW"
        figure.suptitle(title, x=0.06, y=0.97, ha="left", fontsize=16, fontweight="bold")
        figure.text(0.06, 0.905, _subtitle(group), fontsize=11.5, color="#444444")
        grid = figure.add_gridspec(
            2, 1, height_ratios=[1, 2.4], left=0.06, right=0.97, top=0.85, bottom=0.13, hspace=0.28
        )
        price = figure.add_subplot(grid[0])
        edges, prices = market.cut(start_at, end_at)
        price.stairs([each * 100 for each in prices], mdates.date2num(edges), color=PRICE, baseline=None, linewidth=1.4)
        price.set_ylabel("ct/kWh")
        price.set_title("Day-ahead price", loc="left", fontweight="bold")
        axes = figure.add_subplot(grid[1], sharex=price)
        drawn = [part for each in group.figures.played for part in each.drawn]
        axes.stairs(*_steps(drawn, start_at, end_at), fill=True, color=REPLAYED, alpha=0.85, label="drawn")
        axes.stairs(*_steps(at_once, start_at, end_at), color=AT_ONCE, linewidth=1.6, label="if charged at once")
        axes.axhline(group.cap_kw, color="black", linestyle="--", linewidth=1.2, label="cap")
        axes.set_ylim(0)
        axes.set_ylabel("kW")
        axes.set_title("Load of all cars", loc="left", fontweight="bold")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
        axes.set_xlim(mdates.date2num(start_at), mdates.date2num(end_at))
        axes.xaxis.set_major_locator(mdates.HourLocator(byhour=(0, 6, 12, 18), tz=MARKET_TIME))
        axes.xaxis.set_major_formatter(mdates.DateFormatter("%a %H:%M", tz=MARKET_TIME))
        figure.text(0.06, 0.02, "\n".join(notes), fontsize=8, color="#555555", linespacing=1.5, wrap=True)
        figure.savefig(path)
        plt.close(figure)


def _subtitle(group: GroupFigures) -> str:
    each = group.figures
    kept = f"{group.kept * 100:.1f} % of the possible saving under the cap, " if group.kept else ""
    return (
        f"{kept}{each.ready * 100:.1f} % of the cars ready, {group.avoidable_kwh:.1f} kWh avoidably missing, "
        f"{each.peak_kw:.1f} kW at most"
    )


def _steps(drawn: Iterable[Stretch], start_at: datetime, end_at: datetime) -> tuple[list[float], Any]:
    """Return a load within a time as heights and edges."""
    before, inside = 0.0, []
    for at, kw in load(drawn):
        if at <= start_at:
            before = kw
        elif at < end_at:
            inside.append((at, kw))
    return [before, *(kw for _, kw in inside)], mdates.date2num([start_at, *(at for at, _ in inside), end_at])

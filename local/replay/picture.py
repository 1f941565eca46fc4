"""Pictures of a replay: what a kWh cost, when the cars charged, what rest costs, how often chargers were told anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display is needed, so none is asked for

import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator, PercentFormatter

from local.replay.day import Day, mean_day
from local.replay.figures import Figures, uncontrolled
from local.replay.managed import Rules
from local.replay.market import Market

# Okabe and Ito's colours are told apart by everybody; see https://jfly.uni-koeln.de/color/
REPLAYED, AT_ONCE, OTHER, PRICE = "#0072B2", "#D55E00", "#999999", "#333333"
SHADES = ("#0072B2", "#56B4E9", "#009E73", "#CC79A7")
"""Of several sets of rules, as many as can be told apart."""
STYLE: Any = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
MOST_PROFILES = 8
"""From so many on, sessions are counted together."""


def draw(title: str, columns: Sequence[Figures], market: Market, notes: Sequence[str], path: Path) -> None:
    """Draw the replay, mainly of what production would do, and save it at `path`."""
    chosen = main_of(columns)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 10), dpi=110)
        figure.suptitle(title, x=0.06, y=0.975, ha="left", fontsize=17, fontweight="bold")
        figure.text(0.06, 0.928, _subtitle(chosen), ha="left", fontsize=11.5, color="#444444")
        grid = figure.add_gridspec(2, 2, left=0.12, right=0.95, top=0.875, bottom=0.12, hspace=0.34, wspace=0.22)
        _draw_costs(figure.add_subplot(grid[0, 0]), columns)
        _draw_day(figure.add_subplot(grid[0, 1]), chosen, market)
        _draw_trade_off(figure.add_subplot(grid[1, 0]), columns)
        _draw_profiles(figure.add_subplot(grid[1, 1]), columns)
        figure.text(0.06, 0.02, "\n".join(notes), fontsize=8.5, color="#555555", linespacing=1.5, wrap=True)
        figure.savefig(path)
        plt.close(figure)


def main_of(columns: Sequence[Figures]) -> Figures:
    """Return the figures of production's own rules, of others where those are not among them."""
    return next((each for each in columns if each.rules == Rules(each.rules.needs)), columns[-1])


def _subtitle(chosen: Figures) -> str:
    saved = chosen.at_once_eur - chosen.cost_eur
    of_cost = f" ({saved / chosen.at_once_eur * 100:.0f} %)" if chosen.at_once_eur > 0 else ""
    kept = f", {chosen.kept * 100:.1f} % of what perfect information saves" if chosen.kept is not None else ""
    return f"{chosen.name}: {saved:.0f} EUR saved{of_cost}{kept}. {chosen.ready * 100:.1f} % of the cars were ready."


def _draw_costs(axes: Any, columns: Sequence[Figures]) -> None:
    one = columns[0]
    bars = [
        ("at once", one.at_once_eur, AT_ONCE),
        ("best hours", one.hourly_eur, OTHER),
        ("best block", one.block_eur, OTHER),
        *((each.name, each.cost_eur, REPLAYED) for each in columns),
        ("optimum", one.optimum_eur, OTHER),
    ]
    places = range(len(bars))[::-1]
    ct = [eur / one.kwh * 100 for _, eur, _ in bars]
    axes.barh(places, ct, color=[colour for *_, colour in bars], height=0.65)
    for place, value in zip(places, ct, strict=True):
        axes.text(max(value, 0) + max(ct) * 0.012, place, f"{value:.2f}", va="center", fontsize=9.5)
    axes.set_yticks(list(places), [name for name, *_ in bars])
    axes.set_xlim(min(0, *ct), max(ct) * 1.12)
    axes.set_xlabel("ct/kWh")
    axes.set_title("What a kWh cost", loc="left", fontweight="bold")


def _draw_day(axes: Any, chosen: Figures, market: Market) -> None:
    load = mean_day([part for each in chosen.played for part in each.drawn])
    at_once = mean_day([uncontrolled(each.stay) for each in chosen.played])
    edges = [place / 4 for place in range(97)]
    axes.stairs(load.kw, edges, fill=True, color=REPLAYED, alpha=0.85, label="replayed")
    axes.stairs(at_once.kw, edges, color=AT_ONCE, linewidth=1.8, label="at once")
    axes.set_ylabel("kW, all cars")
    axes.set_ylim(0, max(*load.kw, *at_once.kw) * 1.05)
    price = axes.twinx()
    price.stairs(_mean_prices(market), edges, color=PRICE, linewidth=1.2, baseline=None, label="price (right)")
    price.set_ylim(0)
    price.margins(y=0.1)
    price.set_ylabel("ct/kWh")
    price.spines["right"].set_visible(True)
    handles = [*axes.get_legend_handles_labels()[0], *price.get_legend_handles_labels()[0]]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.02, 0.995),
        ncols=3,
        frameon=False,
        fontsize=9,
        columnspacing=1.2,
    )
    axes.set_xticks(range(0, 25, 3), [f"{hour:02d}:00" for hour in range(0, 25, 3)])
    axes.set_xlim(0, 24)
    axes.set_title("Mean day", loc="left", fontweight="bold")


def _mean_prices(market: Market) -> list[float]:
    day = Day()
    for slot in market.curve:
        day.add(slot.start_at, float(slot.eur_per_kwh) * 100)
    return day.means()


def _draw_trade_off(axes: Any, columns: Sequence[Figures]) -> None:
    known = sorted(((each.starts, each.kept or 0.0, each.name) for each in columns), reverse=True)
    starts, kept = [each[0] for each in known], [each[1] for each in known]
    axes.plot(starts, kept, color=REPLAYED, marker="o", linewidth=1.8)
    for at, share, name in known:
        axes.annotate(name, (at, share), textcoords="offset points", xytext=(8, -12), fontsize=8.5)
    one = columns[0]
    lines = (("optimum", one.optimum_eur), ("best single block", one.block_eur), ("best hours", one.hourly_eur))
    for name, eur in lines:
        level = one.share_of_saving(eur)
        if level is not None:
            axes.axhline(level, color=OTHER, linewidth=1, linestyle=":")
            axes.text(0.99, level, name, ha="right", va="bottom", fontsize=8.5, color="#555555",
                      transform=axes.get_yaxis_transform())  # fmt: skip
    axes.margins(x=0.15, y=0.2)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("starts a session")
    axes.set_title("Share of the possible saving, against starts", loc="left", fontweight="bold")


def _draw_profiles(axes: Any, columns: Sequence[Figures]) -> None:
    shown = columns if len(columns) <= len(SHADES) else [columns[0], main_of(columns), columns[-1]]
    width = 0.8 / len(shown)
    for place, (each, colour) in enumerate(zip(shown, SHADES, strict=False)):
        counts = Counter(min(played.sent, MOST_PROFILES) for played in each.played)
        shares = [counts[sent] / each.sessions for sent in range(1, MOST_PROFILES + 1)]
        at = [sent - 0.4 + width * (place + 0.5) for sent in range(1, MOST_PROFILES + 1)]
        axes.bar(at, shares, width, color=colour, label=f"{each.name}: {each.sent:.2f}")
    ticks = [*map(str, range(1, MOST_PROFILES)), f"{MOST_PROFILES}+"]
    axes.set_xticks(range(1, MOST_PROFILES + 1), ticks)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.legend(frameon=False, fontsize=9, title="in the mean", alignment="left")
    axes.set_xlabel("profiles sent in a session")
    axes.set_title("How often chargers were told anew", loc="left", fontweight="bold")

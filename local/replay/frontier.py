"""The picture of what is learnt: the saving that is kept against the share of cars that are ready."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display is needed, so none is asked for

import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator, PercentFormatter

from local.replay.figures import Figures
from local.replay.managed import Needs
from local.replay.picture import OTHER, REPLAYED, STYLE

TITLE = "What is saved without the driver's word"
LOOKS = {
    Needs.LEARNT: (REPLAYED, "o", "every past visit weighed, by care in EUR"),
    Needs.QUANTILE: ("#E69F00", "s", "one cautious departure and need, by share beyond"),
    Needs.ASSUMED: ("#009E73", "D", "a partner's defaults, nothing learnt"),
    Needs.GIVEN: (OTHER, "*", "need and departure told"),
}


def draw_frontier(columns: Sequence[Figures], notes: Sequence[str], path: Path) -> None:
    """Draw each set of rules as a point, those of the dial as a curve, and save the picture at `path`."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(9, 6.5), dpi=110)
        figure.suptitle(TITLE, x=0.09, y=0.97, ha="left", fontsize=16, weight="bold")
        axes = figure.add_axes((0.09, 0.17, 0.87, 0.7))
        for needs, (colour, marker, label) in LOOKS.items():
            found = sorted(
                ((each.ready, each.kept or 0.0, each) for each in columns if each.rules.needs is needs),
                key=lambda point: point[:2],
            )
            if not found:
                continue
            axes.plot(
                [ready for ready, *_ in found],
                [kept for _, kept, _ in found],
                color=colour,
                marker=marker,
                markersize=8,
                linewidth=1.8,
                label=label,
            )
            for ready, kept, each in found:
                _name(axes, ready, kept, each, colour)
        axes.axhline(0, color="#BBBBBB", linewidth=1)
        axes.margins(x=0.08, y=0.12)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel("cars that had 99 % of their energy at plug-out")
        axes.set_ylabel("share of the possible saving")
        axes.legend(loc="best", frameon=False)
        figure.text(0.09, 0.02, "\n".join(notes), fontsize=8, color="#555555", linespacing=1.5, wrap=True)
        figure.savefig(path)
        plt.close(figure)


def _name(axes: Any, ready: float, kept: float, each: Figures, colour: str) -> None:
    dial = {Needs.LEARNT: f"{each.rules.care_eur:g}", Needs.QUANTILE: f"{each.rules.few:g}"}.get(each.rules.needs)
    if dial:
        axes.annotate(dial, (ready, kept), textcoords="offset points", xytext=(8, 5), color=colour, fontsize=9)

"""What a person sees of a replay: the table, and the same as files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from local.replay.cast import Cast
from local.replay.figures import Figures, rows
from local.replay.run import Played

SESSION_COLUMNS = (
    *("rules", "session_id", "arrives_at", "leaves_at", "kwh", "missing_kwh"),
    *("cost_eur", "at_once_eur", "block_eur", "hourly_eur", "optimum_eur"),
    *("starts", "profiles", "plans"),
)
FOOTNOTE = """\
Cost: energy at the day-ahead price of its quarter-hour, without taxes and fees; what is missing at plug-out counts at \
the mean price of charging that session at once. At once, block, hours and optimum know prices, need and departure; \
the replay knows tomorrow's prices from 13:00 on. Ready: at least 99 % of the recorded energy at plug-out."""


def introduce(cast: Cast, console: Console) -> None:
    """Say what is about to be played."""
    first, last = cast.stays[0].arrives_at, cast.stays[-1].arrives_at
    console.print(f"[bold]{len(cast.stays)} sessions, {first:%Y-%m-%d} to {last:%Y-%m-%d}[/]")
    for note in cast.notes:
        console.print(Padding(Text(note, "dim"), (0, 2)))


def results(columns: Sequence[Figures], console: Console) -> None:
    """Print the table, and what it means."""
    table = Table(box=None, padding=(0, 2), header_style="bold")
    table.add_column("", no_wrap=True)
    for each in columns:
        table.add_column(each.name, justify="right", no_wrap=True)
    for name, cells in rows(columns):
        table.add_row(name, *cells)
    console.print(table)
    console.print(Padding(Text(FOOTNOTE, "dim"), (0, 2)))


def write(columns: Sequence[Figures], cast: Cast, folder: Path) -> None:
    """Write the table and what came of each session as CSV."""
    with (folder / "figures.csv").open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {note}\n" for note in cast.notes)
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["", *(each.name for each in columns)])
        table.writerows([name.strip(), *cells] for name, cells in rows(columns))
    with (folder / "sessions.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(SESSION_COLUMNS)
        table.writerows(_cells(column.name, each) for column in columns for each in column.played)


def _cells(name: str, played: Played) -> list[str]:
    stay, eur = played.stay, played.baselines
    costs = (played.cost_eur, eur.at_once, eur.block, eur.hourly, eur.optimum)
    return [
        name,
        stay.session_id,
        f"{stay.arrives_at:%Y-%m-%dT%H:%MZ}",
        f"{stay.leaves_at:%Y-%m-%dT%H:%MZ}",
        f"{stay.kwh:.3f}",
        f"{played.missing_kwh:.3f}",
        *(f"{cost:.5f}" for cost in costs),
        str(played.starts),
        str(played.sent),
        str(played.plans),
    ]

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
from local.replay.figures import COLUMNS, Figures, Row, numbers, percent, row, ways
from local.replay.garage import GroupFigures, whole
from local.replay.run import Played

SESSION_COLUMNS = (
    *("rules", "session_id", "arrives_at", "leaves_at", "kwh", "missing_kwh"),
    *("cost_eur", "at_once_eur", "block_eur", "hourly_eur", "optimum_eur"),
    *("starts", "profiles", "plans"),
)
FOOTNOTE = """\
Cost: energy at the day-ahead price of its quarter-hour, without taxes and fees; what is missing at plug-out counts at \
the mean price of charging that session at once. Kept: the share of the saving that perfect information of prices, \
need and departure makes possible. The replay knows tomorrow's prices from 13:00 on. Ready: at least 99 % of the \
recorded energy at plug-out. Starts of charging and profiles sent are means a session; behind the needs stands what a \
start counts as. The peak is that of all cars."""


def introduce(cast: Cast, console: Console) -> None:
    """Say what is about to be played."""
    first, last = cast.stays[0].arrives_at, cast.stays[-1].arrives_at
    console.print(f"[bold]{len(cast.stays)} sessions, {first:%Y-%m-%d} to {last:%Y-%m-%d}[/]")
    for note in cast.notes:
        console.print(Padding(Text(note, "dim"), (0, 2)))


def results(columns: Sequence[Figures], console: Console) -> None:
    """Print the tables, and what they mean."""
    one = columns[0]
    console.print(_table(("With perfect information", "ct/kWh", "kept"), ways(one)))
    console.print()
    console.print(_table(COLUMNS, [row(each) for each in columns]))
    console.print()
    console.print(f"  {one.kwh:.0f} kWh were wanted; charged at once, the cars peak at {one.at_once_peak_kw:.0f} kW.")
    console.print(Padding(Text(FOOTNOTE, "dim"), (0, 2)))


def _table(header: Sequence[str], cells: Sequence[Row]) -> Padding:
    table = Table(box=None, padding=(0, 1), collapse_padding=True, pad_edge=False, header_style="bold")
    for place, name in enumerate(header):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    for each in cells:
        table.add_row(*each)
    return Padding(table, (0, 2))


GROUP_COLUMNS = (
    *("Garage", "cars", "cap", "drawn", "kept", "ready", "sent"),
    *("missing", "excess", "unforeseen", "lost"),
)
GROUP_FOOTNOTE = """\
Cap, and what the cars drew at most, in kW. Kept: the share of the saving that perfect information makes possible \
under the cap. Sent: profiles, a mean a session. Missing, in kWh: what a maximum flow says that nobody could have \
delivered, whatever he knew (excess); what cars had waited for a cheaper time with when others came, for whom there \
was no room then (unforeseen); and what was within reach, as a maximum flow says, when the last one came (lost)."""


def group_results(groups: Sequence[GroupFigures], console: Console) -> None:
    """Print the garages' table, and what it means."""
    cells = [_group_row(each) for each in groups]
    if len(groups) > 1:
        cells.append(_group_row(whole(groups)))
    console.print(_table(GROUP_COLUMNS, cells))
    console.print()
    console.print(Padding(Text(GROUP_FOOTNOTE, "dim"), (0, 2)))


def _group_row(group: GroupFigures) -> Row:
    each = group.figures
    return (
        group.garage,
        str(each.sessions),
        f"{group.cap_kw:.1f}" if group.cap_kw else "",
        f"{each.peak_kw:.1f}" if group.cap_kw else "",
        percent(group.kept, 1),
        percent(each.ready, 1),
        f"{each.sent:.2f}",
        f"{each.missing_kwh:.1f}",
        f"{group.undeliverable_kwh:.1f}",
        f"{group.unforeseen_kwh:.1f}",
        f"{group.lost_kwh:.1f}",
    )


def write_groups(groups: Sequence[GroupFigures], cast: Cast, folder: Path) -> None:
    """Write the garages' figures as CSV."""
    with (folder / "groups.csv").open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {note}\n" for note in cast.notes)
        rows = [
            {
                "cap_kw": round(each.cap_kw, 3),
                "deliverable_kwh": round(each.bound.kwh, 3),
                "optimum_under_cap_eur": round(each.bound.cost_eur, 4),
                "avoidable_kwh": round(each.avoidable_kwh, 3),
                "unforeseen_kwh": round(each.unforeseen_kwh, 3),
                "lost_kwh": round(each.lost_kwh, 3),
                **numbers(each.figures),
            }
            for each in groups
        ]
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def write(columns: Sequence[Figures], cast: Cast, folder: Path) -> None:
    """Write the figures, and what came of each session, as CSV."""
    with (folder / "figures.csv").open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {note}\n" for note in cast.notes)
        table = csv.DictWriter(file, list(numbers(columns[0])), lineterminator="\n")
        table.writeheader()
        table.writerows(numbers(each) for each in columns)
    with (folder / "sessions.csv").open("w", encoding="utf-8", newline="") as file:
        cells = csv.writer(file, lineterminator="\n")
        cells.writerow(SESSION_COLUMNS)
        cells.writerows(_cells(column.name, each) for column in columns for each in column.played)


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

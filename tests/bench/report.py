"""Figures as they are measured, and how they are shown: one row for each, at the end one table."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from rich.console import Console
from rich.table import Table

Progress = Callable[[str], None]
"""Tells what is going on, a line each."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `beside` is what it is set against, mostly something measured in the same run, `makes` what comes of
    the two; `holds` says whether `goal` is met, None where there is none."""

    bench: str
    what: str
    value: str
    beside: str = ""
    makes: str = ""
    goal: str = ""
    holds: bool | None = None


def machine_row(load_before: float) -> Row:
    """Say what this was measured on, and how busy that was with everything together, the benches included."""
    cores = f"{os.cpu_count()} cores, {platform.machine()}"
    python = f"{platform.system()}, Python {platform.python_version()}"
    return Row("machine", python, cores, f"load {load_before:.1f} before, {os.getloadavg()[0]:.1f} after")


def quantile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def median(values: Iterable[float]) -> float:
    return quantile(values, 0.5)


def ms(seconds: float) -> str:
    """Write a duration in milliseconds, to three digits."""
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value * 1000:.0f} µs"


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the rows: a table on a terminal, else a line each that can be cut at its tabs."""
    if not console.is_terminal:
        for row in rows:
            cells = (row.bench, row.what, row.value, row.beside, row.makes, row.goal, _verdict(row))
            console.file.write("\t".join(cells) + "\n")
        return
    table = Table(title="Offpeak, measured side by side in this run", title_justify="left")
    for name in ("bench", "what", "Offpeak", "beside", "makes", "goal", ""):
        table.add_column(name, justify="right" if name in ("Offpeak", "makes") else "left")
    before = ""
    for row in rows:
        if before and row.bench != before:
            table.add_section()
        name = "" if row.bench == before else row.bench
        before = row.bench
        table.add_row(name, row.what, row.value, row.beside, row.makes, row.goal, _verdict(row), style=_style(row))
    console.print(table)


def _verdict(row: Row) -> str:
    return "" if row.holds is None else "met" if row.holds else "MISSED"


def _style(row: Row) -> str | None:
    return "red" if row.holds is False else None

"""What a person sees in the terminal: how it goes, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from local.cpo import Dialect
from local.demo.figures import Figures, Latency, states
from local.demo.play import Course
from local.demo.records import Glance
from local.demo.scenario import LOCAL, Scenario
from offpeak.profiles.model import Step

TROUBLES_SHOWN, LONGEST_TROUBLE = 8, 400
FOOTNOTE = """\
All figures come from the stack's own tables. Cost: energy at the day-ahead price of its quarter-hour, without taxes \
and fees. At once: the same energy, drawn from plug-in on at the most that the car has shown. Ready on time: by the \
departure that its plans worked to, a car had at least 99 % of its need, which is what lifts it to the target where \
its state of charge is told, else the partner's default, or less where the car stopped asking by itself; a car that \
left before that departure is not excused. Latencies are real time, under the load of a night in a minute or two."""


class Progressing:
    """The live display. Where nobody watches (no terminal) it is a line for each simulated hour."""

    def __init__(self, scenario: Scenario, console: Console) -> None:
        self._scenario = scenario
        self._console = console
        self._said_at: datetime | None = None
        self._bar = Progress(
            TextColumn("  [bold]{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=console,
            expand=True,
        )
        self._task = self._bar.add_task("", total=(scenario.end_at - scenario.start_at) / timedelta(minutes=1))
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the display while the block runs, and leave its last state standing."""
        if not self._console.is_terminal:
            yield
            return
        with Live(self._bar, console=self._console, auto_refresh=False) as self._live:
            yield

    def tell(self, now: datetime, glance: Glance, pushes: int) -> None:
        """Show the state of things at `now`."""
        local = now.astimezone(LOCAL)
        here = [
            ("price now", self._price(now)),
            ("fleet", f"{glance.power_w / 1000:.1f} kW"),
            ("connected", str(glance.connected)),
        ]
        done = [
            ("messages", str(pushes)),
            ("plans", str(glance.plans)),
            ("profiles sent", str(glance.sent)),
            ("confirmed", str(glance.confirmed)),
        ]
        if self._live:
            played_min = (now - self._scenario.start_at) / timedelta(minutes=1)
            self._bar.update(self._task, completed=played_min, description=f"{local:%a %H:%M}")
            self._live.update(Group(self._bar, _line(here), _line(done)), refresh=True)
        elif self._said_at is None or now - self._said_at >= timedelta(hours=1):
            self._said_at = now
            line = f"{local:%a %H:%M}  " + ", ".join(f"{name} {value}" for name, value in here + done)
            self._console.print(line, soft_wrap=True)

    def finish(self) -> None:
        self._bar.update(self._task, completed=self._bar.tasks[0].total)
        if self._live:
            self._live.refresh()

    def _price(self, now: datetime) -> str:
        prices = self._scenario.prices.eur_per_mwh
        at = next((start for start, end in pairwise(prices) if start <= now < end), None)
        return f"{prices[at] / 10:.1f} ct/kWh" if at else "?"


def _line(facts: Sequence[tuple[str, str]]) -> Padding:
    return Padding(Text("   ").join(Text(f"{name} ", "dim") + Text(value, "bold") for name, value in facts), (0, 2))


def introduce(scenario: Scenario, console: Console) -> None:
    """Say what is about to be played."""
    console.print(f"[bold]{scenario.title}[/]")
    lines = list(scenario.notes)
    for fleet in scenario.fleets:
        style = fleet.cpo.style
        told = (
            "tells their state of charge" if "STATE_OF_CHARGE" in style.dimensions else "does not tell what they need"
        )
        writes = "OCPI in full" if style.dialect is Dialect.FULL else "the common guides' few fields"
        wrong = f", gets something wrong in {_some(len(fleet.orders), 'session')}" if fleet.orders else ""
        lines.append(f"{fleet.cpo.name}: {_some(len(fleet.visits), 'car')}; it {told}, writes {writes}{wrong}.")
    for line in lines:
        console.print(Padding(Text(line, "dim"), (0, 2)))


def results(parts: Sequence[Figures], whole: Figures, console: Console) -> None:
    """Print the table, and what it means."""
    columns = [*parts, whole] if len(parts) > 1 else [whole]
    table = Table(box=None, padding=(0, 2), header_style="bold", show_header=len(columns) > 1)
    table.add_column("", no_wrap=True)
    for figures in columns:
        table.add_column(figures.name, justify="right", style="bold" if figures is whole else "", no_wrap=True)
    for name, cells in _rows(columns):
        table.add_row(name, *cells)
    console.print()
    console.print(table)
    console.print()
    counts = ", ".join(f"{count} {state.value}" for state, count in states(whole.requests).items())
    console.print(Padding(f"What became of the profile requests: {counts}.", (0, 2)))
    console.print(Padding(Text(FOOTNOTE, "dim"), (0, 2)))
    console.print()


def report(course: Course, console: Console) -> None:
    """Say what should not have happened."""
    for trouble, times in course.troubles.most_common(TROUBLES_SHOWN):
        often = f" ({times} times)" if times > 1 else ""
        console.print(f"Went wrong: {trouble[:LONGEST_TROUBLE]}{often}", style="red", soft_wrap=True, markup=False)
    more = len(course.troubles) - TROUBLES_SHOWN
    if more > 0:
        console.print(f"{more} more things went wrong.", style="red")


def _rows(columns: Sequence[Figures]) -> Iterator[tuple[str, list[str]]]:
    yield "Sessions", [str(len(each.sessions)) for each in columns]
    yield "Energy", [f"{each.kwh:.1f} kWh" for each in columns]
    yield "Cost", [f"{each.cost_eur:.2f} EUR" for each in columns]
    yield "Cost if charged at once", [f"{each.cost_at_once_eur:.2f} EUR" for each in columns]
    yield "Saving", [f"{each.saving_eur:.2f} EUR" for each in columns]
    yield "  of the cost at once", [_percent(each.saving_share) for each in columns]
    yield "  per kWh", [_ct(each.saving_eur, each.kwh) for each in columns]
    yield "Ready on time", [f"{each.ready} of {len(each.sessions)}" for each in columns]
    yield "  others left early", [str(each.left_early) for each in columns]
    yield "Profiles sent", [str(each.count(Step.SENT)) for each in columns]
    yield "  confirmed by the charger", [str(each.count(Step.CONFIRMED)) for each in columns]
    yield "  seen to be followed", [str(each.count(Step.OBSERVED)) for each in columns]
    yield "Received to sent, p50", [_ms(each.received_to_sent, "p50_ms") for each in columns]
    yield "  p99", [_ms(each.received_to_sent, "p99_ms") for each in columns]
    yield "Sent to confirmed, p50", [_ms(each.sent_to_confirmed, "p50_ms") for each in columns]
    yield "  p99", [_ms(each.sent_to_confirmed, "p99_ms") for each in columns]


def _some(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f} %"


def _ct(eur: float, kwh: float) -> str:
    return f"{eur / kwh * 100:.2f} ct" if kwh else "-"


def _ms(found: Latency | None, name: str) -> str:
    return "-" if found is None else f"{getattr(found, name):.0f} ms"

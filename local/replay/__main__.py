"""`make replay`: plays recorded sessions against recorded prices as production would have planned them, and says what
that would have saved."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from local.recorded import UnreadableRecord
from local.replay.cast import Cast, NothingToReplay, made_up_cast, recorded_cast
from local.replay.figures import Figures
from local.replay.garage import garages, parts_of, play_parts
from local.replay.managed import Needs, Rules
from local.replay.market import Market
from local.replay.run import play_all
from local.replay.show import group_results, introduce, results, write, write_groups
from offpeak.planning.situation import Calm

START_COSTS = (0.0, Calm().start_eur)
CARES = (Rules().care_eur,)
CHARGER_KW = 11.04


def main(arguments: list[str]) -> int:
    console = Console(highlight=False)
    chosen = _parser().parse_args(arguments)
    try:
        cast = _cast(chosen)
    except (UnreadableRecord, NothingToReplay) as error:
        console.print(str(error), style="red")
        return 2
    introduce(cast, console)
    chosen.out.mkdir(parents=True, exist_ok=True)
    began_s = time.monotonic()
    if chosen.group:
        return _groups(cast, chosen, console)
    figures = [_played(cast, name, rules, chosen.workers, console) for name, rules in _rules(chosen)]
    took_s = time.monotonic() - began_s
    results(figures, console)
    write(figures, cast, chosen.out)
    _draw(figures, cast, chosen.out)
    console.print(f"{len(cast.stays) * len(figures)} sessions in {took_s:.0f} s.", style="dim")
    console.print(f"The picture is in {chosen.out}/replay.png, figures and sessions are beside it.", style="dim")
    return 0


def _draw(figures: list[Figures], cast: Cast, folder: Path) -> None:
    from local.replay.frontier import draw_frontier
    from local.replay.picture import draw  # matplotlib takes a second to import

    title = f"{len(cast.stays)} charging sessions against recorded prices"
    draw(title, figures, Market(cast.prices), cast.notes, folder / "replay.png")
    if any(each.rules.learns for each in figures):
        draw_frontier(figures, cast.notes, folder / "frontier.png")


def _groups(cast: Cast, chosen: argparse.Namespace, console: Console) -> int:
    """Play garages under caps, by the last of the rules."""
    parts = parts_of(cast.stays, cap_share=chosen.cap, garage=chosen.group)
    if not parts:
        console.print(f"There is no garage {chosen.group}: {', '.join(sorted({each.garage for each in cast.stays}))}.")
        return 2
    rules = _rules(chosen)[-1][1]
    playing = play_parts(parts, cast.known, cast.prices, rules, chosen.workers)
    shown = track(playing, "  groups", total=len(parts), console=console, disable=not console.is_terminal)
    groups = garages(shown)
    group_results(groups, console)
    write_groups(groups, cast, chosen.out)
    from local.replay.group_picture import draw_group  # matplotlib takes a second to import

    draw_group(groups[0], Market(cast.prices), cast.notes, chosen.out / "group.png")
    console.print(f"The picture is in {chosen.out}/group.png, figures are beside it.", style="dim")
    return 0


def _played(cast: Cast, name: str, rules: Rules, workers: int, console: Console) -> Figures:
    began_s = time.monotonic()
    playing = play_all(cast.stays, cast.known, cast.prices, rules, workers)
    shown = track(playing, f"  {name}", total=len(cast.stays), console=console, disable=not console.is_terminal)
    figures = Figures(name, tuple(shown), rules)
    if not console.is_terminal:
        console.print(f"  {name}: {figures.sessions} sessions in {time.monotonic() - began_s:.0f} s", style="dim")
    return figures


def _rules(chosen: argparse.Namespace) -> list[tuple[str, Rules]]:
    """Return the sets of rules asked for: where needs are learnt one for each care, else one for each start cost."""
    found = []
    for needs in chosen.needs:
        if needs is Needs.LEARNT:
            calm = replace(Calm(), start_eur=chosen.start_cost[-1])
            found += [(f"learnt, care {eur:g}", Rules(needs, calm, care_eur=eur)) for eur in chosen.care]
        elif needs is Needs.QUANTILE:
            calm = replace(Calm(), start_eur=chosen.start_cost[-1])
            found += [(f"quantile {few:g}", Rules(needs, calm, few=few)) for few in chosen.few]
        else:
            costs = [(eur, replace(Calm(), start_eur=eur)) for eur in chosen.start_cost]
            found += [(f"{needs}, {eur * 100:g} ct", Rules(needs, calm)) for eur, calm in costs]
    return found


def _cast(chosen: argparse.Namespace) -> Cast:
    if chosen.sessions is None:
        return made_up_cast(chosen.prices, seed=chosen.seed, limit=chosen.limit)
    return recorded_cast(chosen.sessions, chosen.prices, least_w=chosen.charger * 1000, limit=chosen.limit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make replay", description=__doc__)
    parser.add_argument(
        "--sessions",
        type=Path,
        metavar="FILE",
        help="recorded sessions instead of made-up ones: semicolons, decimal comma, columns session_ID, Start_plugin, "
        "End_plugout, El_kWh; Garage_ID and User_ID where there are any",
    )
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="prices with the columns start_utc,eur_per_mwh (default: a sample)"
    )
    parser.add_argument(
        "--needs",
        type=Needs,
        choices=list(Needs),
        nargs="+",
        default=[Needs.GIVEN],
        help="what Offpeak knows: need and departure as they were (given), a partner's defaults (assumed), or what "
        "past visits tell (learnt; quantile: as single cautious figures, to compare)",
    )
    parser.add_argument(
        "--start-cost",
        type=_number_from(0.0),
        nargs="+",
        default=START_COSTS,
        metavar="EUR",
        help="what a start of charging counts as, one replay for each (default: 0 and what production takes)",
    )
    parser.add_argument(
        "--care",
        type=_number_from(0.0),
        nargs="+",
        default=CARES,
        metavar="EUR",
        help="what it counts as when a car leaves without what it needs, where that is learnt: one replay for each",
    )
    parser.add_argument(
        "--few",
        type=_number_from(0.0),
        nargs="+",
        default=[Rules().few],
        metavar="SHARE",
        help="the quantile: so few left before the departure planned for, and needed more; one replay for each",
    )
    parser.add_argument(
        "--charger",
        type=_number_from(1.0),
        default=CHARGER_KW,
        metavar="KW",
        help="what the chargers of recorded sessions give; more where the record needs it (default: %(default)s)",
    )
    parser.add_argument(
        "--group",
        metavar="GARAGE",
        help="plan the sessions of a garage together, as one limit group: its name, 'each' or 'all' (one group of all)",
    )
    parser.add_argument(
        "--cap",
        type=_number_from(0.0),
        default=0.5,
        metavar="SHARE",
        help="of what a group would draw at most if charged at once, it may draw this (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, default=Path("build/replay"), help="a folder (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the made-up cars (default: %(default)s)")
    parser.add_argument("--limit", type=_count, metavar="N", help="play so many sessions, spread over all")
    parser.add_argument("--workers", type=_count, default=os.cpu_count() or 1, help="processes (default: %(default)s)")
    return parser


def _number_from(least: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not value >= least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least:g}")
        return value

    return number


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

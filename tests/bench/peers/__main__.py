"""Offpeak's solvers beside others, on identical instances in one run, each in a process and an environment of its own.

`make bench-peers` installs the environments and runs this; docs/benchmarks.md says how it is measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.bench.peers.asked import Asked, Peer, PeerFailed, running
from tests.bench.peers.contest import OURS, Outcome, compete
from tests.bench.peers.instances import made_up
from tests.bench.report import Progress, Row, machine_row, median, ms, show

FLEXMEASURES, BY_PYOMO = "FlexMeasures 1.0.1", "FlexMeasures 1.0.1, appsi_highs"
WITHOUT_NUMPY = "Offpeak without numpy, as deployed"
HIGHS, HIGHS_MILP, SCIPY, PYOMO, ORTOOLS = "HiGHS", "HiGHS, MILP", "scipy linprog", "Pyomo, HiGHS", "OR-tools"

PEERS = {
    each.name: each
    for each in (
        Peer(OURS, "by_offpeak.py"),
        Peer(WITHOUT_NUMPY, "by_offpeak.py", settings={"WITHOUT_NUMPY": "1"}),
        Peer(FLEXMEASURES, "by_flexmeasures.py", "flexmeasures", {"FLEXMEASURES_LP_SOLVER": "highspy"}),
        Peer(BY_PYOMO, "by_flexmeasures.py", "flexmeasures", {"FLEXMEASURES_LP_SOLVER": "appsi_highs"}),
        Peer(HIGHS, "by_highs.py", "highs"),
        Peer(HIGHS_MILP, "by_highs.py", "highs"),
        Peer(SCIPY, "by_scipy.py", "scipy"),
        Peer(PYOMO, "by_pyomo.py", "pyomo"),
        Peer(ORTOOLS, "by_ortools.py", "ortools"),
    )
}
MILP = "taper, MILP"
SAME_COST = 1e-6
WITHIN_KWH = 1e-6
"""What a solver's own tolerance lets it miss a limit by."""
OUR_REPEATS, REPEATS, SLOW_REPEATS = 25, 4, 2
SLOW = (FLEXMEASURES, BY_PYOMO)
COLD_STARTS, SLOW_COLD_STARTS = 5, 1
COLD_UP_TO = 100
"""Sessions of a group: from there on the import hardly counts."""


@dataclass(frozen=True, slots=True)
class Contest:
    """A kind of problem, how many instances, and who is asked; `goals` are how many times faster than whom."""

    title: str
    kind: str
    instances: int
    against: tuple[str, ...]
    goals: Mapping[str, float]
    size: int = 1
    called: Mapping[str, str] | None = None
    """The kind as a peer calls it, where it has another formulation for the same."""
    repeats: int = REPEATS


CONTESTS = (
    Contest(
        "plain", "plain", 20, (FLEXMEASURES, BY_PYOMO, HIGHS, SCIPY, PYOMO, ORTOOLS), {FLEXMEASURES: 5000, HIGHS: 50}
    ),
    Contest(
        "milestones", "milestones", 20, (FLEXMEASURES, BY_PYOMO, HIGHS, SCIPY, PYOMO), {FLEXMEASURES: 1000, HIGHS: 50}
    ),
    Contest("minimum power", "minimum power", 20, (FLEXMEASURES, BY_PYOMO, HIGHS), {FLEXMEASURES: 1000}),
    Contest("V2G", "V2G", 20, (FLEXMEASURES, BY_PYOMO, HIGHS, SCIPY), {FLEXMEASURES: 1000}),
    Contest("taper", "taper", 20, (HIGHS,), {}),
    Contest("taper as MILP", "taper", 3, (HIGHS_MILP,), {HIGHS_MILP: 1000}, called={HIGHS_MILP: MILP}, repeats=1),
    Contest("group of 10", "group", 10, (ORTOOLS, FLEXMEASURES, HIGHS, SCIPY), {ORTOOLS: 0.5}, size=10, repeats=10),
    Contest("group of 100", "group", 8, (ORTOOLS, FLEXMEASURES, HIGHS, SCIPY), {ORTOOLS: 1}, size=100),
    Contest("group of 1,000", "group", 2, (ORTOOLS, HIGHS, SCIPY, WITHOUT_NUMPY), {ORTOOLS: 1}, size=1000),
    Contest("group of 10,000", "group", 3, (ORTOOLS, WITHOUT_NUMPY), {ORTOOLS: 2.5}, size=10_000),
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers", description=__doc__)
    parser.add_argument("--environments", type=Path, required=True, help="folder of the peers' environments")
    titles = [each.title.replace(" ", "-") for each in CONTESTS]
    parser.add_argument("--only", choices=titles, action="append", help="run this one (may be given more than once)")
    given = parser.parse_args(arguments)
    chosen = [each for each in CONTESTS if not given.only or each.title.replace(" ", "-") in given.only]

    began, load_before = time.monotonic(), os.getloadavg()[0]
    told = Console(stderr=True, highlight=False)

    def progress(what: str) -> None:
        told.print(f"{time.monotonic() - began:5.0f} s  {what}", soft_wrap=True)

    rows = [machine_row(load_before)]
    with ExitStack() as stack:
        asked = {}
        for name in [OURS, *dict.fromkeys(name for each in chosen for name in each.against)]:
            progress(f"starting {name}")
            asked[name] = stack.enter_context(running(PEERS[name], given.environments, given.environments / "logs"))
        try:
            for contest in chosen:
                rows += held(contest, asked, progress)
            for contest in chosen:
                if contest.size <= COLD_UP_TO and not contest.called:
                    rows += cold(contest, given.environments, progress)
        finally:
            show(rows, Console())
    return 0


def held(contest: Contest, asked: Mapping[str, Asked], progress: Progress) -> list[Row]:
    """Have one kind solved by all who can; return a row for each of them and one for what they paid."""
    names = [OURS, *(name for name in contest.against if name in asked)]
    progress(f"{contest.title}: {contest.instances} instances by {', '.join(names)}")
    called = contest.called or {}
    outcome = compete(
        contest.kind,
        made_up(contest.kind, contest.instances, contest.size),
        {name: (asked[name], called.get(name, contest.kind)) for name in names},
        {name: repeats_of(name, contest) for name in names},
    )
    return [*rows_of(contest.title, outcome, contest.goals), *same_rows(contest.title, outcome)]


def repeats_of(name: str, contest: Contest) -> int:
    if name in SLOW or (contest.size >= 1000 and name not in (OURS, ORTOOLS)):
        return SLOW_REPEATS
    return OUR_REPEATS if name == OURS and contest.size == 1 else contest.repeats


def rows_of(title: str, outcome: Outcome, goals: Mapping[str, float]) -> Iterator[Row]:
    ours = outcome.median_of(OURS)
    for name in outcome.took:
        if name == OURS:
            continue
        theirs, goal = outcome.median_of(name), goals.get(name)
        yield Row(
            title,
            f"beside {name}",
            ms(ours),
            ms(theirs),
            f"{theirs / ours:,.3g} x" if theirs < 1000 * ours else f"{theirs / ours:,.0f} x",
            f"≥ {goal:,g} x" if goal else "",
            theirs >= goal * ours if goal else None,
        )


def same_rows(title: str, outcome: Outcome) -> Iterator[Row]:
    yield Row(
        title, "cost apart at most", f"{outcome.apart:.0e}", "", "", f"≤ {SAME_COST:.0e}", outcome.apart <= SAME_COST
    )
    is_kept = outcome.broken_kwh <= WITHIN_KWH
    yield Row(title, "a limit broken by at most", f"{max(0.0, outcome.broken_kwh):.0e} kWh", holds=is_kept)


def cold(contest: Contest, environments: Path, progress: Progress) -> Iterator[Row]:
    """Start each anew a few times: the import, and the first instance of a kind after it."""
    [instance] = made_up(contest.kind, 1, contest.size)
    ours_s = 0.0
    for name in (OURS, *contest.against):
        starts = SLOW_COLD_STARTS if name in SLOW else COLD_STARTS
        progress(f"{contest.title}: {starts} cold starts of {name}")
        imports, firsts = [], []
        for _ in range(starts):
            with running(PEERS[name], environments, environments / "logs") as asked:
                imports.append(asked.import_s)
                firsts += asked.solve(contest.kind, instance, 1).seconds
        took_s = median(imports) + median(firsts)
        ours_s = ours_s or took_s
        yield Row(
            f"{contest.title}, cold",
            f"{name}: import, and the first instance",
            ms(median(imports)),
            ms(median(firsts)),
            f"{took_s / ours_s:,.3g} x",
        )


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PeerFailed as error:
        sys.exit(str(error))

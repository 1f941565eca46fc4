"""Benches: how fast Offpeak is, beside something else that does the same in the same run.

Absolute figures are this machine's, at this moment; what stands side by side was measured in turns, so their ratio is
not. docs/benchmarks.md says how each is measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

from rich.console import Console

from local.background import ProgramDidNotStart
from local.cloud_assembly import SynthesisFailed
from local.cloud_deploy import DeploymentFailed
from tests.bench import (
    authorisation,
    cost,
    exactness,
    history,
    latency,
    limit_cut,
    packages,
    planning,
    session_to_profile,
    throughput,
)
from tests.bench.report import Progress, Row, machine_row, show
from tests.bench.stand import Stand, running

ALONE: dict[str, Callable[[Progress], list[Row]]] = {
    planning.NAME: planning.measure,
    exactness.NAME: exactness.measure,
    session_to_profile.NAME: session_to_profile.measure,
    packages.NAME: packages.measure,
}
DEPLOYED: dict[str, Callable[[Stand, Progress], list[Row]]] = {
    cost.NAME: cost.measure,
    latency.NAME: latency.measure,
    throughput.NAME: throughput.measure,
    limit_cut.NAME: limit_cut.measure,
    history.NAME: history.measure,
    authorisation.NAME: authorisation.measure,
}
"""In this order: cost counts on being the first."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = [each.replace(" ", "-") for each in (*ALONE, *DEPLOYED)]
    parser.add_argument("--only", choices=names, action="append", help="run this one (may be given more than once)")
    chosen = [each.replace("-", " ") for each in parser.parse_args(arguments).only or names]

    began, load_before = time.monotonic(), os.getloadavg()[0]
    told = Console(stderr=True, highlight=False)
    rows: list[Row] = []

    def progress_of(bench: str) -> Progress:
        return lambda what: told.print(
            f"{time.monotonic() - began:5.0f} s  [bold]{bench}[/bold]  {what}", soft_wrap=True
        )

    for name in (each for each in ALONE if each in chosen):
        rows += ALONE[name](progress_of(name))
    if deployed := [each for each in DEPLOYED if each in chosen]:
        with running(progress_of("local stack")) as stand:
            for name in deployed:
                rows += DEPLOYED[name](stand, progress_of(name))
    show([machine_row(load_before), *rows], Console())
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ProgramDidNotStart, SynthesisFailed, DeploymentFailed) as error:
        sys.exit(str(error))

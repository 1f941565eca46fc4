"""`make demo`: plays a night of charging on the embedded cloud, shows how it goes and what came of it."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date
from pathlib import Path

from rich.console import Console

from local.background import ProgramDidNotStart
from local.cloud_assembly import SynthesisFailed
from local.cloud_deploy import DeploymentFailed
from local.cpo import RegistrationFailed
from local.demo.figures import Figures, figures_of, together
from local.demo.play import Course, play
from local.demo.records import Glance, PartnerRecord, Records
from local.demo.scenario import EVENING, MOST, NothingToPlay, Scenario, made_up_night, recorded_nights
from local.demo.show import Progressing, introduce, report, results
from local.demo.stage import CloudEnded, Stage, set_up
from local.recorded import UnreadableRecord
from offpeak.profiles.model import Step
from offpeak.sessions.model import SessionKey
from ops.deployed import FunctionFailed, NotDeployed

INTERRUPTED = 130
GLANCE_EVERY_MIN = 15


def main(arguments: list[str]) -> int:
    console = Console(highlight=False)
    chosen = _parser().parse_args(arguments)
    began_s = time.monotonic()
    try:
        scenario = _scenario(chosen)
        introduce(scenario, console)
        with set_up(scenario, lambda text: console.print(text, style="dim")) as stage:
            course, records = _play(scenario, stage, console)
            course.troubles.update(_troubles(scenario, stage, records))
    except KeyboardInterrupt:
        console.print("\nStopped; all that was started has ended.")
        return INTERRUPTED
    except (UnreadableRecord, NothingToPlay) as error:
        console.print(str(error), style="red")
        return 2
    except (
        CloudEnded,
        SynthesisFailed,
        ProgramDidNotStart,
        DeploymentFailed,
        RegistrationFailed,
        FunctionFailed,
        NotDeployed,
    ) as e:
        console.print(f"The demonstration could not go on: {e}", style="red")
        return 1
    parts = [figures_of(record) for record in records if record.sessions]
    if parts:
        _show(scenario, parts, records, chosen.picture, console)
    report(course, console)
    console.print(f"{course.pushes} session messages in {time.monotonic() - began_s:.0f} s.", style="dim")
    return 1 if course.troubles else 0


def _play(scenario: Scenario, stage: Stage, console: Console) -> tuple[Course, tuple[PartnerRecord, ...]]:
    """Play the scenario, and return how it went and what the stack has recorded of it."""
    records = Records(stage.cloud)
    keys = [SessionKey(fleet.partner_id, visit.session_id) for fleet in scenario.fleets for visit in fleet.visits]
    course, glance = Course(), Glance()
    progressing = Progressing(scenario, console)
    with progressing.shown():
        for now in play(scenario, stage, course):
            if now.minute % GLANCE_EVERY_MIN == 0:
                glance = records.glance(keys)
            progressing.tell(now, glance, course.pushes)
        progressing.finish()
    console.print("Reading what the stack has recorded ...", style="dim")
    return course, records.partners()


def _troubles(scenario: Scenario, stage: Stage, records: tuple[PartnerRecord, ...]) -> list[str]:
    """Return what shows at the end that should not be, in sentences."""
    troubles = [f"{name} had to complain: {each}." for name, cpo in stage.cpos.items() for each in cpo.complaints[:3]]
    for queue in ("plan", "send", "replan"):
        letters = stage.cloud.dead_letters(queue)
        if letters:
            troubles.append(f"The {queue} queue has given up on {letters}.")
    known = sum(len(record.sessions) for record in records)
    if known != len(scenario.visits):
        troubles.append(f"The stack knows {known} of {len(scenario.visits)} sessions.")
    requests = [request for record in records for session in record.sessions for request in session.requests]
    if not any(Step.CONFIRMED in each.steps for each in requests):
        troubles.append("No charging profile was confirmed.")
    return troubles


def _show(
    scenario: Scenario, parts: list[Figures], records: tuple[PartnerRecord, ...], picture: Path, console: Console
) -> None:
    from local.demo.picture import draw

    whole = together(parts)
    results(parts, whole, console)
    longest = max((record.prices for record in records), key=lambda prices: len(prices.slots))
    draw(scenario.title, whole, longest, picture)
    console.print(f"Picture: {picture.resolve()}")


def _scenario(chosen: argparse.Namespace) -> Scenario:
    if chosen.sessions is None:
        return made_up_night(chosen.night or EVENING, chosen.most, chosen.seed, chosen.prices)
    return recorded_nights(
        chosen.sessions,
        chosen.prices,
        night=chosen.night,
        nights=chosen.nights,
        most=chosen.most,
        tells_soc=not chosen.untold,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument(
        "--sessions",
        type=Path,
        metavar="FILE",
        help="recorded sessions to play instead of made-up ones: semicolons, decimal comma, columns session_ID, "
        "Start_plugin, End_plugout, El_kWh",
    )
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="prices with the columns start_utc,eur_per_mwh (default: a sample)"
    )
    parser.add_argument(
        "--night",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help=f"the evening to begin with (default: {EVENING}; of recorded sessions the busiest night)",
    )
    parser.add_argument(
        "--nights", type=_positive, default=1, help="how many nights, of recorded sessions (default: 1)"
    )
    parser.add_argument(
        "--most",
        type=_positive,
        default=MOST,
        help="cars; a dozen takes a minute or two (default: %(default)s)",
    )
    parser.add_argument(
        "--untold", action="store_true", help="let recorded cars tell no state of charge: Offpeak assumes their need"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the made-up cars (default: %(default)s)")
    parser.add_argument("--picture", type=Path, default=Path("demo.png"), help="(default: %(default)s)")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

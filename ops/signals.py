"""The command on signals of the grid: announce, list, show and withdraw them, and tell who did."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ops.asking import Refused
from ops.deployed import Deployed
from ops.operator_api import all_pages, call, path_of

Command = Callable[[str, Callable[[Deployed, argparse.Namespace], None], str], Any]
VALUES = {"cap": "power_w", "price-adder": "eur_per_kwh", "carbon": "g_per_kwh", "congestion": "share"}
"""Kinds as the command writes them -> the value that each step of one has."""
EXAMPLES = """\
examples:
  python -m ops signal add --stage qa --zone DE-LU --kind congestion --id evening-1 \\
      --step 2027-03-01T17:00:00Z=0.5 --until 2027-03-01T19:00:00Z --note "redispatch"
  python -m ops signal add --stage qa --zone NL --kind cap --step 2027-03-01T17:00:00Z=4100
  python -m ops signal add --local --zone DE-LU --kind price-adder --step now=0.10 --until 2027-03-01T19:00:00Z
  python -m ops signal list --local --zone DE-LU
  python -m ops signal withdraw evening-1 --stage qa

The value of a step is in W (cap: of each session of a zone, or of a limit group as a whole), in EUR/kWh (price-adder:
what the time counts for on top of its price), in g/kWh (carbon), or a share from 0 to 1 (congestion: what is left of
each session's power, or of a group's limit). It holds until the next step, or until the signal ends.
"""


def add_commands(command: Command) -> None:
    """Add the command; `command` makes the parser of one."""
    signal = command(
        "signal", _signal, "announce, list, show or withdraw signals of the grid, and tell who did; `signal --help`"
    )
    signal.epilog, signal.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    signal.add_argument("action", choices=["add", "list", "show", "withdraw", "audit"])
    signal.add_argument("signal_id", nargs="?", help="of the signal to show or to withdraw")
    signal.add_argument("--zone", help="a bidding zone such as DE-LU")
    signal.add_argument("--group", help="in place of a zone: a limit group, any of its tree")
    signal.add_argument("--kind", choices=list(VALUES), help="what it asks")
    signal.add_argument(
        "--step",
        action="append",
        default=[],
        type=_step,
        dest="steps",
        metavar="INSTANT=VALUE",
        help="from when on which value holds, in order of time; repeat it for several; `now` is an instant, too",
    )
    signal.add_argument("--until", metavar="INSTANT", help="when it ends; a cap or an adder may go on until withdrawn")
    signal.add_argument("--id", dest="new_id", help="an id for a new signal: the same command again is no second one")
    signal.add_argument("--source", help="who says so (default: operator)")
    signal.add_argument("--note", help="why, for people")


def _signal(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    actions = {"add": _add, "list": _list, "show": _show, "withdraw": _withdraw, "audit": _audit}
    actions[chosen.action](offpeak, chosen)


def _add(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    if chosen.kind is None or not chosen.steps:
        raise Refused("Say what the signal asks: --kind cap --step 2027-03-01T17:00:00Z=4100")
    value = VALUES[chosen.kind]
    said = {
        "signal_id": chosen.new_id,
        "zone": chosen.zone,
        "group": chosen.group,
        "kind": chosen.kind.replace("-", "_").upper(),
        "steps": [{"start_at": at, value: number} for at, number in chosen.steps],
        "end_at": chosen.until,
        "source": chosen.source,
        "note": chosen.note,
    }
    signal = {name: each for name, each in said.items() if each is not None}
    announced = call(offpeak, "POST", "/signals", signal)
    print(f"Signal {announced['signal_id']} stands; running sessions that it concerns are being planned.")


def _list(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    asked = {name: each for name in ("zone", "group") if (each := getattr(chosen, name)) is not None}
    found = all_pages(offpeak, "/signals", "signals", **asked)
    for each in found:
        print(_line(each))
    if not found:
        print("There are no signals: python -m ops signal --help")


def _show(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    print(json.dumps(call(offpeak, "GET", f"/signals{path_of(_named(chosen))}"), indent=2, ensure_ascii=False))


def _withdraw(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    call(offpeak, "DELETE", f"/signals{path_of(_named(chosen))}")
    print(f"Signal {chosen.signal_id} is withdrawn; running sessions that it concerned are being planned.")


def _audit(offpeak: Deployed, _: argparse.Namespace) -> None:
    for entry in all_pages(offpeak, "/audit/signals", "entries"):
        at = datetime.fromisoformat(entry["at"])
        print(f"{entry['number']:>4}  {at:%Y-%m-%d %H:%M:%S} UTC  {entry['action']}  by {entry['who']}")
        for changed in entry["changes"]:
            print(f"      {changed['name']}: {changed['before']!r} -> {changed['after']!r}")


def _named(chosen: argparse.Namespace) -> str:
    if chosen.signal_id is None:
        raise Refused(f"Name the signal: signal {chosen.action} SIGNAL_ID; `signal list` names them all.")
    return str(chosen.signal_id)


def _line(signal: Mapping[str, Any]) -> str:
    scope = signal["zone"] or f"group {signal['group']}"
    first, last = signal["steps"][0]["start_at"], signal["end_at"] or "withdrawn"
    value = VALUES[signal["kind"].replace("_", "-").lower()]
    values = [str(each[value]) for each in signal["steps"][:3]] + (["..."] if len(signal["steps"]) > 3 else [])
    return f"{signal['signal_id']:<24} {scope:<16} {signal['kind']:<12} {first} to {last}  {value} {', '.join(values)}"


def _step(text: str) -> tuple[str, float | int]:
    """Read INSTANT=VALUE."""
    at, equals, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = None
    if not equals or number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not INSTANT=VALUE such as 2027-03-01T17:00:00Z=4100")
    return _instant(at), int(number) if number.is_integer() else number


def _instant(text: str) -> str:
    return datetime.now(UTC).isoformat(timespec="seconds") if text == "now" else text

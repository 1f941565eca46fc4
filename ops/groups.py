"""The commands on limit groups: connections, boards, feeders, the chargers behind them, and what else flows there."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.asking import Refused
from ops.deployed import Deployed
from ops.group_text import group_text
from ops.operator_api import all_pages, call, path_of

Command = Callable[..., Any]

EXAMPLES = """\
examples:
  python -m ops group add garage --stage qa --name "The garage" --limit-a 63 --reserve-w 4140
  python -m ops group add row-b --stage qa --name "Row B" --kind BOARD --parent garage --limit-a 32
  python -m ops group member add row-b acme EVSE-1 --stage qa --max-power-w 11040 --phases 3
  python -m ops group load garage --stage qa --base-load-a 12.5 9 10 --pv-w 4200
  python -m ops group show garage --stage qa
  python -m ops group change garage --stage qa --set limit_a=50 --set reserve_w=0
  python -m ops group import chargers.csv --stage qa

A limit in amperes holds on each phase, a limit in watts in all. What can be set is what `show --json` names. A file to
import is JSON ({"groups": [{"group_id": "garage", "name": "...", "limit_a": 63, "members": [...]}]}, parents first) or
CSV with the columns group_id, partner_id, evse_uid, connector_id, max_power_w, phases, phase_order (L1+L2+L3),
unmanaged_w; the last five but max_power_w may be empty.
"""

FLAGS = {
    "--limit-a": (float, "amperes on each phase"),
    "--limit-w": (int, "watts in all"),
    "--phases": (int, "1 or 3 (default: 3)"),
    "--voltage-v": (int, "between a phase and neutral (default: 230)"),
    "--reserve-w": (int, "kept free for cars that plug in, until they are planned (default: 0)"),
    "--assumed-load-w": (int, "base load where none is told (default: the highest of the last day)"),
    "--stale-after-s": (int, "how long a measurement holds (default: 900)"),
}
"""What a new group may be told beside its name."""


def add_commands(command: Command, commands: Any) -> None:
    """Add `group` with its commands; `command` makes the parser of one, among those it is given."""
    family = commands.add_parser(
        "group",
        help="keep limit groups: chargers that share a connection, a board or a feeder",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    own = family.add_subparsers(required=True, metavar="COMMAND")

    add = command("add", _add, "make a limit group", own)
    add.add_argument("group_id", help="the id we give it: lower-case letters, digits, hyphens")
    add.add_argument("--name", required=True)
    add.add_argument("--kind", choices=["CONNECTION", "BOARD", "FEEDER", "OTHER"])
    add.add_argument("--parent", dest="parent_id", metavar="GROUP", help="the group that it is behind")
    for flag, (kind, summary) in FLAGS.items():
        add.add_argument(flag, type=kind, help=summary)
    add.add_argument("--balanced", action="store_true", help="loads told in one figure spread evenly over the phases")

    change = command("change", _change, "change what is set of a group; its sessions are planned anew at once", own)
    change.add_argument("group_id")
    change.add_argument("--set", action="append", type=_setting, required=True, metavar="NAME=VALUE", dest="settings")

    show = command("show", _show, "show a group and all below it, with the power that is available now", own)
    show.add_argument("group_id")
    show.add_argument("--json", action="store_true", help="print all that is known as JSON")

    command("list", _list, "list the groups, tree by tree", own)
    command("remove", _remove, "remove a group without chargers and groups below it", own).add_argument("group_id")

    load = command("load", _load, "tell what else flows behind a group's limit: measured now, or a forecast", own)
    load.add_argument("group_id")
    for flag in ("base-load", "pv"):
        told = load.add_mutually_exclusive_group()
        told.add_argument(f"--{flag}-w", nargs="+", type=int, metavar="W", help="watts: in all, or on each phase")
        told.add_argument(f"--{flag}-a", nargs="+", type=float, metavar="A", help="amperes on each phase")
        told.add_argument(
            f"--{flag}-forecast",
            type=Path,
            metavar="FILE",
            help="CSV with start_at and power_w in each row; the last row says where it ends",
        )

    audit = command("audit", _audit, "show what was changed in a group's tree, when and by whom, newest first", own)
    audit.add_argument("group_id")

    imported = command("import", _import, "make groups and put chargers from a file, JSON or CSV; may be repeated", own)
    imported.add_argument("file", type=Path)

    members = own.add_parser("member", help="put chargers into a group, or take them out").add_subparsers(
        required=True, metavar="COMMAND"
    )
    put = command("add", _put, "put a charger into a group, from another one too; or change what is set of it", members)
    _add_place(put)
    put.add_argument("--max-power-w", type=int, required=True, help="the most that its hardware draws, over all phases")
    put.add_argument("--phases", type=int, choices=[1, 2, 3], help="without it, all may be on any one phase")
    put.add_argument("--phase-order", nargs="+", choices=["L1", "L2", "L3"], help="which phases these are")
    put.add_argument("--unmanaged-w", type=int, help="what a car gets without a profile (default: the most)")
    _add_place(command("remove", _take_out, "take a charger out of a group", members))


def _add_place(parser: Any) -> None:
    parser.add_argument("group_id")
    parser.add_argument("partner_id")
    parser.add_argument("evse_uid")
    parser.add_argument("connector_id", nargs="?", help="left out: the EVSE with all its connectors")


def _add(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    names = ("group_id", "name", "kind", "parent_id", *(flag.lstrip("-").replace("-", "_") for flag in FLAGS))
    said = {name: value for name in names if (value := getattr(chosen, name)) is not None}
    _print(call(offpeak, "POST", "/groups", {**said, **({"is_balanced": True} if chosen.balanced else {})}))


def _change(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _print(call(offpeak, "PATCH", _at(chosen), dict(chosen.settings)))


def _show(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    shown = call(offpeak, "GET", _at(chosen))
    if chosen.json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        _print(shown)


def _list(offpeak: Deployed, _: argparse.Namespace) -> None:
    listed = all_pages(offpeak, "/groups", "groups")
    for group in listed:
        behind = f"behind {group['parent_id']}" if group["parent_id"] else ""
        print(f"{group['root_id']:<24} {group['group_id']:<24} {group['kind']:<11} {group['name']} {behind}".rstrip())
    if not listed:
        print("There are no limit groups yet: python -m ops group --help")


def _remove(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    call(offpeak, "DELETE", _at(chosen))
    print(f"{chosen.group_id} is removed")


def _load(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    told = {
        name: course
        for name in ("base_load", "pv")
        if (course := _course(*(getattr(chosen, f"{name}_{kind}") for kind in ("w", "a", "forecast"))))
    }
    if not told:
        raise Refused("Say what flows: --base-load-w 1200, --pv-a 3 3 3, --base-load-forecast FILE")
    _print(call(offpeak, "PUT", f"{_at(chosen)}/load", told))


def _audit(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    for entry in all_pages(offpeak, f"{_at(chosen)}/audit", "entries"):
        at = datetime.fromisoformat(entry["at"])
        print(f"{entry['number']:>4}  {at:%Y-%m-%d %H:%M:%S} UTC  {entry['action']}  by {entry['who']}")
        for changed in entry["changes"]:
            print(f"      {changed['name']}: {changed['before']!r} -> {changed['after']!r}")


def _import(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    told = list(read_file(chosen.file))
    known = {each["group_id"] for each in all_pages(offpeak, "/groups", "groups")}
    missing = [group["group_id"] for group, _ in told if len(group) == 1 and group["group_id"] not in known]
    if missing:
        raise Refused(f"There is no group {missing[0]}: make it first, with `group add` or from a JSON file.")
    for group, members in told:
        group_id = group["group_id"]
        if group_id not in known:
            call(offpeak, "POST", "/groups", group)
            known.add(group_id)
        elif len(group) > 1:
            call(offpeak, "PATCH", f"/groups{path_of(group_id)}", {n: v for n, v in group.items() if n != "group_id"})
        if members:
            call(offpeak, "PATCH", f"/groups{path_of(group_id)}/members", {"put": members})
        print(f"{group_id}: {len(members)} chargers")


def _put(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    names = ("max_power_w", "phases", "phase_order", "unmanaged_w")
    said = {name: value for name in names if (value := getattr(chosen, name)) is not None}
    _print(call(offpeak, "PUT", _member(chosen), said))


def _take_out(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _print(call(offpeak, "DELETE", _member(chosen)))


def read_file(file: Path) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield each group of a file to import with its chargers; of a CSV file that is the group's id alone.

    Raises Refused, naming the line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix.lower() == ".json":
            for each in json.loads(text)["groups"]:
                group = {name: value for name, value in each.items() if name != "members"}
                yield {"group_id": group["group_id"], **group}, each.get("members", [])
            return
        by_group: dict[str, list[dict[str, Any]]] = {}
        for number, row in enumerate(csv.DictReader(text.splitlines()), 2):
            by_group.setdefault(row["group_id"], []).append(_charger(row, number))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{file}: {type(error).__name__}: {error}") from None
    yield from (({"group_id": group_id}, members) for group_id, members in by_group.items())


def _charger(row: Mapping[str, str | None], number: int) -> dict[str, Any]:
    charger: dict[str, Any] = {name: row[name] for name in ("partner_id", "evse_uid")}
    if row.get("connector_id"):
        charger["connector_id"] = row["connector_id"]
    for name in ("max_power_w", "phases", "unmanaged_w"):
        if text := row.get(name):
            try:
                charger[name] = int(text)
            except ValueError:
                raise Refused(f"line {number}: {name} {text!r} is no whole number") from None
    if order := row.get("phase_order"):
        charger["phase_order"] = order.split("+")
    return charger


def _course(power_w: Sequence[int] | None, current_a: Sequence[float] | None, forecast: Path | None) -> Any:
    if forecast is not None:
        return {"forecast": _forecast(forecast)}
    for name, figures in (("power_w", power_w), ("current_a", current_a)):
        if figures is not None:
            return {"measured": {name: figures[0] if len(figures) == 1 else list(figures)}}
    return None


def _forecast(file: Path) -> dict[str, Any]:
    """Read a forecast from CSV. Of the last row only the start counts: there the forecast ends."""
    try:
        rows = [(_instant(row["start_at"]), row["power_w"]) for row in csv.DictReader(file.read_text().splitlines())]
        if len(rows) < 2:
            raise Refused(f"{file}: a forecast has a step at least, and a row that says where it ends")
        steps = [{"start_at": start_at, "power_w": round(float(power_w))} for start_at, power_w in rows[:-1]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{file}: {type(error).__name__}: {error}") from None
    return {"steps": steps, "until": rows[-1][0]}


def _instant(text: str) -> str:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def _at(chosen: argparse.Namespace) -> str:
    return f"/groups{path_of(chosen.group_id)}"


def _member(chosen: argparse.Namespace) -> str:
    connector = [chosen.connector_id] if chosen.connector_id is not None else []
    return f"{_at(chosen)}/members{path_of(chosen.partner_id, chosen.evse_uid, *connector)}"


def _setting(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _print(shown: Mapping[str, Any]) -> None:
    print(group_text(shown))

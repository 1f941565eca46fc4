"""The command on pairing with a CPO: what it has not acknowledged, and who tries codes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from ops.deployed import Deployed
from ops.operator_api import call, path_of


def add_commands(command: Callable[..., Any]) -> None:
    shown = command("pairings", show, "show un-pairings that a CPO has not acknowledged, and who tried codes of its")
    shown.add_argument("partner_id")
    shown.add_argument("--forget", metavar="UNPAIRING", help="tell the CPO no more of this one: it knows, or is gone")


def show(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    path = f"/partners{path_of(chosen.partner_id)}/pairings"
    if chosen.forget:
        call(offpeak, "DELETE", f"{path}{path_of(chosen.forget)}")
    for line in pairing_lines(call(offpeak, "GET", path)):
        print(line)


def pairing_lines(shown: dict[str, Any]) -> list[str]:
    """Return what is to be said of a partner, line by line."""
    lines = [
        f"{each['unpairing_id']}  {each['uid']}: un-paired by {each['by']} {each['since'][:16]}Z, told "
        f"{each['attempts']} times, next {each['due_at'][:16]}Z" + (f": {each['problem']}" if each["problem"] else "")
        for each in shown["unpairings"]
    ] or ["The CPO has acknowledged all un-pairings."]
    tries = [_tries_line(each) for each in shown["tries"]]
    return [*lines, *(["", "Codes that led nowhere, by the hour:", *tries] if tries else [])]


def _tries_line(tried: dict[str, Any]) -> str:
    whose = f"{tried['kind'].lower():<8} {tried['whose'] or '':<40}"
    stopped = ", stopped" if tried["is_stopped"] else ""
    return f"{tried['hour'][:16]}Z  {whose} {tried['tries']} of {tried['most']} codes{stopped}"

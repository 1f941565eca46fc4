"""The commands that call a CPO: register at it, renew the tokens of both sides, end the connection."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from getpass import getpass
from typing import Any

from ops.asking import Refused
from ops.deployed import Deployed
from ops.partners import Command, change


def add_commands(
    command: Command,
    add_agreement: Callable[[argparse.ArgumentParser], None],
    agreed: Callable[[argparse.Namespace], Mapping[str, Any]],
) -> None:
    """Add the commands; `command` makes the parser of one, `add_agreement` and `agreed` ask for and read what is agreed
    with a partner."""

    def register(offpeak: Deployed, chosen: argparse.Namespace) -> None:
        details = {"versions_url": chosen.versions_url, "token_a": _token_a(), "settings": agreed(chosen)}
        _tell(change(offpeak, "register", chosen.partner_id, **details), f"registered at {chosen.name}")

    registration = command("register", register, "register at a CPO by the token A and the versions URL it gave us")
    registration.add_argument("partner_id", help="the id we give it: lower-case letters, digits, hyphens")
    registration.add_argument("--versions-url", required=True, metavar="URL", help="where the CPO's versions are")
    add_agreement(registration)
    registration.epilog = "The token A is asked for, or read from standard input: no list of processes shows it."

    command("rotate", _rotate, "renew the tokens of both sides; so does the clock, every month").add_argument(
        "partner_id"
    )

    unregister = command("unregister", _unregister, "tell the CPO that we go, and wipe its tokens here")
    unregister.add_argument("partner_id")
    unregister.add_argument("--force", action="store_true", help="wipe them whatever the CPO answers")


def _rotate(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _tell(change(offpeak, "rotate", chosen.partner_id), f"the tokens of {chosen.partner_id} are renewed")


def _unregister(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    done = change(offpeak, "unregister", chosen.partner_id, force=chosen.force)
    if done["problem"] is not None and chosen.force:
        done = {**done, "problem": None}
    _tell(done, f"{chosen.partner_id} is removed: its tokens are wiped; its sessions and its audit trail are kept")


def _token_a() -> str:
    token = getpass("token A: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not token.strip():
        raise Refused("token_a: give the CPO's token A on standard input")
    return token.strip()


def _tell(done: Mapping[str, Any], result: str) -> None:
    """Print each call and what came of it. Raises Refused where it did not come to its end."""
    for step in done["steps"]:
        print(f"{step['took_ms']:>6} ms  {step['call']}  ->  {step['outcome']}")
    if done["problem"] is not None:
        raise Refused(f"{done['problem']}. Nothing that worked before is lost; the command may be repeated.")
    version = f", OCPI {done['version']}" if done["version"] else ""
    print(result + version)

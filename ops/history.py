"""The commands on a partner's lists: have one pulled, or a range of it, and see how pulling goes."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ops.asking import Refused, ask
from ops.deployed import Deployed

LOOK_EVERY_S = 0.5
"""While a run goes on."""

Shown = Mapping[str, Any]

WORDS = {"sessions": "session", "locations": "location", "tariffs": "tariff", "hubclientinfo": "hub client"}
"""What an object in the list of each OCPI module is called."""


def add_commands(command: Callable[..., Any]) -> None:
    sync = command("sync", _sync, "pull what changed in a range of time from a partner, and tell how it goes")
    sync.add_argument("partner_id")
    sync.add_argument("--objects", choices=WORDS, default="sessions", help="what to pull (default: sessions)")
    sync.add_argument(
        "--from",
        dest="since",
        type=_instant,
        metavar="TIME",
        help="2027-03-01 or so, UTC; needed for sessions, else the default is the whole list",
    )
    sync.add_argument("--to", dest="until", type=_instant, metavar="TIME", help="up to here (default: now)")
    sync.add_argument(
        "--no-wait", action="store_true", help="begin, and leave it to itself; `history` shows how it goes"
    )

    shown = command("history", _history, "show how a partner's lists were last pulled, and what could not be taken")
    shown.add_argument("partner_id")


def _sync(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    bounds = {name: bound for name, bound in (("from", chosen.since), ("to", chosen.until)) if bound}
    run = ask(offpeak, "ops_history", action="pull", partner_id=chosen.partner_id, objects=chosen.objects, **bounds)
    print(f"run {run['run_id']}: {_range(run)}")
    if chosen.no_wait:
        return
    told = ""
    while run["state"] == "running":
        time.sleep(LOOK_EVERY_S)
        run = _newest(offpeak, chosen.partner_id, run["run_id"])
        if (progress := progress_of(run)) != told:
            print(progress, flush=True)
            told = progress
    for line in _refusals(run):
        print(line)
    if run["state"] == "failed":
        raise Refused(f"the run failed: {run['problem']}")


def _newest(offpeak: Deployed, partner_id: str, run_id: str) -> Shown:
    runs = ask(offpeak, "ops_history", action="show", partner_id=partner_id)["runs"]
    found: Shown | None = next((run for run in runs if run["run_id"] == run_id), None)
    if found is None:
        raise Refused("another run was begun after this one")
    return found


def _history(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    runs = ask(offpeak, "ops_history", action="show", partner_id=chosen.partner_id)["runs"]
    if not runs:
        print(f"nothing was pulled from {chosen.partner_id} yet")
    for run in runs:
        print(f"{run['kind']:<10} {_range(run)}")
        print(f"{'':<10} {progress_of(run)}, last step {run['touched_at']}")
        if run["kind"] == "scheduled" and run["synced_until"]:
            print(f"{'':<10} complete up to {run['synced_until']}")
        for line in _refusals(run):
            print(f"{'':<10} {line}")


def progress_of(run: Shown) -> str:
    """Return a line on where a run stands."""
    of_all = f" of about {run['total']}" if run["total"] is not None and run["state"] == "running" else ""
    brought = ", ".join(
        f"{run[name]} {word}"
        for name, word in (
            ("created", "new"),
            ("updated", "changed"),
            ("unchanged", "known"),
            ("refused", "refused"),
            ("stopped", "kept out"),
        )
        if run[name]
    )
    waits = f" ({run['problem']})" if run["problem"] else ""
    objects = f"{run['objects']}{of_all} {_plural(run)}"
    return f"{run['state']}{waits}: {run['pages']} pages, {objects}{': ' if brought else ''}{brought}"


def _range(run: Shown) -> str:
    if not run["since"]:
        return f"all {_plural(run)}{' that changed before ' + run['until'] if run['until'] else ''}"
    return f"{_plural(run)} that changed from {run['since']} {'to ' + run['until'] if run['until'] else 'on'}"


def _plural(run: Shown) -> str:
    return f"{WORDS[run['module']]}s"


def _refusals(run: Shown) -> Iterator[str]:
    for each in run["samples"]:
        refused = f"{WORDS[run['module']]} {each['object_id'] or '(without id)'}"
        yield f"refused: {refused}: {each['field']} {each['problem']}"


def _instant(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2027-03-01 or 2027-03-01T18:00:00Z") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")

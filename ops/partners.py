"""The commands that shut partners out, let them in again and remove them, and that tell who did what to whom."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ops.asking import Refused, ask
from ops.deployed import Deployed
from ops.quality import quality_text

Command = Callable[[str, Callable[[Deployed, argparse.Namespace], None], str], Any]
FUNCTION = "ops_partners"


def add_commands(command: Command) -> None:
    """Add the commands; `command` makes the parser of one."""
    suspend = command("suspend", _suspend, "shut a partner out: calls are refused, no new profiles; nothing is lost")
    suspend.add_argument("partner_id")
    suspend.add_argument("--note", help="why, for the audit trail")

    command("resume", _resume, "let a suspended partner in again, and plan its running sessions").add_argument(
        "partner_id"
    )

    remove = command("remove", _remove, "end a connection: its tokens are wiped, its sessions are kept for audit")
    remove.add_argument("partner_id")
    remove.add_argument("--yes", action="store_true", help="do it: the partner has to be invited anew afterwards")

    audit = command("audit", _audit, "show what was changed of a partner, when and by whom, newest first")
    audit.add_argument("partner_id")
    audit.add_argument("--before", type=int, metavar="NUMBER", help="show the entries before this one")
    audit.add_argument("--verify", action="store_true", help="check that nothing was altered, removed or added")

    quality = command("quality", _quality, "show what a CPO's system did well and badly on a day, and what to change")
    quality.add_argument("partner_id")
    quality.add_argument("--day", help="as 2027-03-01, in UTC; today where it is left out")
    quality.add_argument("--json", action="store_true", help="print all figures as JSON")

    command("restore-keys", _restore_keys, "put all partners' keys into the usage plan of a Service stack made anew")


def change(offpeak: Deployed, action: str, partner_id: str, **details: object) -> Any:
    """Change a partner in the name of whoever gives the command."""
    said = {name: detail for name, detail in details.items() if detail is not None}
    return ask(offpeak, FUNCTION, action=action, partner_id=partner_id, **said, who=offpeak.identity)


def _suspend(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    suspended = change(offpeak, "suspend", chosen.partner_id, note=chosen.note)
    print(f"{chosen.partner_id} is suspended since {suspended['suspended_at']}; it takes effect within half a minute.")
    print("The profiles that its chargers have stay there and end in full power at each car's departure.")


def _resume(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    resumed = change(offpeak, "resume", chosen.partner_id)
    print(f"{chosen.partner_id} is {resumed['status']} again; its running sessions are being planned.")


def _remove(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    if not chosen.yes:
        raise Refused(f"This wipes all tokens of {chosen.partner_id}. Say --yes if that is what you want.")
    change(offpeak, "remove", chosen.partner_id)
    print(f"{chosen.partner_id} is removed: its tokens are wiped; its sessions and its audit trail are kept.")


def _audit(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    if chosen.verify:
        _verify(offpeak, chosen.partner_id)
        return
    before = {"before": chosen.before} if chosen.before else {}
    entries = ask(offpeak, FUNCTION, action="audit", partner_id=chosen.partner_id, **before)["entries"]
    for entry in entries:
        print("\n".join(entry_lines(entry)))
    if not entries:
        print("nothing was changed" + (" before that" if chosen.before else " yet"))
    elif entries[-1]["number"] > 1:
        print(f"older ones: --before {entries[-1]['number']}")


def _verify(offpeak: Deployed, partner_id: str) -> None:
    verdict = ask(offpeak, FUNCTION, action="verify", partner_id=partner_id)
    if not verdict["is_whole"]:
        raise Refused("\n".join([f"The audit trail of {partner_id} is not whole:", *verdict["problems"]]))
    print(f"whole: {verdict['entries']} entries, the last with the hash {verdict['hash']}")


def _quality(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    day = {"day": chosen.day} if chosen.day else {}
    shown = ask(offpeak, FUNCTION, action="quality", partner_id=chosen.partner_id, **day)
    print(json.dumps(shown, indent=2, ensure_ascii=False) if chosen.json else quality_text(shown))


def _restore_keys(offpeak: Deployed, _: argparse.Namespace) -> None:
    partners = ask(offpeak, FUNCTION, action="restore_keys")["partners"]
    print(f"{len(partners)} partners have their keys in the usage plan of stage {offpeak.stage}")


def entry_lines(entry: Mapping[str, Any]) -> Iterator[str]:
    at = datetime.fromisoformat(entry["at"])
    note = f": {entry['note']}" if entry["note"] else ""
    yield f"{entry['number']:>4}  {at:%Y-%m-%d %H:%M:%S} UTC  {entry['action']}{note}"
    yield f"      by {entry['who']} ({entry['via']})"
    for changed in entry["changes"]:
        yield f"      {changed['name']}: {changed['before']!r} -> {changed['after']!r}"

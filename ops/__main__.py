"""The operators' command: connect, see and change partners and tenants, keep limit groups, say what the grid asks,
see a session, paused webhooks and pairings, give dead letters back to their queue."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops import access, connections, dead_letters, groups, history, pairings, partners, signals, tenants, webhooks
from ops.account import NoCloud, aws, embedded
from ops.asking import Refused, ask
from ops.deployed import Deployed, FunctionFailed, NotDeployed
from ops.session import session_text

EXAMPLES = """\
examples:
  python -m ops invite acme --stage qa --name "Acme Charging" --party NL-ACM --party BE-ACM
  python -m ops register acme --stage qa --name Acme --party NL-ACM --versions-url https://acme.example/ocpi/versions
  python -m ops rotate acme --stage qa
  python -m ops settings acme --stage qa --set planning.departure=06:30 --set flags.strict=true
  python -m ops settings acme --stage qa --set 'planning.tariff={"kind": "FIXED", "fixed_eur_per_kwh": "0.31"}'
  python -m ops show acme --stage qa
  python -m ops list --local
  python -m ops suspend acme --stage qa --note "sends a thousand messages a second"
  python -m ops audit acme --stage qa --verify
  python -m ops quality acme --stage qa --day 2027-03-01
  python -m ops create-client acme --stage qa
  python -m ops session acme SESSION-1 --stage qa --ask
  python -m ops session acme SESSION-1 --stage qa --preferences profile_type=CHEAP energy_need=22.5
  python -m ops sync acme --stage qa --from 2027-03-01 --to 2027-03-08
  python -m ops group show garage --stage qa
  python -m ops tenant add hearth --stage qa --name "Hearth Energy" --partner acme
  python -m ops signal add --stage qa --zone DE-LU --kind cap --step 2027-03-01T17:00:00Z=4100
  python -m ops webhooks --stage qa
  python -m ops pairings acme --stage qa
  python -m ops replay-dead-letters --stage production --queue plan --dry-run

The account, region and credentials are those that AWS's own tools use: AWS_PROFILE, AWS_REGION and so on.
--local works on the embedded cloud that `make up` has started.
"""


def deployed_as_chosen(chosen: argparse.Namespace) -> Deployed:
    """Return the stage that the command line names. Raises NoCloud."""
    if chosen.local:
        return Deployed(embedded(), "local")
    return Deployed(aws(chosen.endpoint_url), chosen.stage)


def main(arguments: Sequence[str], find_stage: Callable[[argparse.Namespace], Deployed] = deployed_as_chosen) -> int:
    """Run one command; returns the exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        chosen.run(find_stage(chosen), chosen)
    except (NoCloud, NotDeployed, FunctionFailed, Refused, ClientError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    where = argparse.ArgumentParser(add_help=False)
    target = where.add_mutually_exclusive_group(required=True)
    target.add_argument("--stage", choices=["qa", "production"], help="the stage to work on")
    target.add_argument("--local", action="store_true", help="work on the embedded cloud")
    where.add_argument("--endpoint-url", help="reach AWS's services here (a proxy, a private endpoint)")

    parser = argparse.ArgumentParser(
        prog="python -m ops", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[Deployed, argparse.Namespace], None], summary: str, among: Any = commands
    ) -> Any:
        added = among.add_parser(name, parents=[where], help=summary, description=summary)
        added.set_defaults(run=run)
        return added

    invitation = command("invite", _invite, "invite a CPO: prints the token A and the address to send to it")
    invitation.add_argument("partner_id", help="the id we give it: lower-case letters, digits, hyphens")
    _add_agreement(invitation)
    connections.add_commands(command, _add_agreement, _agreed)

    shown = command("show", _show, "show all that is set of a partner; no secrets")
    shown.add_argument("partner_id")

    command("list", _list, "list the partners")

    settings = command("settings", _settings, "change a partner's settings; its running sessions are planned anew")
    settings.add_argument("partner_id")
    _add_settings(settings)

    partners.add_commands(command)
    access.add_commands(command)
    history.add_commands(command)
    groups.add_commands(command, commands)
    signals.add_commands(command)
    webhooks.add_commands(command)
    tenants.add_commands(command, commands)
    pairings.add_commands(command)

    session = command("session", _session, "show a session, its plan, and what became of each of its profiles")
    session.add_argument("partner_id")
    session.add_argument("session_id")
    session.add_argument("--ask", action="store_true", help="have the CPO asked now which profile is active")
    session.add_argument(
        "--preferences",
        nargs="+",
        type=_setting,
        metavar="NAME=VALUE",
        help="tell the CPO what the driver wants: profile_type=CHEAP departure_time=2027-03-02T06:30:00Z",
    )
    session.add_argument("--json", action="store_true", help="print all that is known as JSON")

    replay = command("replay-dead-letters", _replay, "give dead letters back to the queue they came from")
    replay.add_argument(
        "--queue", required=True, choices=["plan", "send", "replan", "history", "pairing", "events", "webhooks"]
    )
    replay.add_argument("--dry-run", action="store_true", help="only say how many there are")
    return parser


def _add_agreement(parser: argparse.ArgumentParser) -> None:
    """Ask for what is agreed with a partner before its connection begins, whoever begins it."""
    parser.add_argument("--name", required=True, help="the company's name")
    parser.add_argument(
        "--party",
        required=True,
        action="append",
        type=_party,
        metavar="NL-ACM",
        help="a country code and party id that it may write for; repeat it for several",
    )
    _add_settings(parser)


def _agreed(chosen: argparse.Namespace) -> dict[str, Any]:
    return {"name": chosen.name, "parties": chosen.party, **_nested(chosen.settings)}


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        dest="settings",
        help="flags.strict=true, planning.departure=06:30, planning.need_kwh=20 ...; `show` names them all",
    )


def _invite(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    invitation = partners.change(offpeak, "invite", chosen.partner_id, settings=_agreed(chosen))
    print(f"Send these to {chosen.name} by a safe way; the token is shown this once only:")
    print(f"  versions URL  {invitation['versions_url']}")
    print(f"  token A       {invitation['token_a']}")


def _show(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _print(ask(offpeak, "ops_partners", action="show", partner_id=chosen.partner_id))


def _list(offpeak: Deployed, _: argparse.Namespace) -> None:
    listed = ask(offpeak, "ops_partners", action="list")["partners"]
    for partner in listed:
        print(f"{partner['partner_id']:<24} {partner['status']:<12} {partner['name']}")
    if not listed:
        print("There are no partners yet: python -m ops invite --help")


def _settings(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    if not chosen.settings:
        raise Refused("Name what to change: --set planning.departure=06:30. `show` names all that can be set.")
    settings = _nested(chosen.settings)
    _print(partners.change(offpeak, "change", chosen.partner_id, settings=settings))


def _session(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    session = {"partner_id": chosen.partner_id, "session_id": chosen.session_id}
    if chosen.ask:
        asked = ask(offpeak, "ops_sessions", action="ask", **session)["request_id"]
        print(f"The CPO is asked by request {asked}; show the session again to see its answer.", file=sys.stderr)
    if chosen.preferences:
        told = ask(offpeak, "ops_sessions", action="prefer", preferences=_nested(chosen.preferences), **session)
        print(f"The CPO answered {told['answer']}.", file=sys.stderr)
    shown = ask(offpeak, "ops_sessions", action="show", **session)
    if chosen.json:
        _print(shown)
    else:
        print(session_text(shown))


def _replay(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    sqs, dead = offpeak.client("sqs"), offpeak.dead_letters(chosen.queue)
    if chosen.dry_run:
        print(f"about {dead_letters.count(sqs, dead)} dead letters of the {chosen.queue} queue would be given back")
    else:
        moved = dead_letters.replay(sqs, dead, offpeak.queue(chosen.queue))
        print(f"{moved} dead letters given back to the {chosen.queue} queue")


def _print(answer: object) -> None:
    print(json.dumps(answer, indent=2, ensure_ascii=False))


def _party(text: str) -> str:
    country_code, _, party_id = text.replace("/", "-").replace("*", "-").partition("-")
    if len(country_code) != 2 or len(party_id) != 3:
        raise argparse.ArgumentTypeError(f"{text!r} is not a country code and a party id such as NL-ACM")
    return f"{country_code}-{party_id}"


def _setting(text: str) -> tuple[list[str], object]:
    """Read NAME=VALUE: dots lead into groups; what is not JSON is text."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name.split("."), json.loads(value)
    except json.JSONDecodeError:
        return name.split("."), value


def _nested(settings: Sequence[tuple[list[str], object]]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in settings:
        group = nested
        for step in path[:-1]:
            group = group.setdefault(step, {})
            if not isinstance(group, dict):
                raise Refused(f"{step} is set as a whole and in part: say it once")
        group[path[-1]] = value
    return nested


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

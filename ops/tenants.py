"""The commands on tenants: companies whose apps pair chargers and show plans, their OAuth2 clients and ApiKeys."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from ops.deployed import Deployed
from ops.operator_api import all_pages, call, path_of
from ops.partners import entry_lines

Command = Callable[..., Any]

EXAMPLES = """\
examples:
  python -m ops tenant add hearth --stage qa --name "Hearth Energy" --colour "#224488" --partner acme \\
      --redirect-url https://app.hearth.example/paired
  python -m ops tenant create-client hearth --stage qa
  python -m ops tenant change hearth --stage qa --partner acme --partner volta
  python -m ops tenant rotate-client hearth 'tenant~hearth.x7' --stage qa --overlap-hours 24
  python -m ops tenant suspend hearth --stage qa --note "its keys have leaked"

A tenant's drivers may pair chargers of the partners named, tried in that order. They may be sent back to the redirect
URLs named, whatever follows a ? behind them. Secrets and keys are printed once.
"""


def add_commands(command: Command, commands: Any) -> None:
    """Add `tenant` with its commands; `command` makes the parser of one, among those it is given."""
    family = commands.add_parser(
        "tenant",
        help="keep tenants: companies whose apps pair chargers and show plans",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    own = family.add_subparsers(required=True, metavar="COMMAND")

    def on_one(name: str, run: Callable[[Deployed, argparse.Namespace], None], summary: str) -> Any:
        added = command(name, run, summary, own)
        added.add_argument("tenant_id", help="lower-case letters, digits, hyphens")
        return added

    add = on_one("add", _add, "add a tenant; it needs a client before its app can call us")
    add.add_argument("--name", required=True, help="what drivers see")
    _add_settings(add)
    change = on_one("change", _change, "change what is set of a tenant; lists are told whole")
    change.add_argument("--name", help="what drivers see")
    _add_settings(change)

    command("list", _list, "list the tenants", own)
    on_one("show", _show, "show what is set of a tenant, and by what its apps may come in")
    on_one("suspend", _suspend, "shut a tenant out within half a minute").add_argument("--note", help="why")
    on_one("resume", _resume, "let a suspended tenant in again")
    on_one("remove", _remove, "remove a tenant that has no users, with its webhooks")

    on_one("create-client", _create, "make an OAuth2 client, and an ApiKey where there is none: printed once")
    rotate = on_one("rotate-client", _rotate, "give a client another secret; the one before it stays good for a while")
    rotate.add_argument("client_id")
    _add_overlap(rotate)
    on_one("revoke-client", _revoke, "end a client with all its access tokens").add_argument("client_id")
    _add_overlap(on_one("add-key", _add_key, "give a tenant another ApiKey; the one before it stays good for a while"))
    on_one("revoke-key", _revoke_key, "end an ApiKey").add_argument("begins_with", help="as `show` tells it")
    command("restore-keys", _restore, "put all tenants' keys into the usage plan of a Service stack made anew", own)
    audit = on_one("audit", _audit, "show what was changed of a tenant, when and by whom, newest first")
    audit.add_argument("--verify", action="store_true", help="check that nobody tampered with the trail")


def _add_settings(parser: Any) -> None:
    parser.add_argument("--colour", metavar="#RRGGBB", help="what drivers see it in")
    parser.add_argument("--partner", action="append", dest="partner_ids", help="whose chargers may be paired")
    parser.add_argument(
        "--redirect-url", action="append", dest="redirect_urls", help="where drivers may be sent back to"
    )


def _add_overlap(parser: Any) -> None:
    parser.add_argument("--overlap-hours", type=int, default=168, help="default: 168")


def _add(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _print(call(offpeak, "POST", "/tenants", {"tenant_id": chosen.tenant_id, "settings": _settings(chosen)}))


def _change(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _print(call(offpeak, "PATCH", _at(chosen), {"settings": _settings(chosen)}))


def _settings(chosen: argparse.Namespace) -> dict[str, object]:
    names = ("name", "colour", "partner_ids", "redirect_urls")
    return {name: value for name in names if (value := getattr(chosen, name)) is not None}


def _list(offpeak: Deployed, _: argparse.Namespace) -> None:
    listed = all_pages(offpeak, "/tenants", "tenants")
    for tenant in listed:
        print(f"{tenant['tenant_id']:<24} {tenant['status']:<10} {tenant['name']}")
    if not listed:
        print("There are no tenants yet: python -m ops tenant --help")


def _show(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    shown, access = call(offpeak, "GET", _at(chosen)), call(offpeak, "GET", f"{_at(chosen)}/access")
    _print({**shown, **access})


def _suspend(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    note = {"note": chosen.note} if chosen.note else {}
    _print(call(offpeak, "PUT", f"{_at(chosen)}/suspension", note))


def _resume(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _print(call(offpeak, "DELETE", f"{_at(chosen)}/suspension"))


def _remove(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    call(offpeak, "DELETE", _at(chosen))
    print(f"{chosen.tenant_id} is removed")


def _create(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    made = call(offpeak, "POST", f"{_at(chosen)}/clients")
    for name, value in made.items():
        print(f"{name:<14} {value if value is not None else '(as before)'}")
    print("The secret and the key are told here only.")


def _rotate(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    path = f"{_at(chosen)}/clients{path_of(chosen.client_id)}/rotation"
    print(f"client_secret  {call(offpeak, 'POST', path, {'overlap_hours': chosen.overlap_hours})['client_secret']}")
    print(f"The one before it ends in {chosen.overlap_hours} hours.")


def _revoke(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    call(offpeak, "DELETE", f"{_at(chosen)}/clients{path_of(chosen.client_id)}")
    print(f"{chosen.client_id} is revoked; its access tokens are refused within half a minute.")


def _add_key(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    made = call(offpeak, "POST", f"{_at(chosen)}/api-keys", {"overlap_hours": chosen.overlap_hours})
    print(f"ApiKey  {made['api_key']}")
    print(f"The one before it ends in {chosen.overlap_hours} hours.")


def _revoke_key(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    call(offpeak, "DELETE", f"{_at(chosen)}/api-keys{path_of(chosen.begins_with)}")
    print(f"The ApiKey that begins with {chosen.begins_with} is refused within half a minute.")


def _restore(offpeak: Deployed, _: argparse.Namespace) -> None:
    tenants = [each["tenant_id"] for each in all_pages(offpeak, "/tenants", "tenants")]
    for tenant_id in tenants:
        call(offpeak, "POST", f"/tenants{path_of(tenant_id)}/usage-key")
    print(f"{len(tenants)} tenants have their keys in the usage plan of stage {offpeak.stage}")


def _audit(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    if chosen.verify:
        _print(call(offpeak, "GET", f"{_at(chosen)}/audit/verification"))
        return
    for entry in all_pages(offpeak, f"{_at(chosen)}/audit", "entries"):
        for line in entry_lines(entry):
            print(line)


def _at(chosen: argparse.Namespace) -> str:
    return f"/tenants{path_of(chosen.tenant_id)}"


def _print(answer: object) -> None:
    print(json.dumps(answer, indent=2, ensure_ascii=False))

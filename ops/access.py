"""The commands on access: what partners may show instead of an OCPI token, and what we show to them."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from typing import Any

from ops.asking import ask
from ops.deployed import Deployed

Command = Callable[[str, Callable[[Deployed, argparse.Namespace], None], str], Any]
FUNCTION = "ops_access"
USUAL_OVERLAP_H = 24 * 7


def add_commands(command: Command) -> None:
    """Add the commands; `command` makes the parser of one."""
    shown = command("access", _show, "show a partner's OAuth2 clients and ApiKeys, and our access there; no secrets")
    shown.add_argument("partner_id")

    created = command("create-client", _create, "make an OAuth2 client: prints its secret and, if new, an ApiKey")
    created.add_argument("partner_id")

    rotated = command("rotate-client", _rotate, "give a client another secret; the old one stays good for a while")
    rotated.add_argument("partner_id")
    rotated.add_argument("client_id")
    _add_overlap(rotated)

    revoked = command("revoke-client", _revoke, "end a client: its access tokens are refused within half a minute")
    revoked.add_argument("partner_id")
    revoked.add_argument("client_id")
    revoked.add_argument("--issuer", help="for a client of an outside issuer")

    key = command("add-api-key", _add_key, "give a partner another ApiKey; the old one stays good for a while")
    key.add_argument("partner_id")
    _add_overlap(key)

    ended = command("revoke-api-key", _revoke_key, "end an ApiKey within half a minute")
    ended.add_argument("partner_id")
    ended.add_argument("begins_with", help="the six characters that `access` shows of it")

    command("issuers", _issuers, "list the outside issuers whose access tokens are taken")
    allowed = command("allow-issuer", _allow, "take access tokens of an outside issuer (Auth0, Cognito, Entra ...)")
    allowed.add_argument("issuer", help="as its tokens write it in iss, to the last slash")
    allowed.add_argument("--jwks-url", required=True, help="where it publishes its keys")
    allowed.add_argument("--audience", help="what its tokens for us have in aud; left out, aud is not looked at")
    allowed.add_argument("--client-claim", default="azp", help="the claim that names the client (default: azp)")
    command("forbid-issuer", _forbid, "take access tokens of an outside issuer no more").add_argument("issuer")

    bound = command("bind-client", _bind, "take a client of an outside issuer as a partner's")
    bound.add_argument("partner_id")
    bound.add_argument("client_id", help="what the issuer's tokens call it")
    bound.add_argument("--issuer", required=True)

    wanted = command("use-oauth", _use_oauth, "call a partner with access tokens; asks for our secret there")
    wanted.add_argument("partner_id")
    wanted.add_argument("--token-url", required=True)
    wanted.add_argument("--client-id", required=True)
    wanted.add_argument("--scope")
    wanted.add_argument("--audience")
    wanted.add_argument("--secret-in-form", action="store_true", help="the server takes no HTTP Basic")
    wanted.add_argument("--with-api-key", action="store_true", help="it wants an ApiKey as well: asks for it")
    wanted.add_argument("--api-key-header", default="ApiKey", help="the header for it (default: ApiKey)")
    command("use-tokens", _use_tokens, "call a partner with its OCPI token again").add_argument("partner_id")

    command("replace-signing-keys", _replace_keys, "withdraw the keys that sign access tokens: all tokens end at once")


def _add_overlap(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--overlap-hours",
        type=int,
        default=USUAL_OVERLAP_H,
        metavar="HOURS",
        help=f"how long the old one stays good (default: {USUAL_OVERLAP_H}); 0 ends it at once",
    )


def _show(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _print(ask(offpeak, FUNCTION, action="show", partner_id=chosen.partner_id))


def _create(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    made = _change(offpeak, "create_client", chosen)
    print(f"Send these to {chosen.partner_id} by a safe way; secret and key are shown this once only:")
    for name in ("token_url", "audience", "client_id", "client_secret"):
        print(f"  {name:<14} {made[name]}")
    print(f"  {'ApiKey':<14} {made['api_key'] or 'the one it has already'}")


def _rotate(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    made = _change(offpeak, "rotate_client", chosen, client_id=chosen.client_id, overlap_hours=chosen.overlap_hours)
    print(f"client_secret  {made['client_secret']}")
    print(f"The one before it ends in {chosen.overlap_hours} hours.")


def _revoke(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _change(offpeak, "revoke_client", chosen, client_id=chosen.client_id, issuer=chosen.issuer)
    print(f"{chosen.client_id} is revoked; its access tokens are refused within half a minute.")


def _add_key(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    made = _change(offpeak, "add_api_key", chosen, overlap_hours=chosen.overlap_hours)
    print(f"ApiKey  {made['api_key']}")
    print(f"The one before it ends in {chosen.overlap_hours} hours.")


def _revoke_key(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _change(offpeak, "revoke_api_key", chosen, hint=chosen.begins_with)
    print(f"The ApiKey that begins with {chosen.begins_with} is refused within half a minute.")


def _issuers(offpeak: Deployed, _: argparse.Namespace) -> None:
    _print(ask(offpeak, FUNCTION, action="issuers"))


def _allow(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    audience = {"audience": chosen.audience} if chosen.audience else {}
    ask(
        offpeak,
        FUNCTION,
        action="allow_issuer",
        issuer=chosen.issuer,
        jwks_url=chosen.jwks_url,
        client_claim=chosen.client_claim,
        **audience,
    )
    print(f"Access tokens of {chosen.issuer} are taken, for clients that are bound to partners: bind-client.")


def _forbid(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    ask(offpeak, FUNCTION, action="forbid_issuer", issuer=chosen.issuer)
    print(f"Access tokens of {chosen.issuer} are refused within half a minute.")


def _bind(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _change(offpeak, "bind_client", chosen, client_id=chosen.client_id, issuer=chosen.issuer)
    print(f"{chosen.client_id} of {chosen.issuer} is a client of {chosen.partner_id}.")


def _use_oauth(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    secret = _secret("client secret")
    key = _secret("ApiKey") if chosen.with_api_key else None
    shown = _change(
        offpeak,
        "use_oauth",
        chosen,
        token_url=chosen.token_url,
        client_id=chosen.client_id,
        client_secret=secret,
        scope=chosen.scope,
        audience=chosen.audience,
        secret_in_form=chosen.secret_in_form,
        api_key=key,
        api_key_header=chosen.api_key_header,
    )
    _print(shown)
    if not shown["has_token"]:
        print("The partner's token endpoint gave no token; it is asked again every few minutes.", file=sys.stderr)


def _use_tokens(offpeak: Deployed, chosen: argparse.Namespace) -> None:
    _change(offpeak, "use_tokens", chosen)
    print(f"{chosen.partner_id} is called with its OCPI token.")


def _replace_keys(offpeak: Deployed, _: argparse.Namespace) -> None:
    kid = ask(offpeak, FUNCTION, action="replace_signing_keys")["kid"]
    print(f"Key {kid} signs from now on. All access tokens of before end within a minute; clients fetch new ones.")


def _change(offpeak: Deployed, action: str, chosen: argparse.Namespace, **details: object) -> Any:
    said = {name: detail for name, detail in details.items() if detail is not None}
    return ask(offpeak, FUNCTION, action=action, partner_id=chosen.partner_id, **said, who=offpeak.identity)


def _secret(name: str) -> str:
    """Ask for a secret: typed unseen, or a line of standard input. The command line would keep it in a history."""
    return getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def _print(answer: object) -> None:
    print(json.dumps(answer, indent=2, ensure_ascii=False))

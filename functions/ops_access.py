"""The operators' command on access: OAuth2 clients, ApiKeys, outside issuers, and our access at partners. No address.

{"action": "create_client", "partner_id": "acme", "who": "arn:..."}
{"action": "rotate_client", "partner_id": "acme", "client_id": "acme.x7", "overlap_hours": 24}, and so is add_api_key
{"action": "revoke_client", "partner_id": "acme", "client_id": "acme.x7"}
{"action": "revoke_api_key", "partner_id": "acme", "hint": "k3Jx9q"}
{"action": "allow_issuer", "issuer": "https://acme.eu.auth0.com/", "jwks_url": "https://...", "audience": "offpeak"}
{"action": "bind_client", "partner_id": "acme", "client_id": "Xy12", "issuer": "https://acme.eu.auth0.com/"}
{"action": "use_oauth", "partner_id": "acme", "token_url": "https://...", "client_id": "us", "client_secret": "..."}
{"action": "show", "partner_id": "acme"}, and so is use_tokens
{"action": "issuers"}, and so is replace_signing_keys
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from offpeak import wiring
from offpeak.edge import command_handler
from offpeak.errors import InvalidMessage
from offpeak.oauth.access_tokens import Issuer
from offpeak.oauth.token_client import TokenEndpoint
from offpeak.ocpi.fields import Url, read_object
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.admit import PeerSecrets
from offpeak.partners.audit import Actor
from offpeak.partners.settings import PartnerId
from offpeak.partners.show_access import access_shown, issuer_shown, peer_access_shown

NOT_SAID = "not said: CloudTrail knows who invoked the function"
Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[\x20-\x7e]+$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")]
ClaimName = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,100}$")]


class Command(BaseModel):
    """`who` is what STS told the command of its own identity."""

    model_config = ConfigDict(extra="forbid")

    action: Literal[
        "show",
        "create_client",
        "rotate_client",
        "revoke_client",
        "bind_client",
        "add_api_key",
        "revoke_api_key",
        "use_oauth",
        "use_tokens",
        "issuers",
        "allow_issuer",
        "forbid_issuer",
        "replace_signing_keys",
    ]
    partner_id: PartnerId | None = None
    client_id: Text | None = None
    overlap_hours: Annotated[int, Field(ge=0, le=24 * 90)] = 24 * 7
    hint: Text | None = None
    issuer: Url | None = None
    jwks_url: Url | None = None
    audience: Text | None = None
    client_claim: ClaimName = "azp"
    token_url: Url | None = None
    client_secret: Text | None = None
    scope: Text | None = None
    secret_in_form: bool = False
    api_key: Text | None = None
    api_key_header: HeaderName = "ApiKey"
    who: Annotated[str, StringConstraints(pattern=r"^arn:[\x21-\x7e]{1,500}$")] | None = None


def run(event: JsonValue) -> object:
    said, by = read_object(Command, event), wiring.admission()
    match said.action:
        case "issuers":
            return {"issuers": [issuer_shown(each) for each in wiring.access().issuers()]}
        case "allow_issuer":
            issuer, jwks_url = _given(said, "issuer"), _given(said, "jwks_url")
            by.allow_issuer(Issuer(issuer, jwks_url, said.audience, said.client_claim))
            return {"issuer": issuer}
        case "forbid_issuer":
            by.forbid_issuer(_given(said, "issuer"))
            return {"issuer": said.issuer}
        case "replace_signing_keys":
            return {"kid": wiring.signer().replace_keys(datetime.now(UTC)).kid}
    return _on_partner(_given(said, "partner_id"), said)


def _on_partner(partner_id: str, said: Command) -> object:
    by, actor = wiring.admission(), Actor(said.who or NOT_SAID, "command")
    overlap = timedelta(hours=said.overlap_hours)
    match said.action:
        case "create_client":
            made, us = by.clients.create_client(partner_id, actor), wiring.own_issuer()
            return {
                "client_id": made.client_id,
                "client_secret": made.secret,
                "api_key": made.api_key,
                "token_url": f"{us.issuer}/oauth/token",
                "audience": us.audience,
                "jwks_url": us.jwks_url,
            }
        case "rotate_client":
            return {"client_secret": by.clients.rotate_client(partner_id, _given(said, "client_id"), overlap, actor)}
        case "revoke_client":
            by.clients.revoke_client(partner_id, _given(said, "client_id"), said.issuer, actor)
        case "bind_client":
            by.bind_client(partner_id, _given(said, "client_id"), _given(said, "issuer"), actor)
        case "add_api_key":
            return {"api_key": by.clients.add_api_key(partner_id, overlap, actor)}
        case "revoke_api_key":
            by.clients.revoke_api_key(partner_id, _given(said, "hint"), actor)
        case "use_oauth":
            endpoint = TokenEndpoint(
                _given(said, "token_url"), _given(said, "client_id"), said.scope, said.audience, said.secret_in_form
            )
            secrets = PeerSecrets(_given(said, "client_secret"), said.api_key, said.api_key_header)
            return peer_access_shown(by.use_oauth(partner_id, endpoint, secrets, actor))
        case "use_tokens":
            by.use_tokens(partner_id, actor)
    access, ours = wiring.access().load(partner_id), wiring.peer_tokens().access.load(partner_id)
    return {**access_shown(access), "our_access": peer_access_shown(ours) if ours else None}


def _given(said: Command, name: str) -> str:
    value = getattr(said, name)
    if value is None:
        raise InvalidMessage(name, "is required")
    return str(value)


handler = command_handler(run)

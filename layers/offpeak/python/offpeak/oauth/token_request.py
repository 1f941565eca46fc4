"""Requests for an access token (RFC 6749, 4.4: the client credentials grant), and the answer to them.

A client shows its id and secret by HTTP Basic or in the form, never both. The audience is optional; Auth0 and others
made it usual to name one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, unquote_plus

from offpeak.errors import TokenRefused
from offpeak.oauth.access_store import AccessStore
from offpeak.oauth.access_tokens import Issuer, sign
from offpeak.oauth.clients import has_secret
from offpeak.oauth.key_store import Signer
from offpeak.oauth.signing_keys import TOKEN_LIFETIME
from offpeak.telemetry import count, logger

FORM = "application/x-www-form-urlencoded"
GRANT = "client_credentials"
OCPI_SCOPE = "ocpi"
"""A partner's one scope, whatever it asks for; the answer says that it was given this one."""
APP_SCOPE = "app"
"""A tenant's."""
LARGEST_REQUEST = 8 * 1024
MOST_FIELDS = 20


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Who wants a token, for whom; nothing of it has been checked. `audience` None: not said."""

    client_id: str
    client_secret: str
    audience: str | None


def read_token_request(content_type: str | None, body: str, authorization: str | None) -> TokenRequest:
    """Read a request. Raises TokenRefused as RFC 6749, 5.2 has it."""
    if (content_type or "").partition(";")[0].strip().lower() != FORM:
        raise TokenRefused("invalid_request", f"the body must be a form: Content-Type: {FORM}")
    fields = _form(body)
    grant = fields.get("grant_type")
    if grant is None:
        raise TokenRefused("invalid_request", "grant_type is missing")
    if grant != GRANT:
        raise TokenRefused("unsupported_grant_type", f"grant_type must be {GRANT}")
    shown = _basic(authorization)
    if shown is None:
        client_id, secret = fields.get("client_id"), fields.get("client_secret")
    elif "client_secret" in fields or fields.get("client_id", shown[0]) != shown[0]:
        raise TokenRefused("invalid_request", "the client shows itself twice: by HTTP Basic and in the form")
    else:
        client_id, secret = shown
    if not client_id or not secret:
        raise TokenRefused("invalid_client", "show client_id and client_secret, by HTTP Basic or in the form")
    return TokenRequest(client_id, secret, fields.get("audience"))


@dataclass(frozen=True, slots=True)
class Office:
    """Who gives out tokens of one scope. `us` says what they are for; `is_welcome` whether an owner of clients may have
    one."""

    us: Issuer
    access: AccessStore
    is_welcome: Callable[[str], bool]
    scope: str


def give_token(
    asked: TokenRequest, office: Office, signer: Signer, *, token_id: str, now: datetime
) -> dict[str, object]:
    """Return the answer with an access token (RFC 6749, 5.1).

    Raises TokenRefused; for a wrong secret and for a client that does not exist in the same words.
    """
    us, access = office.us, office.access
    owner = access.partner_of(asked.client_id, None)
    client = access.load(owner).client(asked.client_id) if owner else None
    if client is None or owner is None or not has_secret(client, asked.client_secret, now):
        raise TokenRefused("invalid_client", "the client or its secret is not known")
    if asked.audience is not None and not _is_us(asked.audience, us):
        raise TokenRefused("invalid_request", f"audience must be {us.audience}")
    if not office.is_welcome(owner):
        raise TokenRefused("unauthorized_client", "the connection is suspended or has ended")
    token = sign(asked.client_id, us, signer.private_key(now), token_id, now)
    logger.info("access_token_given", owner=owner, client_id=asked.client_id, token_id=token_id)
    count("AccessTokensGiven")
    expires_in = int(TOKEN_LIFETIME.total_seconds())
    return {"access_token": token, "token_type": "Bearer", "expires_in": expires_in, "scope": office.scope}


def _is_us(audience: str, us: Issuer) -> bool:
    return audience.rstrip("/") in (us.audience, us.issuer)


def _form(body: str) -> dict[str, str]:
    """Return the form's fields; a field without a value counts as left out (RFC 6749, 3.2)."""
    if len(body) > LARGEST_REQUEST:
        raise TokenRefused("invalid_request", f"the body has more than {LARGEST_REQUEST} bytes")
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise TokenRefused("invalid_request", f"the form has more than {MOST_FIELDS} fields") from None
    names = [name for name, _ in pairs]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise TokenRefused("invalid_request", f"{repeated[:40]} is there twice")
    return {name: value for name, value in pairs if value}


def _basic(header: str | None) -> tuple[str, str] | None:
    """Return the id and secret of HTTP Basic, None where it is not used (RFC 6749, 2.3.1: both are form-encoded)."""
    if not header:
        return None
    scheme, _, text = header.partition(" ")
    problem = "Authorization must be HTTP Basic with client_id and client_secret"
    if scheme.lower() != "basic":
        raise TokenRefused("invalid_client", problem)
    try:
        client_id, colon, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise TokenRefused("invalid_client", problem) from None
    if not colon:
        raise TokenRefused("invalid_client", problem)
    return unquote_plus(client_id), unquote_plus(secret)

"""A CPO that wants OAuth2: its token endpoint, and the door that opens by its access tokens and ApiKey alone.

Written from RFC 6749 alone. It can be told to misbehave as token servers do.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

TOKEN_PATH = "/oauth/token"


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """As whom Offpeak shows itself, and what it gets. `api_key` None: none is wanted."""

    client_id: str
    client_secret: str
    expires_in_s: int = 3600
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class TokenMisbehaviour:
    """What goes wrong at the token endpoint. The defaults are one that does everything right."""

    http_status: int | None = None
    """Answer with this status and no token."""
    silent: bool = False
    """Accept the connection and never answer."""
    says: str | None = None
    """Answer HTTP 200 with this text instead of a token."""
    dead: bool = False
    """Hand out tokens that open nothing."""


@dataclass(frozen=True, slots=True)
class TokenCall:
    """A request at the token endpoint. `form` has no secrets; `used_basic`: the client showed itself by HTTP Basic."""

    form: Mapping[str, str]
    used_basic: bool
    http_status: int


class OAuthDoor:
    """Stands open for OCPI tokens until OAuth2 is demanded. Tokens live in real time."""

    def __init__(self) -> None:
        self.settings: OAuthSettings | None = None
        self.wrong = TokenMisbehaviour()
        self.calls: list[TokenCall] = []
        self.refused = 0
        """Calls that came without a token of ours that is good."""
        self._good_until: dict[str, float] = {}

    def routes(self) -> list[BaseRoute]:
        return [Route(TOKEN_PATH, self._token, methods=["POST"])]

    def lets_in(self, headers: Mapping[str, str]) -> bool:
        """Say whether a caller shows an access token that is good, and the ApiKey."""
        assert self.settings is not None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        is_good = scheme.lower() == "bearer" and time.time() < self._good_until.get(token, 0)
        has_key = self.settings.api_key is None or headers.get("apikey") == self.settings.api_key
        self.refused += not (is_good and has_key)
        return is_good and has_key

    def revoke_all(self) -> None:
        """End all access tokens now, whatever was said of how long they are good."""
        self._good_until.clear()

    @property
    def tokens(self) -> tuple[str, ...]:
        """All access tokens that open the door, the newest last."""
        return tuple(self._good_until)

    async def _token(self, request: Request) -> Response:
        if self.wrong.silent:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return Response(status_code=499)
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        response, used_basic = self._answer(form, request.headers.get("authorization"))
        told = {name: value for name, value in form.items() if name != "client_secret"}
        self.calls.append(TokenCall(told, used_basic, response.status_code))
        return response

    def _answer(self, form: Mapping[str, str], authorization: str | None) -> tuple[Response, bool]:
        basic = _basic(authorization)
        if self.wrong.http_status is not None:
            return JSONResponse({"error": "invalid_client"}, self.wrong.http_status), basic is not None
        if self.wrong.says is not None:
            return PlainTextResponse(self.wrong.says), basic is not None
        shown = basic or (form.get("client_id"), form.get("client_secret"))
        known = self.settings and (self.settings.client_id, self.settings.client_secret)
        if known is None or shown != known:
            return JSONResponse({"error": "invalid_client"}, 401), basic is not None
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400), basic is not None
        assert self.settings is not None
        token = secrets.token_urlsafe(32)
        if not self.wrong.dead:
            self._good_until[token] = time.time() + self.settings.expires_in_s
        granted = {"access_token": token, "token_type": "bearer", "expires_in": self.settings.expires_in_s}
        return JSONResponse(granted), basic is not None


def _basic(header: str | None) -> tuple[str, str] | None:
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote_plus(client_id), unquote_plus(secret)

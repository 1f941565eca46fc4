"""Getting access tokens from others: the client's side of RFC 6749, 4.4, over guarded HTTP."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote_plus, urlencode

from offpeak.errors import OffpeakError, PeerUnusable
from offpeak.ocpi.envelope import Status
from offpeak.ocpi.guarded_http import GuardedHttp
from offpeak.ocpi.wire_json import JsonValue, read_json

FETCH_S = 4.0
LARGEST_ANSWER = 32 * 1024
LONGEST_TOKEN = 8000
"""Characters. With the other headers it has to fit into what servers take."""
USUAL_LIFETIME = timedelta(hours=1)
"""Where the answer does not say (RFC 6749 only recommends that it does)."""
SHORTEST_LIFETIME, LONGEST_LIFETIME = timedelta(seconds=30), timedelta(days=365)


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where and as whom we ask. `secret_in_form`: the server takes no HTTP Basic."""

    token_url: str
    client_id: str
    scope: str | None = None
    audience: str | None = None
    secret_in_form: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """An access token, and for how long its issuer says it is good."""

    token: str
    lifetime: timedelta


def fetch_token(endpoint: TokenEndpoint, secret: str, http: GuardedHttp) -> Granted:
    """Ask for a token.

    Raises PeerUnavailable where nobody answers, PeerUnusable for a refusal and for an answer that cannot be used.
    """
    form = {"grant_type": "client_credentials", "scope": endpoint.scope, "audience": endpoint.audience}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if endpoint.secret_in_form:
        form |= {"client_id": endpoint.client_id, "client_secret": secret}
    else:
        pair = f"{quote_plus(endpoint.client_id)}:{quote_plus(secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    content = urlencode({name: value for name, value in form.items() if value}).encode()
    answer = http.send("POST", endpoint.token_url, headers, content, timeout_s=FETCH_S, largest=LARGEST_ANSWER)
    try:
        said = read_json(answer.body.decode())
    except (UnicodeDecodeError, OffpeakError):
        said = None
    if answer.http_status >= 300:
        error = said.get("error") if isinstance(said, dict) else None
        raise _unusable(f"HTTP {answer.http_status}{f', {error[:40]}' if isinstance(error, str) else ''}")
    return read_grant(said)


def read_grant(said: JsonValue) -> Granted:
    """Read the answer of a token endpoint (RFC 6749, 5.1). Raises PeerUnusable."""
    if not isinstance(said, dict):
        raise _unusable("an answer that is no JSON object")
    token, kind = said.get("access_token"), said.get("token_type", "Bearer")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN or not _is_visible(token):
        raise _unusable("no access_token that fits into a header")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise _unusable("a token_type that is not Bearer")
    return Granted(token, _lifetime(said.get("expires_in")))


def _lifetime(said: JsonValue) -> timedelta:
    """Read expires_in; some write it as text, some not at all."""
    if said is None:
        return USUAL_LIFETIME
    try:
        seconds = int(str(said).partition(".")[0])
    except ValueError:
        raise _unusable("an expires_in that is no number of seconds") from None
    if seconds < SHORTEST_LIFETIME.total_seconds():
        raise _unusable("a token that ends before it can be used")
    return min(timedelta(seconds=min(seconds, 10**9)), LONGEST_LIFETIME)


def _is_visible(text: str) -> bool:
    return all("\x21" <= character <= "\x7e" for character in text)


def _unusable(what: str) -> PeerUnusable:
    return PeerUnusable(Status.PEER_UNUSABLE, f"the token endpoint answered {what}")

"""Credentials tokens in the Authorization header (OCPI 2.2.1, 4.1.2; CONFORMANCE T1, T2, C5)."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from typing import TypeAlias

LONGEST_TOKEN = 64
LONGEST_HEADER = 512
_HEADER = re.compile(r"token +([\x21-\x7e]+)", re.IGNORECASE)
_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_TOKEN}}}")


@dataclass(frozen=True, slots=True)
class BearerAccess:
    """An OAuth2 access token of a partner that wants one from us, and the key that goes with it in a header of its own
    (`ApiKey`, unless the partner names it otherwise)."""

    token: str
    api_key: str | None = None
    api_key_header: str = "ApiKey"


PeerToken: TypeAlias = str | BearerAccess
"""What we call a partner with: the OCPI token that it gave us, or an access token."""


def is_token(text: str) -> bool:
    """Say whether `text` can be a credentials token: 1 to 64 characters from U+0021 to U+007E."""
    return _TOKEN.fullmatch(text) is not None


def new_token() -> str:
    """Make a token of ours: 64 characters that need no escaping anywhere, 384 random bits."""
    return secrets.token_urlsafe(48)


def authorization(token: str, *, raw: bool) -> str:
    """Return the Authorization header's value: the token in Base64, or as it is for a peer of old habits."""
    return f"Token {token if raw else base64.b64encode(token.encode()).decode()}"


def authorization_headers(token: PeerToken, *, raw: bool) -> dict[str, str]:
    """Return the headers that open a partner's interfaces."""
    if isinstance(token, str):
        return {"Authorization": authorization(token, raw=raw)}
    api_key = {token.api_key_header: token.api_key} if token.api_key is not None else {}
    return {"Authorization": f"Bearer {token.token}", **api_key}


def tokens_in(header: str | None) -> tuple[str, ...]:
    """Return the tokens that an Authorization header may mean: its Base64 reading first, then the raw one.

    Nothing is stripped: a Base64 text that decodes to a token and a newline means no token of ours. Whoever looks the
    readings up compares them exactly, so that a second reading opens no door.
    """
    if header is None or len(header) > LONGEST_HEADER:
        return ()
    match = _HEADER.fullmatch(header)
    if match is None:
        return ()
    readings = (_decoded(match[1]), match[1])
    return tuple(dict.fromkeys(each for each in readings if each is not None and is_token(each)))


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None

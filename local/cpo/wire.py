"""What every OCPI message has: instants, envelopes, tokens in headers. Written from the specification alone: the
simulator shares no code with what it is there to examine."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]

OK = 1000
CLIENT_ERROR, BAD_PARAMETERS = 2000, 2001
SERVER_ERROR = 3000


@dataclass(frozen=True, slots=True)
class Party:
    """An OCPI party: ISO 3166 country code and party id."""

    country_code: str
    party_id: str


def write_instant(at: datetime) -> str:
    """Write an aware datetime as RFC 3339 in UTC; milliseconds only where there are any."""
    at = at.astimezone(UTC)
    fraction = f".{at.microsecond // 1000:03d}" if at.microsecond >= 1000 else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def read_instant(text: str) -> datetime:
    """Read an RFC 3339 date-time; without zone it is UTC. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def read_json(body: bytes) -> object:
    """Read JSON with exact decimals. Raises ValueError."""
    return json.loads(body, parse_float=Decimal)


def envelope(now: datetime, status_code: int = OK, message: str | None = None, data: Json = None) -> dict[str, Json]:
    """Wrap an answer as OCPI does; without data and message, both are left out."""
    said: dict[str, Json] = {"status_code": status_code, "timestamp": write_instant(now)}
    if message is not None:
        said["status_message"] = message
    if data is not None:
        said["data"] = data
    return said


def new_token() -> str:
    """Make a credentials token: 43 characters from U+0021-7E, at most 64 are allowed."""
    return secrets.token_urlsafe(32)


def authorization(token: str, *, raw: bool) -> str:
    """Write the Authorization header: Base64 as the specification asks, or `raw`, the old habit."""
    return f"Token {token if raw else base64.b64encode(token.encode()).decode()}"


def tokens_in(header: str | None) -> tuple[str, ...]:
    """Return the readings of an Authorization header: as it stands, and decoded where that works."""
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() != "token" or not text:
        return ()
    try:
        return text, base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return (text,)

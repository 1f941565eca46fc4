"""What surrounds every OCPI message: the envelope, the status codes, the ids and the routing headers.

OCPI 2.2.1, 4.1.3 to 4.1.7 and 5; CONFORMANCE T3 to T7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TypeGuard

from offpeak.instants import format_instant
from offpeak.ocpi.wire_json import write_json

REQUEST_ID = "X-Request-ID"
CORRELATION_ID = "X-Correlation-ID"
LONGEST_ID = 128
"""OCPI gives ids 36 characters; longer ones are echoed as long as they do no harm in logs."""


class Status(IntEnum):
    """OCPI status codes (OCPI 2.2.1, 5)."""

    SUCCESS = 1000
    CLIENT_ERROR = 2000
    INVALID_PARAMETERS = 2001
    UNKNOWN_LOCATION = 2003
    SERVER_ERROR = 3000
    PEER_UNUSABLE = 3001
    UNSUPPORTED_VERSION = 3002
    NO_MATCHING_ENDPOINTS = 3003


@dataclass(frozen=True, slots=True)
class RequestIds:
    """`request_id` names one HTTP request, `correlation_id` the chain of requests that it belongs to (T3)."""

    request_id: str
    correlation_id: str

    def headers(self) -> dict[str, str]:
        return {REQUEST_ID: self.request_id, CORRELATION_ID: self.correlation_id}

    def followed_by(self, request_id: str) -> RequestIds:
        """Return the ids of another request in the same chain."""
        return RequestIds(request_id, self.correlation_id)


@dataclass(frozen=True, slots=True)
class Routing:
    """Who a request to a functional module is from and for: country codes and party ids (OCPI 2.2.1, 4.1.6)."""

    to_country_code: str
    to_party_id: str
    from_country_code: str
    from_party_id: str

    def headers(self) -> dict[str, str]:
        return {
            "OCPI-to-country-code": self.to_country_code,
            "OCPI-to-party-id": self.to_party_id,
            "OCPI-from-country-code": self.from_country_code,
            "OCPI-from-party-id": self.from_party_id,
        }


SWAPPED = {
    "OCPI-to-country-code": "OCPI-from-country-code",
    "OCPI-to-party-id": "OCPI-from-party-id",
    "OCPI-from-country-code": "OCPI-to-country-code",
    "OCPI-from-party-id": "OCPI-to-party-id",
}
"""Header of a response -> header of its request: the answer goes back to whom the question came from (T4)."""


def is_echoable(text: str | None) -> TypeGuard[str]:
    """Say whether a header's value can be given back as it came: visible ASCII of a sane length."""
    return text is not None and 0 < len(text) <= LONGEST_ID and text.isascii() and text.isprintable()


def envelope(status: int, now: datetime, *, data: object = None, message: str | None = None) -> str:
    """Write a response's body. Without data the field is left out (T5)."""
    body: dict[str, object] = {} if data is None else {"data": data}
    body["status_code"] = int(status)
    if message is not None:
        body["status_message"] = message
    body["timestamp"] = format_instant(now)
    return write_json(body)

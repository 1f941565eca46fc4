"""What API Gateway answers by itself, before or instead of a function, as data: OCPI's envelope and the fields of a
problem (RFC 9457) in one object, because an API's answers are one for partners and for tenants.

Two things it cannot do: its templates only substitute variables, so the timestamp is its own `requestTime`
(09/Apr/2027:12:34:56 +0000) and not RFC 3339; and it echoes the request's ids but cannot make one that is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

ECHOED = {
    "X-Request-ID": "method.request.header.X-Request-ID",
    "X-Correlation-ID": "method.request.header.X-Correlation-ID",
}


@dataclass(frozen=True, slots=True)
class GatewayError:
    """`http_status` None keeps what API Gateway would answer. `headers` come on top of the echoed ones."""

    type: str
    http_status: int | None
    ocpi_status: int
    message: str
    more_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> Mapping[str, str]:
        return {**ECHOED, **self.more_headers}

    @property
    def template(self) -> str:
        envelope = {
            "status_code": self.ocpi_status,
            "status_message": self.message,
            "timestamp": "$context.requestTime",
        }
        status = {} if self.http_status is None else {"status": self.http_status}
        title = HTTPStatus(self.http_status).phrase if self.http_status else "Refused"
        return json.dumps({**envelope, "type": "about:blank", "title": title, **status, "detail": self.message})


GATEWAY_ERRORS = (
    GatewayError("UNAUTHORIZED", 401, 2001, "Authorization is missing or unknown", {"WWW-Authenticate": "'Token'"}),
    GatewayError("ACCESS_DENIED", 403, 2000, "These credentials may not use this interface"),
    GatewayError("INVALID_API_KEY", 403, 2000, "These credentials have no usage plan"),
    GatewayError("MISSING_AUTHENTICATION_TOKEN", 404, 2000, "Nothing answers to this method at this address"),
    GatewayError("REQUEST_TOO_LARGE", 413, 2001, "The body is too large"),
    GatewayError("THROTTLED", 429, 2000, "Too many requests; try again in a second", {"Retry-After": "'1'"}),
    GatewayError("INTEGRATION_TIMEOUT", 504, 3000, "The answer took too long; try again"),
    GatewayError("DEFAULT_4XX", None, 2000, "The request cannot be served"),
    GatewayError("DEFAULT_5XX", None, 3000, "Something failed on our side; try again"),
)

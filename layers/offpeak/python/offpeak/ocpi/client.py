"""Calls to partners' OCPI interfaces: one bounded request, one read answer (CONFORMANCE T1, T3, T4, T6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from offpeak.errors import OffpeakError, PeerUnusable
from offpeak.ocpi.envelope import RequestIds, Routing, Status
from offpeak.ocpi.guarded_http import GuardedHttp, HttpAnswer
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.ocpi.tokens import PeerToken, authorization_headers
from offpeak.ocpi.wire_json import JsonValue, read_json, write_json

LARGEST_ANSWER = 1024 * 1024
"""Bytes. Lists come in pages; an answer beyond this is a mistake or an attack."""
LONGEST_MESSAGE = 255
"""Characters of a peer's status_message that are kept: it is for people, and goes into rows and logs."""


@dataclass(frozen=True, slots=True)
class OcpiAnswer:
    """What a peer answered. `ocpi_status` is None where an error came without OCPI's envelope."""

    http_status: int
    ocpi_status: int | None
    message: str | None = None
    data: JsonValue = None

    @property
    def is_success(self) -> bool:
        return self.http_status < 300 and self.ocpi_status is not None and 1000 <= self.ocpi_status < 2000


class OcpiClient:
    """One pool of connections for the whole process; it is opened with the first call."""

    def __init__(self, rule: PeerAddressRule) -> None:
        self._http = GuardedHttp(rule)

    def call(
        self,
        method: str,
        url: str,
        token: PeerToken,
        *,
        ids: RequestIds,
        raw_token: bool = False,
        routing: Routing | None = None,
        body: object = None,
        params: Mapping[str, str] | None = None,
        timeout_s: float = 3.0,
    ) -> OcpiAnswer:
        """Send one request and read its answer, all within `timeout_s` seconds of real time.

        `raw_token` matters to an OCPI token only. `routing` belongs to functional modules only (T4). Any HTTP 2xx to
        4xx is an answer. Raises PeerUnavailable when the peer did not answer in time, broke the connection or said
        5xx; PeerUnusable for an address that we do not call, a redirect (none is followed), or an answer that is too
        large or no OCPI.
        """
        return _read_answer(
            self.fetch(
                method,
                url,
                token,
                ids=ids,
                raw_token=raw_token,
                routing=routing,
                body=body,
                params=params,
                timeout_s=timeout_s,
            )
        )

    def fetch(
        self,
        method: str,
        url: str,
        token: PeerToken,
        *,
        ids: RequestIds,
        raw_token: bool = False,
        routing: Routing | None = None,
        body: object = None,
        params: Mapping[str, str] | str | None = None,
        timeout_s: float = 3.0,
        largest: int = LARGEST_ANSWER,
    ) -> HttpAnswer:
        """Send one request like `call`, and return the response of at most `largest` bytes as it came.

        `params` that are text are encoded already. Raises what `call` raises, except for what is no OCPI.
        """
        query = params if isinstance(params, str) else urlencode(params or {})
        headers = {
            **authorization_headers(token, raw=raw_token),
            **ids.headers(),
            **(routing.headers() if routing else {}),
        }
        content = None
        if body is not None:
            content = write_json(body).encode()
            headers["Content-Type"] = "application/json"
        return self._http.send(method, url, headers, content, query=query, timeout_s=timeout_s, largest=largest)


def _read_answer(answer: HttpAnswer) -> OcpiAnswer:
    http_status = answer.http_status
    if http_status < 300 and not answer.body.strip():
        return OcpiAnswer(http_status, Status.SUCCESS)
    try:
        body = read_json(answer.body.decode())
    except (UnicodeDecodeError, OffpeakError) as error:
        if http_status >= 400:
            return OcpiAnswer(http_status, None)
        raise PeerUnusable(Status.PEER_UNUSABLE, f"the answer is not readable: {error}") from error
    status = body.get("status_code") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(status, int):
        if http_status >= 400:
            return OcpiAnswer(http_status, None)
        raise PeerUnusable(Status.PEER_UNUSABLE, "the answer has no OCPI status_code")
    message = body.get("status_message")
    words = message[:LONGEST_MESSAGE] if isinstance(message, str) else None
    return OcpiAnswer(http_status, status, words, body.get("data"))

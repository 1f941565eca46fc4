"""Calls to partners' OCPI interfaces: one bounded request, one read answer (CONFORMANCE T1, T3, T4, T6, C7).

Built on httpcore, httpx's own engine, because its connections can be checked and timed as a whole (connections.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from offpeak.errors import OffpeakError, PeerUnavailable, PeerUnusable
from offpeak.ocpi.envelope import RequestIds, Routing, Status
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.ocpi.tokens import authorization
from offpeak.ocpi.wire_json import JsonValue, read_json, write_json

if TYPE_CHECKING:
    from httpcore import ConnectionPool, Response

LARGEST_ANSWER = 1024 * 1024
"""Bytes. Lists come in pages; an answer beyond this is a mistake or an attack."""
LONGEST_MESSAGE = 255
"""Characters of a peer's status_message that are kept: it is for people, and goes into rows and logs."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A response that is neither a failure of the peer's server nor a redirect. Header names are in small letters; of
    a header that came several times, the values are joined by commas."""

    http_status: int
    headers: Mapping[str, str]
    body: bytes


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
        self._rule = rule

    def call(
        self,
        method: str,
        url: str,
        token: str,
        *,
        ids: RequestIds,
        raw_token: bool = False,
        routing: Routing | None = None,
        body: object = None,
        params: Mapping[str, str] | None = None,
        timeout_s: float = 3.0,
    ) -> OcpiAnswer:
        """Send one request and read its answer, all within `timeout_s` seconds of real time.

        `routing` belongs to functional modules only (T4). Any HTTP 2xx to 4xx is an answer. Raises PeerUnavailable
        when the peer did not answer in time, broke the connection or said 5xx; PeerUnusable for an address that we do
        not call, a redirect (none is followed), or an answer that is too large or no OCPI.
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
        token: str,
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
        self._rule.check(url)
        if params:
            query = params if isinstance(params, str) else urlencode(params)
            url += f"{'&' if '?' in url else '?'}{query}"
        headers = {
            "Authorization": authorization(token, raw=raw_token),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "offpeak",
            **ids.headers(),
            **(routing.headers() if routing else {}),
        }
        content = None
        if body is not None:
            content = write_json(body).encode()
            headers["Content-Type"] = "application/json"
        answer = self._exchange(method, url, headers, content, timeout_s, largest)
        if answer.http_status >= 500:
            raise PeerUnavailable(f"the peer answered HTTP {answer.http_status}")
        if answer.http_status in (301, 302, 303, 307, 308):
            problem = f"the peer answered a redirect (HTTP {answer.http_status}); none is followed"
            raise PeerUnusable(Status.PEER_UNUSABLE, problem)
        return answer

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        timeout_s: float,
        largest: int,
    ) -> HttpAnswer:
        import httpcore

        from offpeak.ocpi.connections import deadline

        running = deadline.set(time.monotonic() + timeout_s)
        try:
            # The pool's own limits; whatever is shorter of them and the deadline ends a wait.
            limits = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)
            with self._pool.stream(
                method, url, headers=list(headers.items()), content=content, extensions={"timeout": limits}
            ) as answer:
                return HttpAnswer(answer.status, _headers(answer), _bounded(answer, largest))
        except httpcore.TimeoutException as error:
            raise PeerUnavailable(f"no answer within {timeout_s:g} s") from error
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            raise PeerUnavailable(f"the connection failed: {error}") from error
        except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError) as error:
            raise PeerUnusable(Status.PEER_UNUSABLE, f"the request cannot be sent: {error}") from error
        finally:
            deadline.reset(running)

    @cached_property
    def _pool(self) -> ConnectionPool:
        from offpeak.ocpi.connections import open_pool

        return open_pool(self._rule)


def _headers(answer: Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in answer.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _bounded(answer: Response, largest: int) -> bytes:
    chunks, size = [], 0
    for chunk in answer.iter_stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > largest:
            raise PeerUnusable(Status.PEER_UNUSABLE, f"an answer of more than {largest} bytes")
    return b"".join(chunks)


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

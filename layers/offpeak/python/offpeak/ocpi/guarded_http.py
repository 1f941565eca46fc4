"""Plain HTTP to addresses that partners name: checked where it goes, bounded in time and size (CONFORMANCE C7).

Built on httpcore, httpx's own engine, because its connections can be checked and timed as a whole (connections.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from offpeak.errors import PeerUnavailable, PeerUnusable
from offpeak.ocpi.envelope import Status
from offpeak.ocpi.peer_address import PeerAddressRule

if TYPE_CHECKING:
    from httpcore import ConnectionPool, Response


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A response. Header names are in small letters; of a header that came several times, the values are joined by
    commas."""

    http_status: int
    headers: Mapping[str, str]
    body: bytes


class GuardedHttp:
    """One pool of connections for the whole process; it is opened with the first request."""

    def __init__(self, rule: PeerAddressRule) -> None:
        self._rule = rule

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        query: str = "",
        timeout_s: float,
        largest: int,
    ) -> HttpAnswer:
        """Send one request and return the response of at most `largest` bytes, within `timeout_s` seconds of real time.

        `query` is encoded already, and added to whatever query `url` has. Any HTTP 2xx to 4xx is an answer. Raises
        PeerUnavailable when the peer did not answer in time, broke the connection or said 5xx; PeerUnusable for an
        address that we do not call, a redirect (none is followed), or an answer that is too large.
        """
        if query:
            url += f"{'&' if '?' in url else '?'}{query}"
        answer = self.exchange(method, url, headers, content, timeout_s=timeout_s, largest=largest)
        if answer.http_status >= 500:
            raise PeerUnavailable(f"the peer answered HTTP {answer.http_status}")
        if answer.http_status in (301, 302, 303, 307, 308):
            problem = f"the peer answered a redirect (HTTP {answer.http_status}); none is followed"
            raise PeerUnusable(Status.PEER_UNUSABLE, problem)
        return answer

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        *,
        timeout_s: float,
        largest: int,
    ) -> HttpAnswer:
        """The same, whatever the status: redirects, which are not followed, and 5xx are answers too."""
        import httpcore

        from offpeak.ocpi.connections import deadline

        self._rule.check(url)
        usual = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "offpeak"}
        running = deadline.set(time.monotonic() + timeout_s)
        try:
            # The pool's own limits; whatever is shorter of them and the deadline ends a wait.
            limits = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)
            with self._pool.stream(
                method, url, headers=list({**usual, **headers}.items()), content=content, extensions={"timeout": limits}
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

"""Connections to partners: to checked addresses only, and never longer than the call's deadline.

An HTTP client resolves a name and times out each read by itself; a hostile or broken peer uses both. Here the resolved
address is checked and then connected to, with no second look-up in between (CONFORMANCE C7), and every wait of a call,
from the look-up of the name to the last byte of the answer, draws on one deadline.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from functools import cache
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpcore

from offpeak.errors import PeerUnusable
from offpeak.ocpi.envelope import Status
from offpeak.ocpi.peer_address import PeerAddressRule

deadline: ContextVar[float] = ContextVar("deadline")
"""When the call that is under way must be over, on time.monotonic()."""

KEEP_ALIVE_S = 4.0
"""Many servers close an idle connection after five seconds; one that is just being closed costs a call."""


def open_pool(rule: PeerAddressRule) -> httpcore.ConnectionPool:
    """Return an empty pool of connections that keeps to `rule` and to `deadline`."""
    return httpcore.ConnectionPool(
        ssl_context=_usual_tls(),
        max_connections=20,
        keepalive_expiry=KEEP_ALIVE_S,
        network_backend=_CheckedNetwork(rule),
    )


@cache
def _usual_tls() -> ssl.SSLContext:
    """Whom we trust is the same for all pools, and takes 40 ms to read."""
    return ssl.create_default_context()


def _time_left(timeout: float | None = None) -> float:
    left = deadline.get() - time.monotonic()
    if left <= 0:
        raise httpcore.TimeoutException("the time for this call is over")
    return left if timeout is None else min(left, timeout)


class _CheckedNetwork(httpcore.NetworkBackend):
    def __init__(self, rule: PeerAddressRule) -> None:
        self._rule = rule
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _resolve(host, port)
        if not all(self._rule.allows(ip_address(address)) for address in addresses):
            raise PeerUnusable(Status.PEER_UNUSABLE, f"{host} does not lead to a public address")
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                stream = self._network.connect_tcp(address, port, _time_left(timeout), local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
            else:
                return _TimedStream(stream)
        raise failure


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every operation ends with the call's deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _time_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _time_left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _time_left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _resolve(host: str, port: int) -> list[str]:
    """Look a name up, in a thread of its own because the system's look-up knows no time-out."""
    found: SimpleQueue[list[str] | OSError] = SimpleQueue()

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(answer[4][0]) for answer in answers)))
        except (OSError, UnicodeError) as error:
            found.put(error if isinstance(error, OSError) else OSError(str(error)))

    Thread(target=look_up, daemon=True).start()
    try:
        addresses = found.get(timeout=_time_left())
    except Empty:
        raise httpcore.ConnectTimeout(f"{host} could not be looked up in time") from None
    if isinstance(addresses, OSError):
        raise httpcore.ConnectError(f"{host} could not be looked up")
    return addresses

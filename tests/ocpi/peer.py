"""A partner's server for tests: real HTTP on loopback, which answers, and misbehaves, as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came over the wire; header names are in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Respond = Callable[["Answering"], None]


class Answering(BaseHTTPRequestHandler):
    """One request that is being answered; `respond` functions use `self.answer`, or write to the socket themselves."""

    protocol_version = "HTTP/1.1"
    server: _Server
    received: Received

    def answer(self, http_status: int, body: bytes, **headers: str) -> None:
        self.send_response(http_status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.received = Received(self.command, self.path, headers, body)
        self.server.peer.requests.append(self.received)
        respond = self.server.peer.answers.get(self.path.partition("?")[0])
        if respond is None:
            self.answer(404, b"not here")
        else:
            respond(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815  (the names that http.server calls)

    def log_message(self, *_: Any) -> None: ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    peer: Peer

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is what many of these tests are about."""


@dataclass(slots=True)
class Peer:
    """`answers` maps a path to what answers there; `requests` holds what came."""

    url: str
    answers: dict[str, Respond] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)


@contextmanager
def running_peer() -> Iterator[Peer]:
    """Serve on a free loopback port."""
    server = _Server(("127.0.0.1", 0), Answering)
    server.peer = Peer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ocpi(data: object = None, *, http_status: int = 200, status: int = 1000) -> Respond:
    """Answer with an OCPI envelope."""
    body: dict[str, object] = {"status_code": status, "timestamp": "2026-01-01T00:00:00Z"}
    if data is not None:
        body["data"] = data
    return lambda it: it.answer(http_status, json.dumps(body).encode(), Content_Type="application/json")


def text(body: str, *, http_status: int = 200, **headers: str) -> Respond:
    """Answer with any text."""
    return lambda it: it.answer(http_status, body.encode(), **headers)

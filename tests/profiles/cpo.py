"""A CPO's charging profiles receiver on a loopback port: real HTTP, answers as told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Call:
    """One request as it came in; `path` is as it was sent, percent-encoding and all."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None

    @property
    def session_id(self) -> str:
        return unquote(urlsplit(self.path).path.rsplit("/", 1)[1])

    @property
    def response_url(self) -> str:
        if self.body is not None:
            return str(self.body["response_url"])
        return parse_qs(urlsplit(self.path).query)["response_url"][0]


@dataclass(frozen=True)
class Says:
    """An answer. `before` runs before it is given; `after_s` is how long the CPO is silent first."""

    data: object = None
    http_status: int = 200
    ocpi_status: int = 1000
    message: str = ""
    before: Callable[[Call], None] | None = None
    after_s: float = 0.0

    def body(self) -> bytes:
        return json.dumps(
            {
                "data": self.data,
                "status_code": self.ocpi_status,
                "status_message": self.message,
                "timestamp": "2026-01-15T17:00:00Z",
            }
        ).encode()


def says(result: str, timeout: int = 30) -> Says:
    return Says({"result": result, "timeout": timeout})


ACCEPTED = says("ACCEPTED")
DOWN = Says(http_status=503)


@dataclass
class Cpo:
    """Answers `next_answers` first, then `answer` for ever. `profiles` is what it took, by session id."""

    answer: Says = ACCEPTED
    next_answers: list[Says] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    awaited: list[str] = field(default_factory=list)
    """Response URLs that wait for a result."""

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._stopped = Event()
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/ocpi/cpo/2.2.1/chargingprofiles"

    def stop(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def _take(self, call: Call) -> Says:
        self.calls.append(call)
        answer = self.next_answers.pop(0) if self.next_answers else self.answer
        if isinstance(answer.data, dict) and answer.data.get("result") == "ACCEPTED":
            if call.method == "PUT" and call.body is not None:
                self.profiles[call.session_id] = call.body["charging_profile"]
            if call.method == "DELETE":
                self.profiles.pop(call.session_id, None)
            self.awaited.append(call.response_url)
        if answer.before is not None:
            answer.before(call)
        if answer.after_s:
            self._stopped.wait(answer.after_s)
        return answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cpo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def respond(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length)) if length else None
                answer = cpo._take(Call(self.command, self.path, dict(self.headers), body))
                text = answer.body()
                self.send_response(answer.http_status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_PUT = do_GET = do_DELETE = respond  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def wait_for(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)

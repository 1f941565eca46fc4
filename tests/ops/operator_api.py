"""A stage for the commands that call the operator API: a server that keeps what it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import boto3

from ops.deployed import Deployed


class OperatorApi(Deployed):
    """A stage whose operator API keeps what it is asked and answers `said`, by the end of the path where that is
    known."""

    def __init__(self, url: str) -> None:
        super().__init__(
            lambda service: boto3.client(
                service, region_name="eu-central-1", aws_access_key_id="k", aws_secret_access_key="s"
            ),
            "qa",
        )
        self.url, self.status, self.asked = url, 200, list[tuple[str, str, Any]]()
        self.headers = list[dict[str, str]]()
        self.said: dict[str, Any] = {"": {}}

    @property
    def operator_url(self) -> str:
        return self.url


@contextmanager
def serving() -> Iterator[OperatorApi]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            api.asked.append((self.command, self.path, json.loads(body) if body else None))
            api.headers.append(dict(self.headers))
            said = next(value for end, value in reversed(api.said.items()) if self.path.endswith(end))
            content = json.dumps(said).encode()
            self.send_response(api.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - as the library calls them

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    api = OperatorApi(f"http://127.0.0.1:{server.server_port}/qa")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

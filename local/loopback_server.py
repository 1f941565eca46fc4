"""An ASGI application, served on a loopback port from a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Self, TypeVar

import uvicorn
from starlette.types import ASGIApp

Answer = TypeVar("Answer")

STARTS_WITHIN_S = 10.0


class LoopbackServer:
    """Serves an application from `start()` until `stop()`.

    The port (0: a free one) is bound at once, so that the application can be built with its own address. Raises
    OSError when the port is taken.
    """

    def __init__(self, build: Callable[[str], ASGIApp], port: int = 0) -> None:
        # asyncio turns Nagle's algorithm off only where the socket names its protocol; with it, every answer whose
        # header and body are written apart waits 40 ms for the caller's delayed acknowledgement.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(512)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            build(self.url), log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True, name=f"serves {self.url}")

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._server.serve(sockets=[self._socket]))

    def start(self) -> Self:
        """Serve, and return once requests are answered."""
        self._thread.start()
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"no server came up at {self.url}")
            time.sleep(0.005)
        return self

    def run(self, work: Coroutine[object, object, Answer]) -> Answer:
        """Run a coroutine beside the application, on its event loop; return or raise what it does."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        """Stop serving. Requests in progress get a second, then they are cut off."""
        if self._thread.is_alive():
            self._server.should_exit = True
            self._thread.join()
        self._socket.close()
        if not self._loop.is_closed():
            self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

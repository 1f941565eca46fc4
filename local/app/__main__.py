"""Serves the example app on a loopback port until it is told to end."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from local.app.server import App
from local.loopback_server import LoopbackServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.app", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="a file that says what it needs, once it is there")
    parser.add_argument("--port", type=int, default=0, help="loopback port (default: a free one)")
    parser.add_argument("--url-file", type=Path, required=True, help="write the address into this file")
    chosen = parser.parse_args()
    ended = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())
    with LoopbackServer(lambda url: App(chosen.settings, url).asgi(), chosen.port) as server:
        chosen.url_file.write_text(server.url + "\n")
        ended.wait()


if __name__ == "__main__":
    main()

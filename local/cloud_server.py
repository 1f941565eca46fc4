"""The embedded AWS: ministack on a loopback port, as a child process, with its gaps mended.

`python -m local.cloud_server --url-file PATH` serves until it is told to end (SIGTERM) or, with --end-with-stdin,
until whoever started it is gone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from local.background import Program, start

REGION = "eu-central-1"


@dataclass(frozen=True, slots=True)
class CloudServer:
    """A running server. Its Lambdas' folders and its log live in `directory`."""

    program: Program
    directory: Path

    @classmethod
    def start(
        cls, directory: Path, *, port: int = 0, iam: bool = True, mended: bool = True, ends_with_us: bool = True
    ) -> CloudServer:
        """Start an empty server and wait until it serves (about half a second).

        `iam` enforces each role's policies; `ends_with_us` ends the server with this process, however that ends.
        Raises ProgramDidNotStart.
        """
        temporary = directory / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        arguments = ["--port", str(port)]
        arguments += ["--end-with-stdin"] if ends_with_us else []
        arguments += [] if mended else ["--unmended"]
        program = start(
            "local.cloud_server",
            *arguments,
            log_dir=directory,
            environment=_environment(temporary, iam=iam),
            ends_with_us=ends_with_us,
        )
        return cls(program, directory)

    @property
    def url(self) -> str:
        return self.program.url

    def client(self, service: str) -> Any:
        """Return a boto3 client of the account's root user."""
        return root_client(service, self.url)

    def stop(self) -> None:
        """End the server with its Lambdas; nothing of it is kept but the log."""
        self.program.end()
        shutil.rmtree(self.directory / "tmp", ignore_errors=True)


@cache
def root_client(service: str, url: str) -> Any:
    """Return a boto3 client of the root user of the embedded account at `url`."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(max_pool_connections=50, retries={"total_max_attempts": 1}),
    )


def _environment(temporary: Path, *, iam: bool) -> dict[str, str]:
    """Lambdas inherit the server's environment, so it holds nothing of the developer's."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "TMPDIR": str(temporary),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AUTH": str(iam).lower(),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_WARM_TTL_SECONDS": "20",
        "LOG_LEVEL": "WARNING",
    }


def main() -> None:
    """Serve on a loopback port; the address is written to the file once connections are taken."""
    parser = argparse.ArgumentParser(prog="python -m local.cloud_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) picks a free one")
    parser.add_argument("--url-file", type=Path, required=True)
    parser.add_argument("--end-with-stdin", action="store_true", help="end when standard input closes")
    parser.add_argument("--unmended", action="store_true", help="leave the gaps open, to see whether they still are")
    arguments = parser.parse_args()

    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=512)
    port = listener.getsockname()[1]
    os.environ["GATEWAY_PORT"] = str(port)  # ministack reads it while it is imported
    _serve(listener, arguments)


def _serve(listener: socket.socket, arguments: argparse.Namespace) -> None:
    import uvicorn
    from ministack.app import app
    from ministack.core import lambda_runtime

    temporary = Path(os.environ["TMPDIR"])
    if not arguments.unmended:
        from local.gaps import mend

        mend(temporary)

    def end(exit_code: int) -> NoReturn:
        """Leave at once instead of waiting for idle connections: nothing here is kept."""
        lambda_runtime.reset()
        shutil.rmtree(temporary, ignore_errors=True)
        os._exit(exit_code)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG002 - told by uvicorn
            end(0)

    if arguments.end_with_stdin:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), end(0)), daemon=True).start()
    # All of the embedded cloud runs in one event loop, so what the server itself needs slows everything down: loop and
    # parser are those written in C, where ministack's own server is written in Python.
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        timeout_keep_alive=75,
        log_level="warning",
        access_log=False,
        date_header=False,
        server_header=False,
    )
    # The socket already listens: whoever connects before the first accept waits, no one is refused.
    arguments.url_file.write_text(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    Server(config).run(sockets=[listener])
    end(1)


if __name__ == "__main__":
    main()

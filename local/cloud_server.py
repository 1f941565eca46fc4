"""The embedded AWS: ministack on a loopback port, as a child process, with its gaps mended.

`python -m local.cloud_server --url-file PATH` serves until it is told to end (SIGTERM) or, with --end-with-stdin,
until whoever started it is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
    asyncio.run(_serve(listener, arguments))


async def _serve(listener: socket.socket, arguments: argparse.Namespace) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app
    from ministack.core import lambda_runtime

    temporary = Path(os.environ["TMPDIR"])
    if not arguments.unmended:
        from local.gaps import mend

        mend(temporary)
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    loop.add_signal_handler(signal.SIGINT, told.set)
    if arguments.end_with_stdin:
        threading.Thread(
            target=lambda: (sys.stdin.buffer.read(), loop.call_soon_threadsafe(told.set)), daemon=True
        ).start()

    config = Config()
    url = "http://{}:{}".format(*listener.getsockname())
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    serving = asyncio.create_task(serve(app, config))
    # The socket already listens: whoever connects before the first accept waits, no one is refused.
    arguments.url_file.write_text(f"{url}\n")
    ended = asyncio.create_task(told.wait())
    await asyncio.wait((serving, ended), return_when=asyncio.FIRST_COMPLETED)
    # Nothing here is kept, so the server leaves at once instead of waiting for idle connections.
    lambda_runtime.reset()
    shutil.rmtree(temporary, ignore_errors=True)
    os._exit(0 if ended.done() else 1)


if __name__ == "__main__":
    main()

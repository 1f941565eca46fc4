"""Workers of the embedded Lambda, forked from a process that has imported what nearly all of them import.

ministack starts each worker as an interpreter of its own, which spends most of its cold start on importing boto3,
pydantic and the like. Where workers share their layers, they share those modules too: one process for each set of
layers imports them once, and every worker begins as its copy. What a worker sees is the same: its own file, its layers
and the runtime's packages, under its own role.

`python worker_forge.py SOCKET FOLDER...` is that process: it takes orders on a socket, and ends when that closes.
Linux only.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

IMPORTED = (
    "boto3",
    "botocore.handlers",
    "pydantic",
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.metrics",
    "httpx",
    "jwt",
)
"""What most functions import of their layers and of AWS's runtime. What is not there is passed over."""
LARGEST_ORDER = 256 * 1024


class Forge:
    """Starts workers that share `layers`, folders with a python/ each; `packages` is what AWS's runtime brings."""

    def __init__(self, layers: Sequence[str], packages: str) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._turn = threading.Lock()
        folders = [*(str(Path(each) / "python") for each in layers), packages]
        with theirs:
            command = [sys.executable, "-P", __file__, str(theirs.fileno()), *folders]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def start(self, script: str, cwd: str, environment: Mapping[str, str]) -> ForgedWorker:
        """Run a Python file in a new process, as `python FILE` would. Raises OSError when the forge is gone."""
        pipes = [os.pipe() for _ in range(3)]
        (stdin, ours_in), (ours_out, stdout), (ours_err, stderr) = pipes
        theirs, ours = (stdin, stdout, stderr), (ours_in, ours_out, ours_err)
        order = json.dumps({"script": script, "cwd": cwd, "environment": dict(environment)}).encode()
        try:
            with self._turn:
                socket.send_fds(self._orders, [order], theirs)
                pid, handles, *_ = socket.recv_fds(self._orders, 32, 1)
            if not pid:
                raise ConnectionResetError("the process that workers are forked from has ended")
        except OSError:
            for each in ours:
                os.close(each)
            raise
        finally:
            for each in theirs:
                os.close(each)
        return ForgedWorker(
            int(pid),
            handles[0],
            open(ours_in, "w", buffering=1),
            open(ours_out),
            open(ours_err),
        )


class ForgedWorker:
    """What ministack asks of a subprocess.Popen, of a process that is not our own child."""

    def __init__(self, pid: int, handle: int, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> None:
        self.pid, self._handle = pid, handle
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr

    def __del__(self) -> None:
        os.close(self._handle)

    def poll(self) -> int | None:
        """Return None while the process runs; how it ended is not known here."""
        return -1 if self._has_ended(0) else None

    def wait(self, timeout: float | None = None) -> int:
        if not self._has_ended(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return -1

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _has_ended(self, within_s: float | None) -> bool:
        ended = select.poll()
        ended.register(self._handle, select.POLLIN)
        return bool(ended.poll(None if within_s is None else within_s * 1000))

    def _signal(self, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, what)


def main() -> None:
    """Take orders until nobody gives any more."""
    orders, folders = socket.socket(fileno=int(sys.argv[1])), sys.argv[2:]
    as_found = [each for each in sys.path if "site-packages" not in each]
    sys.path[:] = [*folders, *as_found]
    for name in IMPORTED:
        with suppress(ImportError):
            importlib.import_module(name)
    sys.path[:] = as_found
    gc.freeze()  # what is never looked at again stays shared with the workers
    while True:
        order, files, *_ = socket.recv_fds(orders, LARGEST_ORDER, 3)
        if not order:
            return
        pid = os.fork()
        if pid == 0:
            orders.close()
            _become(json.loads(order), files)
            return
        handle = os.pidfd_open(pid)
        socket.send_fds(orders, [str(pid).encode()], [handle])
        for each in (*files, handle):
            os.close(each)
        _bury()


def _become(order: dict[str, Any], files: Sequence[int]) -> None:
    """Be the process that was ordered, from here to its end."""
    for file, standard in zip(files, (0, 1, 2), strict=True):
        os.dup2(file, standard)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    script = Path(order["script"])
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent))
    exec(compile(script.read_text(), script, "exec"), {"__name__": "__main__", "__file__": str(script)})


def _bury() -> None:
    """Let no worker that has ended stay a zombie for long."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    main()

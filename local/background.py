"""Our own modules as programs beside this one: started with a log, known by their process ids, ended by them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parent.parent
STARTS_WITHIN_S = 30.0
ENDS_WITHIN_S = 5.0


class ProgramDidNotStart(Exception):
    """A program ended, or stayed silent, before it served; the text says where its log is."""


@dataclass(frozen=True, slots=True)
class Program:
    """A module that runs as a program of its own, with what it starts in a process group of its own, and serves."""

    module: str
    pid: int
    url: str
    process: subprocess.Popen[bytes] | None = field(default=None, compare=False, repr=False)
    """Known to the one who started it."""

    @property
    def is_running(self) -> bool:
        """Say whether the process is alive and still ours: ids are used again."""
        if self.process:
            return self.process.poll() is None
        command = ["ps", "-o", "stat=,command=", "-p", str(self.pid)]
        state, _, shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout.partition(" ")
        return self.module in shown and not state.startswith("Z")

    def end(self) -> None:
        """End it and what it has started, by force if it does not listen."""
        for way in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + ENDS_WITHIN_S
            if self.is_running:
                os.killpg(self.pid, way)
            while self.is_running and time.monotonic() < deadline:
                time.sleep(0.01)
        if self.process and self.process.stdin:
            self.process.stdin.close()


def start(
    module: str,
    *arguments: str,
    log_dir: Path,
    environment: Mapping[str, str] | None = None,
    ends_with_us: bool = False,
) -> Program:
    """Run `python -m module ARGUMENTS --url-file FILE` and return once it serves.

    With `ends_with_us` it can tell by the end of its standard input that this process is gone, however that went.
    Raises ProgramDidNotStart.
    """
    log_dir.mkdir(parents=True, exist_ok=True)
    url_file, log = log_dir / f"{module}.url", log_dir / f"{module}.log"
    url_file.unlink(missing_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments, "--url-file", str(url_file)],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.PIPE if ends_with_us else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + STARTS_WITHIN_S
    while not (url_file.exists() and url_file.read_text().endswith("\n")):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise ProgramDidNotStart(f"{module} did not start; see {log}")
        time.sleep(0.01)
    return Program(module, process.pid, url_file.read_text().strip(), process)


@dataclass(frozen=True, slots=True)
class Ledger:
    """A file with a line for every program that was started, so that whoever comes later can end them all."""

    path: Path

    def add(self, program: Program) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as lines:
            lines.write(json.dumps([program.module, program.pid, program.url]) + "\n")

    def programs(self) -> tuple[Program, ...]:
        """Return those that were added and still run, the newest first."""
        if not self.path.exists():
            return ()
        added = [Program(*json.loads(line)) for line in self.path.read_text().splitlines()]
        return tuple(each for each in reversed(added) if each.is_running)

    def end_all(self) -> tuple[Program, ...]:
        """End them, forget them, and return those that were running."""
        running = self.programs()
        for program in running:
            program.end()
        self.path.unlink(missing_ok=True)
        return running

"""A solver in a process of its own, in an environment of its own: started, asked, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.background import PROJECT
from tests.bench.peers.instances import Instance

HERE = PROJECT / "tests" / "bench" / "peers"


class PeerFailed(Exception):
    """A peer's process ended, or could not solve what it was asked; the message is the end of what it wrote."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is asked: `program` of this folder, run by the environment of the same name (None: ours), with `settings`."""

    name: str
    program: str
    environment: str | None = None
    settings: Mapping[str, str] | None = None

    def command(self, environments: Path) -> Sequence[str]:
        script = str(HERE / self.program)
        if self.environment is None:
            return [sys.executable, "-I", script]
        return [str(environments / self.environment / "bin" / "python"), script]

    def is_installed(self, environments: Path) -> bool:
        return Path(self.command(environments)[0]).exists()


@dataclass(frozen=True, slots=True)
class Answer:
    """How long each repetition took, and what was drawn: a list of kWh, or one for each session of a group."""

    seconds: list[float]
    drawn: list[Any]


class Asked:
    """A peer that is running."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        told = self._read()
        self.import_s = float(told["import_s"])
        self.kinds = tuple(told["kinds"])

    def solve(self, kind: str, instance: Instance, repeats: int) -> Answer:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"kind": kind, "instance": instance, "repeats": repeats}) + "\n")
        self._process.stdin.flush()
        return Answer(**self._read())

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerFailed(self._log.read_text()[-2000:])
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def running(peer: Peer, environments: Path, logs: Path) -> Iterator[Asked]:
    """Start a peer and end it. Whatever it prints is in a file of `logs`."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{peer.name.replace(' ', '-')}.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            peer.command(environments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **(peer.settings or {})},
        ) as process,
    ):
        try:
            yield Asked(process, log)
        finally:
            process.kill()

"""Programs in the background: real ones, started, found again, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from local.background import PROJECT, Ledger, Program, ProgramDidNotStart, start
from local.cloud_server import CloudServer


def _soon(condition: Callable[[], bool], within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _serves(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def test_a_program_is_found_by_the_ledger_and_ended_by_its_id(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "programs")
    program = start("local.retold_prices", log_dir=tmp_path)
    ledger.add(program)
    assert _serves(program.url)

    assert Ledger(ledger.path).end_all() == (program,)

    assert not _serves(program.url)
    assert ledger.programs() == ()


def test_a_process_that_took_over_an_id_is_left_alone() -> None:
    ours = Program("local.retold_prices", os.getpid(), "http://127.0.0.1:9")
    assert not ours.is_running
    ours.end()


def test_a_program_that_cannot_start_points_to_its_log(tmp_path: Path) -> None:
    with pytest.raises(ProgramDidNotStart, match=str(tmp_path)):
        start("local.retold_prices", "--nonsense", log_dir=tmp_path)
    assert "--nonsense" in (tmp_path / "local.retold_prices.log").read_text()


def test_a_program_that_does_not_listen_is_ended_by_force(tmp_path: Path) -> None:
    program = start("local.retold_prices", log_dir=tmp_path)
    os.kill(program.pid, signal.SIGSTOP)
    program.end()
    assert not program.is_running


def test_a_cloud_ends_with_the_process_that_started_it_however_that_ends(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\n"
            "from pathlib import Path\n"
            "from local.cloud_server import CloudServer\n"
            "print(CloudServer.start(Path(sys.argv[1])).url, flush=True)\n"
            "time.sleep(60)",
            str(tmp_path),
        ],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout
    url = starter.stdout.readline().strip()
    assert _serves(url)

    starter.kill()
    starter.wait()

    assert _soon(lambda: not _serves(url))
    assert _soon(lambda: not (tmp_path / "tmp").exists())


def test_the_cloud_listens_on_the_loopback_address_only(embedded_aws: CloudServer) -> None:
    assert _serves(embedded_aws.url)
    assert not _serves(embedded_aws.url.replace("127.0.0.1", "127.0.0.2"))

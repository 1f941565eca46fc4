"""The whole demonstration, as `make demo` starts it, on a night that is over soon."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.background import PROJECT
from local.demo.__main__ import main

pytestmark = pytest.mark.local_stack

HEADER = "session_ID;Start_plugin;End_plugout;El_kWh"
EARLY = ["1;05.04.2025 04:55;05.04.2025 07:05;6,5", "2;05.04.2025 04:58;05.04.2025 07:05;3"]
"""26 weeks before a morning of the sample, until just after the departure that is assumed where nobody tells one."""


def recorded(folder: Path, *rows: str) -> Path:
    path = folder / "sessions.csv"
    path.write_text("\n".join([HEADER, *rows]))
    return path


def test_recorded_sessions_are_played_counted_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sessions = recorded(tmp_path, *EARLY, "3;05.04.2025 05:00;05.04.2025 05:05;1")
    picture = tmp_path / "demo.png"
    status = main(["--sessions", str(sessions), "--picture", str(picture)])
    said = capsys.readouterr().out
    assert status == 0, said
    rows = dict(line.strip().split("  ", 1) for line in said.splitlines() if "  " in line.strip())
    assert rows["Sessions"].strip() == "2"
    assert rows["Energy"].strip() == "9.5 kWh"
    assert rows["Ready on time"].strip() == "2 of 2"
    assert int(rows["confirmed by the charger"]) >= 2
    assert "3 recorded sessions read, 2 laid over the prices, 1 dropped: 1 under 15 min" in " ".join(said.split())
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in said.replace("\n", "")


def test_a_file_that_cannot_be_read_is_said_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--sessions", str(recorded(tmp_path, "1;05.04.2025 04:00;tomorrow;6"))])
    said = " ".join(capsys.readouterr().out.split())
    assert status == 2
    assert "line 2, column End_plugout: 'tomorrow' is not a time" in said
    assert "Traceback" not in said


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let what is started here take interruptions, whether the shell that began the tests lets them do so or not."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_ends_everything_that_was_started(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with output.open("w") as file:
        demo = subprocess.Popen(
            [sys.executable, "-m", "local.demo", "--picture", str(tmp_path / "demo.png")],
            cwd=PROJECT,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 120
    while "Thu 13:00" not in output.read_text() and demo.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    children = _children_of(demo.pid)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(30) == 130, output.read_text()
    assert children
    assert not children & _alive()
    assert "Traceback" not in output.read_text()


def _children_of(pid: int) -> set[int]:
    """Return the processes below a process, however deep."""
    parents = {child: parent for child, parent, _ in _processes()}
    found = {child for child, parent in parents.items() if parent == pid}
    return found.union(*(_children_of(child) for child in found))


def _alive() -> set[int]:
    """Return the processes that have not ended; one that nobody has asked for how it ended has."""
    return {pid for pid, _, state in _processes() if not state.startswith("Z")}


def _processes() -> list[tuple[int, int, str]]:
    """Return the id, the parent's id and the state of every process."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [(int(pid), int(parent), state) for pid, parent, state in rows]

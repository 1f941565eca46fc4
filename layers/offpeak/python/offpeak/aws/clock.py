"""Clocks. Simulated time exists in the local stack only; latencies, tokens and queues always use real time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from offpeak.instants import parse_instant


class Clock(Protocol):
    """Tells the time that sessions, prices, plans and profile time-outs live in."""

    def now(self) -> datetime:
        """Return the present instant in UTC, cut to milliseconds."""
        ...


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


class SimulatedClock:
    """A clock that a file drives, so that all Lambdas of the local stack and its simulators agree.

    The file holds {"now": instant, "set_at": real instant, "speed": simulated seconds per real second}; speed 0
    stops the clock, so that a run can move it step by step.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        setting = json.loads(self._path.read_text())
        real_elapsed_s = (datetime.now(UTC) - parse_instant(setting["set_at"])).total_seconds()
        now = parse_instant(setting["now"]) + timedelta(seconds=real_elapsed_s * setting["speed"])
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

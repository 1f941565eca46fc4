from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from offpeak.aws.clock import SimulatedClock, SystemClock
from offpeak.instants import format_instant


def test_a_stopped_simulated_clock_stands_still(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    file.write_text(json.dumps({"now": "2026-01-15T17:00:00Z", "set_at": "2020-01-01T00:00:00Z", "speed": 0}))
    assert SimulatedClock(file).now() == datetime(2026, 1, 15, 17, tzinfo=UTC)


def test_a_running_simulated_clock_runs_at_its_speed(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    set_at = datetime.now(UTC) - timedelta(minutes=1)
    file.write_text(json.dumps({"now": "2026-01-15T17:00:00Z", "set_at": format_instant(set_at), "speed": 60}))
    elapsed = SimulatedClock(file).now() - datetime(2026, 1, 15, 17, tzinfo=UTC)
    assert timedelta(minutes=60) <= elapsed < timedelta(minutes=70)


def test_the_system_clock_tells_utc_to_the_millisecond() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0

"""A CPO simulator registered with a fake Offpeak, for the tests of the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from local.car import Car, Visit
from local.cpo import CpoSimulator
from tests.local.fake_offpeak import TOKEN_A, FakeOffpeak

EVENING = datetime(2026, 1, 30, 18, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return EVENING + timedelta(minutes=minutes)


def visit(session_id: str = "S1", *, arrives_min: float = 0, leaves_min: float | None = None, **car: Any) -> Visit:
    """A 60 kWh battery at 30 %, at 11 kW on three phases, unless `car` says otherwise."""
    leaves_at = None if leaves_min is None else after(leaves_min)
    return Visit(
        session_id, f"EVSE-{session_id}", Car(**{"battery_kwh": 60, "soc": 0.3, **car}), after(arrives_min), leaves_at
    )


@contextmanager
def registered_cpo(**settings: Any) -> Iterator[tuple[CpoSimulator, FakeOffpeak]]:
    offpeak = _fake_offpeak()
    offpeak.forget()
    with CpoSimulator(start_at=EVENING, **settings) as cpo:
        cpo.register(offpeak.versions_url, TOKEN_A)
        offpeak.received.clear()
        yield cpo, offpeak


@cache
def _fake_offpeak() -> FakeOffpeak:
    """One server for all tests of this process, in a daemon thread; one for each would take most of their time."""
    offpeak = FakeOffpeak()
    offpeak.serve().start()
    return offpeak

"""A session's JSON to its encoded charging profile in one process: in a fresh interpreter, and in one that is warm."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from datetime import datetime, timedelta

from local.background import PROJECT
from offpeak.prices.model import PriceCurve
from tests.bench.carry import carry
from tests.bench.report import Progress, Row, median, ms, quantile
from tests.bench.sessions import EVENING, STEP, price_curve, session_object

NAME = "session to profile"
FRESH, WARM = 8, 400
UPDATES = 24
"""The session was plugged in two hours ago."""

Input = tuple[str, PriceCurve, datetime]

IN_A_FRESH_INTERPRETER = """
import time
began = time.perf_counter()
from tests.bench.carry import carry
imported = time.perf_counter() - began
import pickle, sys
session = pickle.load(sys.stdin.buffer)
began = time.perf_counter()
carry(*session)
print(imported, time.perf_counter() - began)
"""


def measure(progress: Progress, fresh: int = FRESH, warm: int = WARM) -> list[Row]:
    session = a_session()
    progress(f"{fresh} fresh interpreters, then {warm} sessions in one")
    colds = [cold(session) for _ in range(fresh)]
    carry(*session)
    took = []
    for _ in range(warm):
        began = time.perf_counter()
        carry(*session)
        took.append(time.perf_counter() - began)
    imports, firsts = zip(*colds, strict=True)
    whole, first, usual = median(map(sum, colds)), median(firsts), median(took)
    size = f"{len(session[0]) / 1024:.1f} KB, {len(session[1].slots)} price slots"
    return [
        Row(NAME, "warm, p50", ms(usual), size),
        Row(NAME, "warm, p99", ms(quantile(took, 0.99))),
        Row(NAME, "cold: imports and first session, p50", ms(whole), f"{ms(usual)} warm", f"{whole / usual:.0f} x"),
        Row(NAME, "  of that the imports", ms(median(imports))),
        Row(NAME, "  of that the first session", ms(first), f"{ms(usual)} warm", f"{first / usual:.1f} x"),
    ]


def a_session() -> Input:
    """Return a session's JSON, the prices until its departure, and the time it is."""
    now = EVENING + UPDATES * STEP
    return json.dumps(session_object("S1", UPDATES)), price_curve(now, EVENING + timedelta(hours=12)), now


def cold(session: Input) -> tuple[float, float]:
    """Carry a session in an interpreter of its own; return the seconds for the imports and for the session."""
    run = subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_INTERPRETER],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "layers" / "offpeak" / "python")},
        input=pickle.dumps(session),
        capture_output=True,
        check=True,
    )
    imported, first = run.stdout.split()
    return float(imported), float(first)

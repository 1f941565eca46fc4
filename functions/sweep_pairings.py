"""Every minute: takes up codes whose validation was lost on its way."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.pairing.sweep_connects import sweep_connects


def run() -> None:
    sweep_connects(wiring.connect_sweeper())


handler = clock_handler(run)

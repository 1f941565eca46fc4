"""Every minute: takes up codes whose validation was lost on its way, and tells CPOs of chargers that were un-paired."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.pairing.sweep_connects import sweep_connects
from offpeak.pairing.tell import tell_all


def run() -> None:
    try:
        sweep_connects(wiring.connect_sweeper())
    finally:
        tell_all(wiring.unpairing_teller())


handler = clock_handler(run)

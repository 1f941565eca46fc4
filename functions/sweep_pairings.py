"""Every minute: takes up codes whose validation was lost on its way, and tells CPOs of chargers that were un-paired."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.pairing.sweep_connects import sweep_connects
from offpeak.pairing.tell import tell_all


def take_up_codes() -> None:
    sweep_connects(wiring.connect_sweeper())


def tell_of_unpairings() -> None:
    tell_all(wiring.unpairing_teller())


handler = clock_handler(take_up_codes, tell_of_unpairings)

"""By the clock: work the deletions of users that are not finished, until nothing of them is found any more."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.pairing.erase import look_at_all


def run() -> None:
    look_at_all(wiring.eraser())


handler = clock_handler(run)

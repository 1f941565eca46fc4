"""Every ten minutes: begins to pull those of the partners' lists whose turn it is, and takes up what was lost."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.history.begin import sync_partner


def run() -> None:
    now = wiring.clock().now()
    for partner in wiring.partners().all():
        sync_partner(partner, wiring.history_beginner(), now)


handler = clock_handler(run)

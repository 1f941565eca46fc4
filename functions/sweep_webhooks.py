"""Every minute: takes up events and deliveries whose message was lost, and deliveries whose next try is due."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak import wiring
from offpeak.edge import clock_handler


def run() -> None:
    wiring.sweep_outbox(datetime.now(UTC))


handler = clock_handler(run)

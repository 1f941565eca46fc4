"""Every minute: takes up events and deliveries whose message was lost, and deliveries whose next try is due."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.webhooks.sweep import sweep_lanes


def run() -> None:
    wiring.sweep_outbox(datetime.now(UTC))
    sweep_lanes(wiring.lanes(), wiring.webhooks_queue(), wiring.clock().now())


handler = clock_handler(run)

"""Every minute: takes up events and deliveries that were lost or are due, and tells tenants of partners in trouble."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.webhooks.sweep import sweep_lanes


def run() -> None:
    now = wiring.clock().now()
    try:
        wiring.sweep_outbox(datetime.now(UTC))
    finally:
        try:
            sweep_lanes(wiring.lanes(), wiring.webhooks_queue(), now)
        finally:
            wiring.trouble_watch().look(wiring.tenants().all(), now=now, real_now=datetime.now(UTC))


handler = clock_handler(run)

"""Every minute: takes up events and deliveries that were lost or are due, and tells tenants of partners in trouble."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.webhooks.sweep import sweep_lanes


def take_up_events() -> None:
    wiring.sweep_outbox(datetime.now(UTC))


def take_up_deliveries() -> None:
    sweep_lanes(wiring.lanes(), wiring.webhooks_queue(), wiring.clock().now())


def tell_of_trouble() -> None:
    wiring.trouble_watch().look(wiring.tenants().all(), now=wiring.clock().now(), real_now=datetime.now(UTC))


handler = clock_handler(take_up_events, take_up_deliveries, tell_of_trouble)

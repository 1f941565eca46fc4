"""Every hour: fetch the day-ahead prices of the zones in use; where they changed, ask for new plans."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak import edge, wiring
from offpeak.prices.fetch import fetch_prices
from offpeak.profiles.replan import ask_for_plans
from offpeak.profiles.zones import connected_in, in_order


def run() -> None:
    priced = [each for each in wiring.markets() if each.is_dynamic]
    zones, watched = in_order(priced)
    now, at = wiring.clock().now(), datetime.now(UTC)
    for zone in fetch_prices(wiring.price_feed(), wiring.prices(), zones, watched, now, at):
        ask_for_plans(connected_in(zone, priced), wiring.replan_queue(), changed_at=datetime.now(UTC))


handler = edge.clock_handler(run)

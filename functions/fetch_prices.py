"""Every hour: fetch the day-ahead prices of the zones in use; where they changed, ask for new plans."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic

from offpeak import edge, wiring
from offpeak.prices.fetch import fetch_prices
from offpeak.profiles.replan import ask_for_plans
from offpeak.profiles.zones import connected_in, in_order, while_time_lasts


def run() -> None:
    priced = [each for each in wiring.markets() if each.is_dynamic]
    now, at = wiring.clock().now(), datetime.now(UTC)
    zones, watched = in_order(priced, at)
    changed = set[str]()
    in_time = while_time_lasts(zones, monotonic)
    try:
        for zone in fetch_prices(wiring.price_feed(), wiring.prices(), in_time, watched, now, at):
            changed.add(zone)
    finally:  # what was fetched before a failure is planned by
        ask_for_plans(connected_in(changed, priced), wiring.replan_queue(), changed_at=datetime.now(UTC), zones=changed)


handler = edge.clock_handler(run)

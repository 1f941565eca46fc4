"""Every hour: fetch the carbon intensity of the zones where it has a weight; where it changed, ask for new plans."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic

from offpeak import edge, wiring
from offpeak.grid.fetch import fetch_carbon
from offpeak.grid.model import Scope
from offpeak.profiles.zones import in_order, while_time_lasts


def run() -> None:
    at = datetime.now(UTC)
    zones, watched = in_order([each for each in wiring.markets() if each.weighs_carbon], at)
    in_time = while_time_lasts(zones, monotonic)
    fetch_carbon(wiring.carbon_feed(), wiring.signals(), in_time, watched, wiring.clock().now(), at)
    for zone in zones:
        wiring.zone_replans().ask(Scope(zone=zone))


handler = edge.clock_handler(run)

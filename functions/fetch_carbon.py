"""Every hour: fetch the carbon intensity of the zones where it has a weight; where it changed, ask for new plans."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak import edge, wiring
from offpeak.grid.fetch import fetch_carbon
from offpeak.grid.model import Scope


def run() -> None:
    weighing = [each for each in wiring.partners().all() if each.planning.carbon_weight_eur_per_kg != 0]
    zones = {each.planning.bidding_zone for each in weighing}
    fetch_carbon(wiring.carbon_feed(), wiring.signals(), zones, wiring.clock().now(), datetime.now(UTC))
    for zone in sorted(zones):
        wiring.zone_replans().ask(Scope(zone=zone))


handler = edge.clock_handler(run)

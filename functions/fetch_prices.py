"""Every hour: fetch the day-ahead prices of the zones in use; where they changed, ask for new plans."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak import edge, wiring
from offpeak.prices.fetch import fetch_prices
from offpeak.prices.model import TariffKind
from offpeak.profiles.replan import ask_for_plans


def run() -> None:
    followers = [each for each in wiring.partners().all() if each.planning.tariff.kind is TariffKind.DYNAMIC]
    zones = {each.planning.bidding_zone for each in followers}
    changed = fetch_prices(wiring.price_feed(), wiring.prices(), zones, wiring.clock().now(), datetime.now(UTC))
    affected = [each.partner_id for each in followers if each.is_registered and each.planning.bidding_zone in changed]
    ask_for_plans(affected, wiring.replan_queue(), changed_at=datetime.now(UTC))


handler = edge.clock_handler(run)

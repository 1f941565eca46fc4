"""Which bidding zones and kinds of tariffs charging locations name themselves, at the chargers of which partner.

What a partner's settings say of its zone tells nothing of such a place: whoever fetches prices, or has sessions
planned anew because a zone's prices or signals have changed, asks here. A place is noted when a charger is linked
there, when it is changed, and with the plans of its sessions; what is noted no more is forgotten by itself. One row
stands for all places that are alike, so there are a handful, and they name nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from offpeak.aws.tables import Item, Put, Table
from offpeak.memory import Memory
from offpeak.pairing.model import ChargingLocation
from offpeak.prices.model import TariffKind

KEPT_FOR = timedelta(days=60)
"""A place counts so long after its last plan, in real time."""
NOTED_FOR_S = 86_400.0
"""A process notes the same again after so long."""
ALL = "OWN_MARKETS"


@dataclass(frozen=True, slots=True)
class OwnMarket:
    """What places at a partner's chargers say themselves; None: as the partner's settings say."""

    partner_id: str
    bidding_zone: str | None
    tariff: TariffKind | None


class OwnMarkets:
    """Rows: OWN_MARKETS/{partner}#{zone}#{kind of tariff}. `now_s` tells real epoch seconds."""

    def __init__(self, table: Table, now_s: Callable[[], float] = time.time) -> None:
        self._table = table
        self._noted: Memory[OwnMarket, None] = Memory(NOTED_FOR_S, now_s)

    def note(self, partner_id: str, location: ChargingLocation | None, at: datetime) -> None:
        """Note what a place with chargers of a partner says itself, if anything. `at` is the real time."""
        if location is None or (location.bidding_zone is None and location.tariff is None):
            return
        market = OwnMarket(partner_id, location.bidding_zone, location.tariff.kind if location.tariff else None)
        self._noted.get(market, lambda: self._table.write(Put(_row(market, at))))

    def all(self) -> list[OwnMarket]:
        """Return all that is noted."""
        return [_market(row) for row in self._table.query("pk = :all", {":all": ALL})]


def _row(market: OwnMarket, at: datetime) -> Item:
    kind = market.tariff.value if market.tariff else None
    return {
        "pk": ALL,
        "sk": f"{market.partner_id}#{market.bidding_zone or ''}#{kind or ''}",
        "partner_id": market.partner_id,
        "bidding_zone": market.bidding_zone,
        "tariff": kind,
        "expires_at": int((at + KEPT_FOR).timestamp()),
    }


def _market(row: Item) -> OwnMarket:
    return OwnMarket(row["partner_id"], row.get("bidding_zone"), TariffKind(row["tariff"]) if "tariff" in row else None)

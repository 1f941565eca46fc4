"""The prices that the stack's feed publishes: the sample's days, until a test changes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import local
from local.carbon_feed import CarbonFeed, made_up_g_per_kwh
from local.price_feed import PriceFeed
from local.recorded import RecordedPrices, read_prices

SAMPLE = Path(local.__file__).parent / "samples" / "prices_de_lu.csv"
QUARTER = timedelta(minutes=15)


class Market:
    """`eur_per_mwh` are the prices by the start of each quarter-hour; the feed serves them as they are at the time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._recorded = read_prices(SAMPLE)
        self.eur_per_mwh = dict(self._recorded.eur_per_mwh)
        self.carbon = CarbonFeed(now)
        recorded = RecordedPrices(self.eur_per_mwh, self._recorded.slot)
        self.feed = PriceFeed(recorded, now, routes=[self.carbon.route])

    def restore(self) -> None:
        self.eur_per_mwh.update(self._recorded.eur_per_mwh)
        self.feed.misbehave(None)
        self.carbon.g_per_kwh = made_up_g_per_kwh

    def change(self, start_at: datetime, end_at: datetime, new: Callable[[Decimal], Decimal]) -> None:
        for at, price in self.eur_per_mwh.items():
            if start_at <= at < end_at:
                self.eur_per_mwh[at] = new(price)

    def between(self, start_at: datetime, end_at: datetime) -> dict[datetime, Decimal]:
        return {at: price for at, price in self.eur_per_mwh.items() if start_at <= at < end_at}

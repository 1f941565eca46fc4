"""What a kWh costs the sessions of a partner: market prices, forecasts and tariffs put together."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from offpeak.prices.forecast import extended, is_complete
from offpeak.prices.model import HISTORY, PriceCurve, Tariff, TariffKind, market_date, quarter_hours
from offpeak.prices.tariffs import tariff_curve


class PublishedPrices(Protocol):
    """Where market prices are kept."""

    def curve(self, zone: str, start: datetime, end: datetime) -> PriceCurve:
        """Return the published slots that touch the time from `start` to `end`."""
        ...


class Pricing(Protocol):
    """The settings that prices depend on (part of a partner's planning defaults)."""

    @property
    def time_zone(self) -> str: ...
    @property
    def bidding_zone(self) -> str: ...
    @property
    def tariff(self) -> Tariff: ...


def effective_prices(store: PublishedPrices, pricing: Pricing, start: datetime, end: datetime) -> PriceCurve:
    """Return what a kWh costs from `start` to `end`, without gaps, in slots of at most a quarter-hour.

    Prices that are not published yet are forecast from those of the last two weeks, and marked. Whole market days are
    looked back on, so that a forecast stays what it is until prices are published. The curve is empty when a dynamic
    tariff's zone has no price at all. Fixed and time-of-use tariffs need no store.
    """
    if pricing.tariff.kind is TariffKind.DYNAMIC:
        known = store.curve(pricing.bidding_zone, start, end)
        if not is_complete(known, start, end):
            known = store.curve(pricing.bidding_zone, quarter_hours(market_date(start - HISTORY))[0], end)
        market = extended(known, start, end)
    else:
        market = PriceCurve(pricing.bidding_zone, (), "")
    return tariff_curve(pricing.tariff, market, start, end, pricing.time_zone)

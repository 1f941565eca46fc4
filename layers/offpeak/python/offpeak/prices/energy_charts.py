"""Day-ahead prices from the Energy-Charts API of Fraunhofer ISE, which needs no key.

GET {url}/price?bzn=DE-LU&start=2026-01-31&end=2026-02-01 answers {"license_info", "unix_seconds": [...],
"price": [... or null], "unit": "EUR / MWh", "deprecated"}. Some zones still trade hours: a stamp holds until the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import httpx

from offpeak.prices.energy_charts_api import QUARTER_S, ask, columns, number, read_answer, refuse
from offpeak.prices.model import QUARTER, PriceDay, market_date

HIGHEST_EUR_PER_MWH = 100_000
"""Far beyond the auction's own price limits: what is higher is a fault of the feed."""

HOUR_S = 3600
NAME = "Energy-Charts"
WHAT = "price feed"


class EnergyCharts:
    """The feed at `url` (without the path). `transport` is for tests."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._transport = transport

    def fetch(self, zone: str, first: date, last: date) -> list[PriceDay]:
        """Return what is published of the market days from `first` to `last`, ascending.

        Raises PeerUnavailable when asking again may help, PeerUnusable when the answer makes no sense.
        """
        parameters = {"bzn": zone, "start": first.isoformat(), "end": last.isoformat()}
        body = ask(self._url, "/price", parameters, WHAT, self._transport)
        return [day for day in days_of(body) if first <= day.date <= last]


def days_of(body: bytes) -> list[PriceDay]:
    """Return the market days in an answer, ascending. Raises PeerUnusable naming what is wrong with it."""
    stamps, prices, source = _read(body)
    days: dict[date, dict[datetime, Decimal]] = {}
    for stamp, price, length_s in zip(stamps, prices, _lengths_s(stamps), strict=True):
        if price is None:
            continue
        start_at = datetime.fromtimestamp(stamp, UTC)
        for n in range(length_s // QUARTER_S):
            at = start_at + QUARTER * n
            days.setdefault(market_date(at), {})[at] = price
    return [PriceDay(day, days[day], source) for day in sorted(days)]


def _read(body: bytes) -> tuple[list[int], list[Decimal | None], str]:
    """Return stamps, prices in EUR/kWh and the licence, each checked."""
    answer = read_answer(body, WHAT)
    if str(answer.get("unit")).replace(" ", "") != "EUR/MWh":
        refuse(WHAT, "unit is not EUR/MWh")
    stamps, [prices] = columns(answer, WHAT, "price")
    source = answer.get("license_info")
    return stamps, [_eur_per_kwh(price) for price in prices], source if isinstance(source, str) and source else NAME


def _lengths_s(stamps: Sequence[int]) -> list[int]:
    """Return how long each price holds: until the next stamp, which is an hour at most. A distance like none beside it
    is a gap, and the price before it holds as long as its neighbours; so does the last price."""
    apart = [later - earlier for earlier, later in pairwise(stamps)]
    lengths = []
    for n, distance in enumerate(apart):
        beside = apart[max(0, n - 1) : n] + apart[n + 1 : n + 2]
        is_gap = bool(beside) and distance not in beside
        lengths.append(min(HOUR_S, distance, *(beside if is_gap else ())))
    return [*lengths, lengths[-1] if lengths else QUARTER_S][: len(stamps)]


def _eur_per_kwh(price: object) -> Decimal | None:
    eur_per_mwh = number(price, WHAT, "price", -HIGHEST_EUR_PER_MWH, HIGHEST_EUR_PER_MWH)
    return None if eur_per_mwh is None else eur_per_mwh / 1000

"""Day-ahead prices from the Energy-Charts API of Fraunhofer ISE, which needs no key.

GET {url}/price?bzn=DE-LU&start=2026-01-31&end=2026-02-01 answers {"license_info", "unix_seconds": [...],
"price": [... or null], "unit": "EUR / MWh", "deprecated"}. Some zones still trade hours: a stamp holds until the next.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import NoReturn

import httpx

from offpeak.errors import PeerUnavailable, PeerUnusable
from offpeak.prices.model import QUARTER, PriceDay, market_date

TIMEOUT_S = 5.0
LARGEST_ANSWER_BYTES = 1_000_000
HIGHEST_EUR_PER_MWH = 100_000
"""Far beyond the auction's own price limits: what is higher is a fault of the feed."""

HOUR_S, QUARTER_S = 3600, 900
LAST_STAMP = 2**33
NAME = "Energy-Charts"


class EnergyCharts:
    """The feed at `url` (without the path). `transport` is for tests."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url.rstrip("/")
        self._transport = transport

    def fetch(self, zone: str, first: date, last: date) -> list[PriceDay]:
        """Return what is published of the market days from `first` to `last`, ascending.

        Raises PeerUnavailable when asking again may help, PeerUnusable when the answer makes no sense.
        """
        parameters = {"bzn": zone, "start": first.isoformat(), "end": last.isoformat()}
        try:
            with (
                httpx.Client(timeout=TIMEOUT_S, transport=self._transport, trust_env=False) as client,
                client.stream("GET", f"{self._url}/price", params=parameters) as response,
            ):
                if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.status_code >= 500:
                    raise PeerUnavailable(f"price feed answered HTTP {response.status_code}")
                if response.status_code != httpx.codes.OK:
                    _refuse(f"answered HTTP {response.status_code}")
                body = _bounded(response)
        except httpx.HTTPError as error:
            raise PeerUnavailable(f"price feed did not answer: {type(error).__name__}") from error
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
    try:
        answer = json.loads(body, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise PeerUnusable(3001, "price feed: the answer is not JSON") from error
    if not isinstance(answer, dict):
        _refuse("the answer is not a JSON object")
    if str(answer.get("unit")).replace(" ", "") != "EUR/MWh":
        _refuse("unit is not EUR/MWh")
    stamps, prices, source = answer.get("unix_seconds"), answer.get("price"), answer.get("license_info")
    if not isinstance(stamps, list) or not isinstance(prices, list) or len(stamps) != len(prices):
        _refuse("unix_seconds and price are not lists of one length")
    if not all(type(stamp) is int and stamp % QUARTER_S == 0 and 0 <= stamp < LAST_STAMP for stamp in stamps):
        _refuse("unix_seconds has a value that begins no quarter-hour")
    if any(later <= earlier for earlier, later in pairwise(stamps)):
        _refuse("unix_seconds does not ascend")
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
    if price is None:
        return None
    if isinstance(price, bool) or not isinstance(price, int | Decimal):
        _refuse("price has a value that is not a number")
    if not -HIGHEST_EUR_PER_MWH <= price <= HIGHEST_EUR_PER_MWH:
        _refuse("price has a value beyond all limits")
    return Decimal(price) / 1000


def _bounded(response: httpx.Response) -> bytes:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            _refuse("answer is too large")
    return body


def _refuse(problem: str) -> NoReturn:
    raise PeerUnusable(3001, f"price feed: {problem}")

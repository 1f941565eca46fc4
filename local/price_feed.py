"""A price feed that speaks like the Energy-Charts API: GET /price?bzn=DE-LU&start=2026-01-31&end=2026-02-01.

It publishes as the day-ahead auction does: the market day of tomorrow from 13:00 local time on. What time it is, it
is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from local.loopback_server import LoopbackServer
from local.recorded import RecordedPrices

MARKET = ZoneInfo("Europe/Berlin")
PUBLISHED_FROM = time(13)
LICENSE = "CC BY 4.0 (creativecommons.org/licenses/by/4.0) from Bundesnetzagentur | SMARD.de"


class FeedFault(StrEnum):
    """What the feed may do wrong."""

    HTTP_500 = "HTTP_500"
    GARBAGE = "GARBAGE"
    """HTTP 200 with something that is not JSON."""
    NULLS = "NULLS"
    """Every other price is null."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A request that came in: what was asked for, and how many prices it got."""

    zone: str
    start: str
    end: str
    status: int
    prices: int


class PriceFeed:
    """Serves recorded prices of one bidding zone on a loopback port (0: a free one). `now` tells the simulated time."""

    def __init__(
        self,
        prices: RecordedPrices,
        now: Callable[[], datetime],
        *,
        zone: str = "DE-LU",
        license_info: str = LICENSE,
        port: int = 0,
        routes: Sequence[Route] = (),
    ) -> None:
        """`routes` are what the API has beside prices."""
        self._prices, self._now, self._zone, self._license_info = prices, now, zone, license_info
        self._routes = routes
        self._fault: FeedFault | None = None
        self._fetched: list[Fetched] = []
        self._server = LoopbackServer(self._build, port)
        self.url = self._server.url

    def _build(self, _: str) -> ASGIApp:
        return Starlette(routes=[Route("/price", self._price), *self._routes])

    def start(self) -> Self:
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def misbehave(self, fault: FeedFault | None) -> None:
        """Do this wrong from now on; None: do everything right again."""
        self._fault = fault

    @property
    def fetched(self) -> tuple[Fetched, ...]:
        """All requests so far."""
        return tuple(self._fetched)

    async def _price(self, request: Request) -> Response:
        asked = request.query_params
        zone, start, end = asked.get("bzn", self._zone), asked.get("start", ""), asked.get("end", "")
        response, count = self._answer(zone, start, end)
        self._fetched.append(Fetched(zone, start, end, response.status_code, count))
        return response

    def _answer(self, zone: str, start: str, end: str) -> tuple[Response, int]:
        if self._fault is FeedFault.HTTP_500:
            return PlainTextResponse("Internal Server Error", status_code=500), 0
        if self._fault is FeedFault.GARBAGE:
            return PlainTextResponse("<html>Wartungsarbeiten</html>"), 0
        now = self._now()
        try:
            first_at = asked_instant(start, now, is_end=False)
            until = min(asked_instant(end, now, is_end=True), published_until(now))
        except ValueError:
            return JSONResponse({"detail": "start and end are dates, date-times or unix seconds"}, status_code=422), 0
        found = {at: price for at, price in self._prices.eur_per_mwh.items() if first_at <= at < until}
        if zone != self._zone or not found:
            return JSONResponse({"detail": "no content available"}, status_code=404), 0
        prices = [float(price) for price in found.values()]
        is_holey = self._fault is FeedFault.NULLS
        body = {
            "license_info": self._license_info,
            "unix_seconds": [int(at.timestamp()) for at in found],
            "price": [None if is_holey and place % 2 else price for place, price in enumerate(prices)],
            "unit": "EUR / MWh",
            "deprecated": False,
        }
        return JSONResponse(body), len(prices)


def published_until(now: datetime) -> datetime:
    """Return the end of the last market day that is published at `now`: tomorrow from 13:00 on, else today."""
    local = now.astimezone(MARKET)
    days = 2 if local.time() >= PUBLISHED_FROM else 1
    return _midnight(local.date() + timedelta(days=days))


def asked_instant(text: str, now: datetime, *, is_end: bool) -> datetime:
    """Read a bound: a bare date means the whole local day, nothing means today. Raises ValueError."""
    if text.isdecimal():
        return datetime.fromtimestamp(int(text), UTC)
    if len(text) in (0, 10):
        day = date.fromisoformat(text) if text else now.astimezone(MARKET).date()
        return _midnight(day + timedelta(days=int(is_end)))
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=MARKET)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), MARKET).astimezone(UTC)

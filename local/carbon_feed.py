"""The part of the Energy-Charts API that tells carbon intensity: GET /co2eq?country=de&start=2026-01-31&end=2026-02-01.

Up to now it tells what was measured, from there on a forecast, to the end of tomorrow. The figures are made up: clean
at noon, dirty at night.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from math import cos, pi

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.price_feed import MARKET, FeedFault, asked_instant

QUARTER = timedelta(minutes=15)
FORECAST_DAYS = 2
COUNTRIES = ("de", "fr", "nl")


def made_up_g_per_kwh(at: datetime) -> float:
    """Return what a summer day in Germany might have: 200 at one in the afternoon, 500 at one at night."""
    local = at.astimezone(MARKET)
    return round(350 + 150 * cos((local.hour + local.minute / 60 - 1) / 24 * 2 * pi), 1)


class CarbonFeed:
    """Answers for `countries` by `g_per_kwh`. `now` tells the simulated time."""

    def __init__(
        self,
        now: Callable[[], datetime],
        g_per_kwh: Callable[[datetime], float] = made_up_g_per_kwh,
        countries: tuple[str, ...] = COUNTRIES,
    ) -> None:
        self._now, self._countries = now, countries
        self.g_per_kwh = g_per_kwh
        self.fault: FeedFault | None = None
        self.asked = list[str]()
        """The countries that were asked for."""

    @property
    def route(self) -> Route:
        return Route("/co2eq", self._co2eq)

    async def _co2eq(self, request: Request) -> Response:
        asked, now = request.query_params, self._now()
        country = asked.get("country", "de")
        self.asked.append(country)
        if self.fault is FeedFault.HTTP_500:
            return PlainTextResponse("Internal Server Error", status_code=500)
        if self.fault is FeedFault.GARBAGE:
            return PlainTextResponse("<html>Wartungsarbeiten</html>")
        if country not in self._countries:
            return JSONResponse({"detail": f"'{country}' is not the code for an available country"}, status_code=400)
        first_at = asked_instant(asked.get("start", ""), now, is_end=False)
        reach = asked_instant("", now, is_end=True) + timedelta(days=FORECAST_DAYS - 1)
        until = min(asked_instant(asked.get("end", ""), now, is_end=True), reach)
        stamps = [first_at + n * QUARTER for n in range((until - first_at) // QUARTER)]
        told = [self.g_per_kwh(at) for at in stamps]
        if self.fault is FeedFault.NULLS:
            told = [None if n % 2 else grams for n, grams in enumerate(told)]  # type: ignore[misc]
        body = {
            "unix_seconds": [int(at.timestamp()) for at in stamps],
            "co2eq": [grams if at <= now else None for at, grams in zip(stamps, told, strict=True)],
            "co2eq_forecast": [None if at <= now else grams for at, grams in zip(stamps, told, strict=True)],
            "deprecated": False,
        }
        return JSONResponse(body)

"""Carbon intensity from the Energy-Charts API of Fraunhofer ISE, which needs no key.

GET {url}/co2eq?country=de&start=2026-01-31&end=2026-02-01 answers {"unix_seconds": [...], "co2eq": [... or null],
"co2eq_forecast": [... or null], "deprecated"}: grams of CO2 equivalent per kWh generated, measured up to now and
forecast from there on, by quarter-hours or hours. It tells countries; a bidding zone is counted by its country's mix.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import httpx

from offpeak.grid.model import FEED, Scope, Signal, SignalKind, SignalStep
from offpeak.prices.energy_charts_api import QUARTER_S, ask, columns, number, read_answer, refuse

WHAT = "carbon feed"
SOURCE = "Energy-Charts (Fraunhofer ISE)"
HIGHEST_G_PER_KWH = 5000
"""The worst lignite plant is below 1500: what is higher is a fault of the feed."""
LONGEST = timedelta(hours=1)
"""The last value holds no longer than this."""


class EnergyChartsCarbon:
    """The feed at `url` (without the path). `transport` is for tests."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._transport = transport

    def fetch(self, zone: str, first: date, last: date) -> Signal:
        """Return what is told of a bidding zone's country on the days from `first` to `last`.

        Raises PeerUnavailable when asking again may help, PeerUnusable when the answer makes no sense or is empty.
        """
        parameters = {"country": country_of(zone), "start": first.isoformat(), "end": last.isoformat()}
        return signal_of(ask(self._url, "/co2eq", parameters, WHAT, self._transport), zone)


def country_of(zone: str) -> str:
    """Return the code of the country that a bidding zone is in, as the feed writes it: de for DE-LU, no for NO2."""
    return zone[:2].lower()


def signal_of(body: bytes, zone: str) -> Signal:
    """Return the intensity in an answer as a signal of the zone. Raises PeerUnusable naming what is wrong with it.

    What was measured stands before what was forecast. A value holds until the next that is told.
    """
    stamps, [measured, forecast] = columns(read_answer(body, WHAT), WHAT, "co2eq", "co2eq_forecast")
    told: list[tuple[int, Decimal]] = []
    for stamp, *values in zip(stamps, measured, forecast, strict=True):
        known = [_grams(value) for value in values]
        grams = known[0] if known[0] is not None else known[1]
        if grams is not None:
            told.append((stamp, grams))
    if not told:
        refuse(WHAT, "tells no intensity")
    apart_s = min((later - earlier for (earlier, _), (later, _) in pairwise(told)), default=QUARTER_S)
    end_at = _instant(told[-1][0]) + min(timedelta(seconds=apart_s), LONGEST)
    steps = tuple(SignalStep(_instant(stamp), grams) for stamp, grams in told)
    return Signal(f"{FEED}carbon.{zone}", Scope(zone=zone), SignalKind.CARBON, steps, end_at, SOURCE)


def _grams(value: object) -> Decimal | None:
    grams = number(value, WHAT, "co2eq", 0, HIGHEST_G_PER_KWH)
    return None if grams is None else grams.quantize(Decimal("0.1"))


def _instant(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)

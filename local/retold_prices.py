"""A price feed for `make up`: the recorded days that come with Offpeak, retold as if they were these days.

`python -m local.retold_prices --url-file PATH` serves until it is told to end.
"""

from __future__ import annotations

import argparse
import signal
import threading
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from local.carbon_feed import CarbonFeed
from local.price_feed import MARKET, PriceFeed
from local.recorded import RecordedPrices, read_prices

SAMPLE = Path(__file__).parent / "samples" / "prices_de_lu.csv"
RETOLD_DAYS = range(-14, 60)


def retold(prices: RecordedPrices, today: date) -> RecordedPrices:
    """Return the recorded market days over and over, from two weeks before `today` on.

    A day of 25 hours repeats its last prices, one of 23 hours lacks them.
    """
    recorded = list(prices.eur_per_mwh.values())
    slots_a_day = timedelta(days=1) // prices.slot
    days = [recorded[start : start + slots_a_day] for start in range(0, len(recorded), slots_a_day)]
    told = {}
    for number in RETOLD_DAYS:
        day = today + timedelta(days=number)
        start_at, end_at = _midnight(day), _midnight(day + timedelta(days=1))
        values = days[number % len(days)]
        for slot in range((end_at - start_at) // prices.slot):
            told[start_at + slot * prices.slot] = values[min(slot, len(values) - 1)]
    return RecordedPrices(told, prices.slot)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), MARKET).astimezone(UTC)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.retold_prices", description=__doc__)
    parser.add_argument("--url-file", type=Path, required=True, help="write the address into this file")
    chosen = parser.parse_args()
    ended = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())
    prices = retold(read_prices(SAMPLE), datetime.now(MARKET).date())
    carbon = CarbonFeed(now=lambda: datetime.now(UTC))
    with PriceFeed(prices, now=lambda: datetime.now(UTC), routes=[carbon.route]) as feed:
        chosen.url_file.write_text(feed.url + "\n")
        ended.wait()


if __name__ == "__main__":
    main()

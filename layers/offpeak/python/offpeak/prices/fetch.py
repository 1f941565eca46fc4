"""Fetch prices: ask the feed for every zone in use, store what it says, name the zones that changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Protocol

from offpeak.errors import ConcurrentChange, PeerUnavailable, PeerUnusable
from offpeak.prices.model import HISTORY, PriceDay, market_date
from offpeak.prices.store import PriceStore, published_until
from offpeak.telemetry import count, logger, measure_hours

DAY = timedelta(days=1)
HORIZON = 2 * DAY


class Feed(Protocol):
    """Where prices are published."""

    def fetch(self, zone: str, first: date, last: date) -> list[PriceDay]:
        """Return what is published of these market days. Raises PeerUnavailable or PeerUnusable."""
        ...


def fetch_prices(
    feed: Feed, store: PriceStore, zones: Iterable[str], watched: Set[str], now: datetime, fetched_at: datetime
) -> Iterator[str]:
    """Fetch today's and tomorrow's prices, and the days of the last two weeks that are missing; yield each zone whose
    prices are different now, before the next one is fetched.

    `now` is the time that sessions live in, `fetched_at` the real one: it orders fetches. A zone whose feed fails
    keeps the prices it has and holds up no other; the next fetch tries again. That a zone has none is counted, and
    wakes somebody, where it is `watched`.
    """
    for zone in zones:
        try:
            if _fetch_zone(feed, store, zone, now, fetched_at):
                yield zone
        except (PeerUnavailable, PeerUnusable) as error:
            count("PriceFeedFailed", int(zone in watched))
            logger.error("price_feed_failed", zone=zone, problem=str(error))
        except ConcurrentChange:
            logger.info("prices_were_newer", zone=zone)
    for zone in sorted(watched):  # those, too, that there was no time for
        known = published_until(store.curve(zone, now, now + HORIZON), now)
        measure_hours("PriceHoursAhead", (known - now) / timedelta(hours=1))


def _fetch_zone(feed: Feed, store: PriceStore, zone: str, now: datetime, fetched_at: datetime) -> bool:
    today = market_date(now)
    before = {day.date: day for day in store.days(zone, today - HISTORY, today + DAY)}
    answer = feed.fetch(zone, _first_missing(before, today), today + DAY)
    fetched = [_completed(day, before.get(day.date)) for day in answer]
    store.replace(zone, fetched, fetched_at)
    changed = [day for day in fetched if before.get(day.date) != day]
    logger.info("prices_stored", zone=zone, days=len(fetched), changed=[str(day.date) for day in changed])
    return bool(changed)


def _completed(fetched: PriceDay, before: PriceDay | None) -> PriceDay:
    """Return a day with the prices that the feed gave, and those known before where it gave none this time."""
    if before is None or before.eur_per_kwh.keys() <= fetched.eur_per_kwh.keys():
        return fetched
    prices = {**before.eur_per_kwh, **fetched.eur_per_kwh}
    return replace(fetched, eur_per_kwh=dict(sorted(prices.items())))


def _first_missing(known: Iterable[date], today: date) -> date:
    days: Sequence[date] = [today - HISTORY + n * DAY for n in range(HISTORY.days)]
    have = set(known)
    return next((day for day in days if day not in have), today)

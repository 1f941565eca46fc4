from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from local.price_feed import FeedFault, PriceFeed, published_until
from local.recorded import RecordedPrices

QUARTER = timedelta(minutes=15)
START = datetime(2026, 1, 30, 23, tzinfo=UTC)  # midnight in Berlin
PRICES = RecordedPrices({START + number * QUARTER: Decimal(number) - 50 for number in range(3 * 96)}, QUARTER)


class Clock:
    now = datetime(2026, 1, 31, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feed(clock: Clock) -> Iterator[PriceFeed]:
    with PriceFeed(PRICES, clock) as feed:
        yield feed


def asked(feed: PriceFeed, start: str = "2026-01-31", end: str = "2026-02-01", bzn: str = "DE-LU") -> httpx.Response:
    return httpx.get(f"{feed.url}/price", params={"bzn": bzn, "start": start, "end": end}, trust_env=False)


def test_the_answer_has_the_shape_of_energy_charts(feed: PriceFeed) -> None:
    answer = asked(feed).json()
    assert answer.keys() == {"license_info", "unix_seconds", "price", "unit", "deprecated"}
    assert answer["unit"] == "EUR / MWh"
    assert "SMARD" in answer["license_info"]
    assert answer["unix_seconds"][0] == int(START.timestamp())
    assert answer["price"][:2] == [-50.0, -49.0]


@pytest.mark.parametrize(
    ("utc", "days"), [((9, 0), 1), ((11, 59), 1), ((12, 0), 2), ((22, 59), 2)], ids=lambda value: str(value)
)
def test_tomorrow_is_published_at_13_o_clock_local_time(
    feed: PriceFeed, clock: Clock, utc: tuple[int, int], days: int
) -> None:
    clock.now = datetime(2026, 1, 31, *utc, tzinfo=UTC)
    assert len(asked(feed).json()["price"]) == days * 96


def test_market_days_follow_the_change_of_clocks() -> None:
    assert published_until(datetime(2026, 3, 28, 13, tzinfo=UTC)) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert published_until(datetime(2026, 3, 29, 11, tzinfo=UTC)) == datetime(2026, 3, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        ("2026-01-31", "2026-01-31", 96),
        ("2026-01-31T10:00+01:00", "2026-01-31T12:00+01:00", 8),
        (str(int(START.timestamp())), str(int(START.timestamp()) + 3600), 4),
        ("", "", 96),
    ],
)
def test_bounds_are_dates_times_or_seconds(feed: PriceFeed, start: str, end: str, count: int) -> None:
    assert len(asked(feed, start, end).json()["price"]) == count
    assert feed.fetched[-1].prices == count


def test_what_is_not_there_is_404_and_what_makes_no_sense_422(feed: PriceFeed) -> None:
    assert asked(feed, bzn="XX").status_code == 404
    assert asked(feed, "2025-01-01", "2025-01-02").status_code == 404
    assert asked(feed, "tomorrow").status_code == 422


def test_the_feed_misbehaves_on_demand(feed: PriceFeed) -> None:
    feed.misbehave(FeedFault.HTTP_500)
    assert asked(feed).status_code == 500
    feed.misbehave(FeedFault.GARBAGE)
    garbage = asked(feed)
    assert garbage.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        garbage.json()
    feed.misbehave(FeedFault.NULLS)
    prices: list[Any] = asked(feed).json()["price"]
    assert prices[:4] == [-50.0, None, -48.0, None]
    feed.misbehave(None)
    assert None not in asked(feed).json()["price"]
    assert [each.status for each in feed.fetched] == [500, 200, 200, 200]

"""The clock that fetches prices, as EventBridge calls it, with a feed that publishes like the auction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from functions import fetch_prices
from local.price_feed import FeedFault, PriceFeed
from local.recorded import RecordedPrices
from offpeak import wiring
from offpeak.partners.model import PartnerStatus, PlanningDefaults
from offpeak.prices.model import QUARTER, market_date, quarter_hours
from tests.functions.events import CONTEXT
from tests.functions.journey import FIXED_PRICE, Journey

TODAY = market_date(datetime.now(UTC))


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Iterator[PriceFeed]:
    """Publishes yesterday's, today's and tomorrow's prices."""
    days = [TODAY + timedelta(days=n) for n in (-1, 0, 1)]
    prices = {at: Decimal(at.hour) for day in days for at in quarter_hours(day)}
    with PriceFeed(RecordedPrices(prices, QUARTER), lambda: quarter_hours(TODAY)[-1]) as feed:
        monkeypatch.setenv("PRICE_FEED_URL", feed.url)
        yield feed


def test_new_prices_are_stored_and_every_partner_of_the_zone_is_planned_anew(journey: Journey, feed: PriceFeed) -> None:
    journey.change(planning=PlanningDefaults())
    fetch_prices.handler({}, CONTEXT)
    assert [day.date for day in wiring.prices().days("DE-LU", TODAY, TODAY + timedelta(days=1))] == [
        TODAY,
        TODAY + timedelta(days=1),
    ]
    asked = [json.loads(message) for message in journey.waiting("replan")]
    assert [(each["partner_id"], each["after"]) for each in asked] == [("acme", None)] * 8
    assert {int(each["shard"]) for each in asked} == set(range(8))


def test_prices_that_stay_ask_nobody_to_plan_anew(journey: Journey, feed: PriceFeed) -> None:
    journey.change(planning=PlanningDefaults())
    fetch_prices.handler({}, CONTEXT)
    journey.waiting("replan")
    fetch_prices.handler({}, CONTEXT)
    assert journey.waiting("replan") == []


def test_prices_are_there_before_a_partner_is_registered_and_ask_for_no_plans_of_it(
    journey: Journey, feed: PriceFeed
) -> None:
    journey.change(planning=PlanningDefaults(), status=PartnerStatus.INVITED)
    fetch_prices.handler({}, CONTEXT)
    assert wiring.prices().days("DE-LU", TODAY, TODAY)
    assert journey.waiting("replan") == []


def test_partners_with_another_tariff_need_no_prices(journey: Journey, feed: PriceFeed) -> None:
    journey.change(planning=replace(FIXED_PRICE, bidding_zone="DE-LU"))
    fetch_prices.handler({}, CONTEXT)
    assert feed.fetched == ()


def test_a_failing_feed_is_no_error_of_ours(journey: Journey, feed: PriceFeed) -> None:
    journey.change(planning=PlanningDefaults())
    feed.misbehave(FeedFault.GARBAGE)
    fetch_prices.handler({}, CONTEXT)
    assert journey.waiting("replan") == []
    assert wiring.prices().days("DE-LU", TODAY, TODAY) == []

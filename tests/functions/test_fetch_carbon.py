"""The clock that fetches carbon intensity, as EventBridge calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from functions import fetch_carbon
from local.carbon_feed import CarbonFeed
from local.price_feed import FeedFault, PriceFeed
from local.recorded import RecordedPrices
from offpeak import wiring
from offpeak.grid.model import Scope
from offpeak.partners.model import PlanningDefaults
from offpeak.prices.model import QUARTER
from tests.functions.events import CONTEXT
from tests.functions.journey import FIXED_PRICE, Journey

WEIGHED = replace(FIXED_PRICE, carbon_weight_eur_per_kg=Decimal("0.1"))
ZONE = Scope(zone="DE-LU")


@pytest.fixture
def carbon(monkeypatch: pytest.MonkeyPatch) -> Iterator[CarbonFeed]:
    carbon = CarbonFeed(now=lambda: datetime.now(UTC))
    with PriceFeed(RecordedPrices({}, QUARTER), lambda: datetime.now(UTC), routes=[carbon.route]) as feed:
        monkeypatch.setenv("PRICE_FEED_URL", feed.url)
        yield carbon


def test_the_zones_intensity_is_stored_and_those_who_weigh_it_are_planned_anew_once(
    journey: Journey, carbon: CarbonFeed
) -> None:
    journey.change(planning=WEIGHED)
    fetch_carbon.handler({}, CONTEXT)
    [signal] = wiring.signals().of(ZONE)
    assert signal.signal_id == "feed.carbon.DE-LU"
    asked = [json.loads(message) for message in journey.waiting("replan")]
    assert {(each["partner_id"], each["changed"] is not None) for each in asked} == {("acme", True)}
    fetch_carbon.handler({}, CONTEXT)
    assert journey.waiting("replan") == [], "nothing has changed that matters"


def test_without_a_partner_who_weighs_carbon_nobody_is_asked(journey: Journey, carbon: CarbonFeed) -> None:
    journey.change(planning=PlanningDefaults())
    fetch_carbon.handler({}, CONTEXT)
    assert carbon.asked == []


def test_a_failing_feed_is_no_error_of_ours(journey: Journey, carbon: CarbonFeed) -> None:
    journey.change(planning=WEIGHED)
    carbon.fault = FeedFault.GARBAGE
    fetch_carbon.handler({}, CONTEXT)
    assert carbon.asked == ["de"]
    assert wiring.signals().of(ZONE) == ()

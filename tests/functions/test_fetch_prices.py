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
from offpeak.aws.tables import write_together
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.model import DriverSettings
from offpeak.pairing.ownership import OwnershipStore
from offpeak.partners.model import PartnerStatus, PlanningDefaults
from offpeak.planning.plan import ReasonCode
from offpeak.prices.model import QUARTER, Tariff, TariffKind, market_date, quarter_hours
from tests.functions.events import CONTEXT
from tests.functions.journey import FIXED_PRICE, KEY, PARTNER_ID, Journey
from tests.pairing.builders import CHARGER, USER, charger, location, station, user

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


def test_a_session_at_a_place_in_another_zone_is_planned_by_that_zones_prices_once_they_are_there(
    journey: Journey, feed: PriceFeed
) -> None:
    journey.change(planning=replace(FIXED_PRICE, bidding_zone="NL"))
    at_market_prices_of("DE-LU", wiring.accounts(), wiring.ownership())
    journey.push_session()
    journey.work()
    plan = wiring.profiles().standing(KEY).plan
    assert plan is not None
    assert plan.reason.code is ReasonCode.NO_PRICES
    fetch_prices.handler({}, CONTEXT)
    assert {each.zone for each in feed.fetched} == {"DE-LU"}
    journey.work()
    plan = wiring.profiles().standing(KEY).plan
    assert plan is not None
    assert plan.reason.code is not ReasonCode.NO_PRICES


def at_market_prices_of(zone: str, accounts: AccountStore, ownership: OwnershipStore) -> None:
    """A driver has paired the EVSE of the journey's session, at a place of his."""
    since, evse = datetime.now(UTC) - timedelta(days=1), station(PARTNER_ID, "E1")
    accounts.save_user(user())
    accounts.save_location(USER, location(bidding_zone=zone, tariff=Tariff(TariffKind.DYNAMIC)))
    accounts.save_charger(charger(station=evse, paired_at=since, settings=DriverSettings(need_kwh=Decimal(1))))
    write_together(ownership.owning(evse, CHARGER, "claim-1", [None], since=since))


def test_a_failing_feed_is_no_error_of_ours(journey: Journey, feed: PriceFeed) -> None:
    journey.change(planning=PlanningDefaults())
    feed.misbehave(FeedFault.GARBAGE)
    fetch_prices.handler({}, CONTEXT)
    assert journey.waiting("replan") == []
    assert wiring.prices().days("DE-LU", TODAY, TODAY) == []

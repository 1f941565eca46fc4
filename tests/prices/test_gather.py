"""Market prices, forecasts and tariffs put together, against the embedded database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from offpeak.partners.model import PlanningDefaults
from offpeak.prices.gather import effective_prices
from offpeak.prices.model import PriceCurve, Tariff, TariffKind
from offpeak.prices.store import PriceStore
from tests.conftest import MakeTable
from tests.prices.builders import THURSDAY, ZONE, a_day, days_before, market

NOON = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FRIDAY = THURSDAY + DAY


@pytest.fixture
def store(make_table: MakeTable) -> PriceStore:
    return PriceStore(make_table("prices"))


def test_a_dynamic_tariff_follows_published_prices_and_then_the_forecast(store: PriceStore) -> None:
    days = [a_day(day, "0.1") for day in days_before(THURSDAY, 3)]
    store.replace(ZONE, [*days, a_day(THURSDAY, "0.2")], NOON)
    planning = PlanningDefaults(tariff=Tariff(adder_eur_per_kwh=Decimal("0.01")))
    curve = effective_prices(store, planning, market(THURSDAY, 23), market(FRIDAY, 1))
    assert [(str(slot.eur_per_kwh), slot.is_forecast) for slot in curve.slots] == [
        *[("0.21", False)] * 4,
        *[("0.11000", True)] * 4,
    ]


def test_a_zone_without_prices_gives_an_empty_curve(store: PriceStore) -> None:
    assert effective_prices(store, PlanningDefaults(), market(THURSDAY, 0), market(FRIDAY, 0)).slots == ()


def test_history_is_read_only_where_prices_are_missing(store: PriceStore) -> None:
    class Counting:
        def __init__(self) -> None:
            self.asked: list[timedelta] = []

        def curve(self, zone: str, start: datetime, end: datetime) -> PriceCurve:
            self.asked.append(end - start)
            return store.curve(zone, start, end)

    store.replace(ZONE, [a_day()], NOON)
    counting = Counting()
    effective_prices(counting, PlanningDefaults(), market(THURSDAY, 1), market(THURSDAY, 2))
    assert counting.asked == [timedelta(hours=1)]
    effective_prices(counting, PlanningDefaults(), market(THURSDAY, 1), market(FRIDAY, 2))
    assert counting.asked[1:] == [timedelta(hours=25), timedelta(hours=26, days=14)]


def test_a_forecast_stays_the_same_through_the_day_while_nothing_is_published(store: PriceStore) -> None:
    days = [a_day(day, str(place)) for place, day in enumerate(days_before(THURSDAY, 14))]
    store.replace(ZONE, [*days, a_day(THURSDAY, "7")], NOON)
    early, late = (
        effective_prices(store, PlanningDefaults(), market(THURSDAY, hour), market(FRIDAY + DAY, 23)).slots
        for hour in (1, 22)
    )
    assert early[-len(late) :] == late


@pytest.mark.parametrize("kind", [TariffKind.FIXED, TariffKind.TIME_OF_USE])
def test_other_tariffs_need_no_store(kind: TariffKind) -> None:
    class Untouchable:
        def curve(self, zone: str, start: datetime, end: datetime) -> PriceCurve:
            raise AssertionError("no prices are to be read")

    planning = PlanningDefaults(tariff=Tariff(kind, fixed_eur_per_kwh=Decimal("0.30")))
    curve = effective_prices(Untouchable(), planning, market(THURSDAY, 0), market(FRIDAY, 0))
    assert {slot.eur_per_kwh for slot in curve.slots} == {Decimal("0.30")}

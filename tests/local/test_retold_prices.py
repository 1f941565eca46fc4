"""Recorded prices, retold for the days around today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from local.recorded import RecordedPrices, read_prices
from local.retold_prices import SAMPLE, retold

MARKET = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "today", [date(2026, 1, 15), date(2026, 3, 29), date(2026, 10, 25)], ids=["winter", "23 hours", "25 hours"]
)
def test_yesterday_to_tomorrow_have_a_price_in_every_quarter_hour(today: date) -> None:
    prices = retold(read_prices(SAMPLE), today).eur_per_mwh
    at = datetime.combine(today - timedelta(days=1), datetime.min.time(), MARKET).astimezone(UTC)
    until = datetime.combine(today + timedelta(days=2), datetime.min.time(), MARKET).astimezone(UTC)
    while at < until:
        assert at in prices
        at += timedelta(minutes=15)


def test_a_slot_keeps_its_local_time_of_day() -> None:
    recorded = {datetime(2025, 10, 1, 22, tzinfo=UTC) + timedelta(hours=hour): Decimal(hour) for hour in range(24)}
    told = retold(RecordedPrices(recorded, timedelta(hours=1)), date(2026, 1, 15)).eur_per_mwh
    assert told[datetime(2026, 1, 15, 18, tzinfo=MARKET).astimezone(UTC)] == 18
    assert told[datetime(2026, 2, 3, 7, tzinfo=MARKET).astimezone(UTC)] == 7

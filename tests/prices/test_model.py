"""Market days and their quarter-hours."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from offpeak.prices.model import QUARTER, market_date, quarter_hours
from tests.prices.builders import AUTUMN, SPRING, THURSDAY, market


@pytest.mark.parametrize(("day", "count"), [(THURSDAY, 96), (SPRING, 92), (AUTUMN, 100)])
def test_a_market_day_has_92_96_or_100_quarter_hours(day: date, count: int) -> None:
    starts = quarter_hours(day)
    assert len(starts) == count
    assert starts[0] == market(day, 0)
    assert starts[-1] + QUARTER == market(day + timedelta(days=1), 0)
    assert all(market_date(at) == day for at in starts)


def test_a_market_day_begins_before_midnight_utc() -> None:
    assert market_date(market(THURSDAY, 0) - timedelta(seconds=1)) == THURSDAY - timedelta(days=1)
    assert market(THURSDAY, 0).hour == 23
    assert market(SPRING + timedelta(days=1), 0).hour == 22

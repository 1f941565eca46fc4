"""Instants: read in every RFC 3339 form, written in one (T12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.instants import format_instant, hours, parse_instant

INSTANTS = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


@given(INSTANTS)
def test_what_is_written_reads_back_to_the_millisecond(instant: datetime) -> None:
    read = parse_instant(format_instant(instant))
    assert read.tzinfo is UTC
    assert timedelta(0) <= instant - read < timedelta(milliseconds=1)


@given(INSTANTS, INSTANTS)
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    earlier, later = sorted([parse_instant(format_instant(one)), parse_instant(format_instant(other))])
    assert format_instant(earlier) <= format_instant(later)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-15",
        "2026-W03-4",
        "20260115T170000Z",
        "2026-13-01T00:00:00Z",
        "2026-01-15T25:00:00Z",
        "9" * 999,
    ],
)
def test_what_is_no_date_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_year_that_utc_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_instant(text)


def test_hours_are_exact() -> None:
    assert hours(timedelta(minutes=15)) == Decimal("0.25")

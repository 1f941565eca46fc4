"""Instants: read as OCPI peers write them, kept in UTC to the millisecond, written one way only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 date-time, with or without zone (none means UTC) and fraction (CONFORMANCE T12).

    Returns an aware datetime in UTC, cut to milliseconds. Raises ValueError for anything else: a bare date,
    a week date, or a year that UTC cannot hold.
    """
    text = text.strip()
    if len(text) < 19 or text[4] != "-" or text[7] != "-" or text[10] not in "Tt ":
        raise ValueError("not an RFC 3339 date-time such as 2026-01-31T18:05:00Z")
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("not an RFC 3339 date-time such as 2026-01-31T18:05:00Z") from error
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def format_instant(instant: datetime) -> str:
    """Write an aware datetime as YYYY-MM-DDTHH:MM:SS.mmmZ: valid OCPI, and text order is time order."""
    # Not by strftime: its %Y writes the year 1, which stands for "none" in some systems, in one digit.
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def hours(duration: timedelta) -> Decimal:
    """Return a duration in hours, exact to the millisecond."""
    return Decimal(duration // timedelta(milliseconds=1)) / 3_600_000

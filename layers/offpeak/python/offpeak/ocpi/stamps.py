"""Which times of last update are taken from peers: by them messages are ordered, so a wrong one does lasting harm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from offpeak.errors import InvalidMessage

OLDEST = datetime(2010, 1, 1, tzinfo=UTC)
MOST_AHEAD = timedelta(days=1)
"""Clocks differ by minutes. A stamp far ahead would win every later merge, so it is refused."""


def check_stamp(field: str, stamp: datetime, now: datetime) -> None:
    """Raise InvalidMessage for an instant that lies before OCPI or far ahead of our clock."""
    if not OLDEST <= stamp <= now + MOST_AHEAD:
        raise InvalidMessage(field, f"lies before {OLDEST:%Y} or more than a day ahead of our clock")

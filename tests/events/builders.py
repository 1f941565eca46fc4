"""Events of a charger, as few words as a test needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from offpeak.events.model import Event, EventKind, Stream

NOW = datetime(2026, 1, 15, 18, tzinfo=UTC)
CHARGER = Stream("hearth", "usr_1", "chg_1")


def event(name: str, kind: EventKind = EventKind.SESSION_PLANNED, stream: Stream = CHARGER, **data: object) -> Event:
    return Event(f"evt_{name}", stream, kind, NOW, data)  # type: ignore[arg-type]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)

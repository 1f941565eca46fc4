"""How events look as rows; None stands for an attribute that is absent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from offpeak.aws.tables import Item
from offpeak.events.model import Event, EventKind, Stream, Told
from offpeak.instants import format_instant, parse_instant


def stream_key(stream: Stream) -> str:
    return f"STREAM#{stream.text}"


def event_row(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "tenant_id": event.stream.tenant_id,
        "user_id": event.stream.user_id,
        "charger_id": event.stream.charger_id,
        "kind": event.kind.value,
        "at": format_instant(event.at),
        "data": dict(event.data),
    }


def event_from(row: Item) -> Event:
    data = _told(row["data"])
    assert isinstance(data, dict)
    return Event(
        row["event_id"],
        Stream(row["tenant_id"], row.get("user_id"), row.get("charger_id")),
        EventKind(row["kind"]),
        parse_instant(row["at"]),
        data,
    )


def _told(value: Any) -> Told:
    """What was whole before the database made all numbers Decimal is whole again."""
    if isinstance(value, dict):
        return {name: _told(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_told(each) for each in value]
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value  # type: ignore[no-any-return]

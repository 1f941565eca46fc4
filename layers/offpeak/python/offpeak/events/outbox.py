"""The events' outbox: a row written in the transaction of what it tells of, and a message that says so.

A message that is lost is sent again by the sweep, which finds rows that wait by the index `by_due`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from offpeak.aws.queues import FifoQueue
from offpeak.aws.tables import Put, Table, Write
from offpeak.errors import QueueUnavailable
from offpeak.events.model import Event, Stream
from offpeak.events.rows import event_row, stream_key
from offpeak.instants import format_instant
from offpeak.telemetry import logger

SHARDS = 8
KEPT_FOR = timedelta(days=30)


class Outbox:
    """Rows of the events table: STREAM#{stream}/OUT#{at}#{event id}, until each is published."""

    def __init__(self, table: Table, queue: FifoQueue) -> None:
        self._table = table
        self._queue = queue

    def put(self, event: Event, *, at: datetime) -> tuple[Table, Write]:
        """Return the write that tells an event, for the transaction of what it tells of. `at` is the real time.

        The same event again is the same row: it may be published twice, under one event id.
        """
        return self._table, Put(out_row(event, at))

    def puts(self, events: Iterable[Event], *, at: datetime) -> list[tuple[Table, Write]]:
        """Return the writes that tell several events, which are published in this order."""
        return [self.put(each, at=at + timedelta(milliseconds=place)) for place, each in enumerate(events)]

    def wake_all(self, events: Iterable[Event]) -> None:
        """Say that those events, which were written, are to be published."""
        for each in events:
            self.wake(each.stream, each.event_id)

    def wake(self, stream: Stream, event_id: str) -> None:
        """Say that a stream has something to be published. What gets lost here, the sweep sends again."""
        message = {"tenant_id": stream.tenant_id, "user_id": stream.user_id, "charger_id": stream.charger_id}
        try:
            self._queue.send(message, group=stream.text[:128], deduplication_id=event_id[:128])
        except QueueUnavailable as error:
            logger.warning("event_left_to_sweep", stream=stream.text, problem=str(error))


def out_row(event: Event, at: datetime) -> dict[str, Any]:
    return {
        "pk": stream_key(event.stream),
        "sk": f"OUT#{format_instant(at)}#{event.event_id}",
        **event_row(event),
        "due_shard": str(crc32(event.stream.text.encode()) % SHARDS),
        "due_at": format_instant(at),
        "expires_at": int((at + KEPT_FOR).timestamp()),
    }

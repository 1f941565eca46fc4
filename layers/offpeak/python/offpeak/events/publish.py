"""Publishing: each event of a stream's outbox gets the stream's next number, in order, and goes to whoever wants it.

A publisher may die anywhere and comes again. An event is numbered, and handed over, in one transaction; its outbox row
goes only after those who deliver have been told, so whatever was left undone is done by the next publisher, or by the
next one that the sweep asks for. An event id that was numbered within 30 days is never numbered again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from offpeak.aws.tables import Also, Delete, Put, Table, write_together
from offpeak.events.model import Event, Published, Stream
from offpeak.events.outbox import KEPT_FOR, SHARDS, Outbox
from offpeak.events.rows import event_from, event_row, stream_key
from offpeak.instants import format_instant, parse_instant
from offpeak.telemetry import count, logger

MOST_AT_ONCE = 50
"""Events that one message publishes; then it sends the next message, so that no invocation runs out of time."""
LOST_AFTER = timedelta(minutes=1)
"""An outbox row that is older has lost its message."""
MOST_SWEPT, MOST_READ = 250, 5000
"""Streams of a shard that one sweep asks for, and rows of the index that it reads to find them: a stream that is stuck
has many, and must not hide those behind it."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whoever wants events. `hand_over` returns the writes that give him one, for the transaction that numbers it;
    `wake` says afterwards that there is something, as often as need be."""

    hand_over: Callable[[Published, datetime], Also]
    wake: Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Numbered:
    """How far a stream is: its newest number, and when that was given."""

    sequence: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many events of a stream were erased, and how many are still to be published before that can be done."""

    erased: int = 0
    waiting: int = 0


class Publisher:
    """`outbox` is where the next message is asked for; `real_now` tells the real time."""

    def __init__(self, table: Table, outbox: Outbox, audience: Audience, real_now: Callable[[], datetime]) -> None:
        self._table = table
        self._outbox = outbox
        self._audience = audience
        self._real_now = real_now

    def publish(self, stream: Stream) -> int:
        """Publish what waits in a stream's outbox, MOST_AT_ONCE events at most, and return how many that were.

        Raises ConcurrentChange where another publisher of this stream was faster: the same message, again, finds
        what that one has left.
        """
        rows = list(
            self._table.query(
                "pk = :pk AND begins_with(sk, :out)",
                {":pk": stream_key(stream), ":out": "OUT#"},
                limit=MOST_AT_ONCE + 1,
            )
        )
        for row in rows[:MOST_AT_ONCE]:
            event = event_from(row)
            self._number(event)
            self._audience.wake(event)
            self._table.write(Delete({"pk": row["pk"], "sk": row["sk"]}))
        if len(rows) > MOST_AT_ONCE:
            self._outbox.wake(stream, f"after-{rows[MOST_AT_ONCE - 1]['event_id']}")
        return min(len(rows), MOST_AT_ONCE)

    def _number(self, event: Event) -> None:
        """Give an event its number and hand it over, unless that was done before."""
        key = stream_key(event.stream)
        if self._table.get({"pk": key, "sk": f"ID#{event.event_id}"}):
            return
        before = self._numbered(event.stream)
        now = self._real_now()
        # Who delivers goes by this time; in a stream it must rise with the number, whatever the clocks of machines say.
        at = max(now, before.at + timedelta(milliseconds=1)) if before.at else now
        published = Published(event, before.sequence + 1)
        expires_at = int((now + KEPT_FOR).timestamp())
        row = event_row(event)
        write_together(
            [
                (self._table, _count_put(key, published.sequence, at)),
                (
                    self._table,
                    Put(
                        {
                            **row,
                            "pk": key,
                            "sk": _place(published.sequence),
                            "sequence": published.sequence,
                            "expires_at": expires_at,
                        },
                        "attribute_not_exists(pk)",
                    ),
                ),
                (
                    self._table,
                    Put(
                        {
                            "pk": key,
                            "sk": f"ID#{event.event_id}",
                            "sequence": published.sequence,
                            "expires_at": expires_at,
                        },
                        "attribute_not_exists(pk)",
                    ),
                ),
                *self._audience.hand_over(published, at),
            ]
        )
        count("EventsPublished")
        logger.info("event_published", stream=event.stream.text, kind=event.kind.value, sequence=published.sequence)

    def _numbered(self, stream: Stream) -> Numbered:
        row = self._table.get({"pk": stream_key(stream), "sk": "SEQUENCE"})
        return Numbered(int(row["sequence"]), parse_instant(row["numbered_at"])) if row else Numbered()


class PublishedEvents:
    """What was published of a stream within the last 30 days."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def after(self, stream: Stream, sequence: int, limit: int) -> list[Published]:
        """Return the events that follow a number, in order, `limit` at most."""
        rows = self._table.query(
            "pk = :pk AND sk BETWEEN :first AND :last",
            {":pk": stream_key(stream), ":first": _place(sequence + 1), ":last": "EVENT#:"},
            limit=limit,
        )
        return [Published(event_from(row), int(row["sequence"])) for row in rows]

    def forget(self, stream: Stream) -> Forgotten:
        """Delete what was published of a stream, and say how many events there were. While something waits to be
        published nothing is done: what was numbered already is told by these rows. The count goes on."""
        rows = list(self._table.query("pk = :pk", {":pk": stream_key(stream)}))
        waiting = sum(row["sk"].startswith("OUT#") for row in rows)
        if waiting:
            return Forgotten(waiting=waiting)
        for row in rows:
            if row["sk"].startswith(("EVENT#", "ID#")):
                self._table.write(Delete({"pk": row["pk"], "sk": row["sk"]}))
        return Forgotten(erased=sum(row["sk"].startswith("EVENT#") for row in rows))


def sweep_outbox(table: Table, outbox: Outbox, now: datetime) -> int:
    """Ask again for streams whose message was lost, and return how many. `now` is the real time."""
    asked = 0
    for shard in range(SHARDS):
        for stream, event_id in _waiting(table, shard, now - LOST_AFTER):
            outbox.wake(stream, f"{event_id[:100]}-{now:%Y%m%d%H%M}")
            asked += 1
    if asked:
        count("EventsSwept", asked)
    return asked


def _waiting(table: Table, shard: int, until: datetime) -> Iterable[tuple[Stream, str]]:
    """Yield streams that have waited in a shard since before `until`, each once, with its oldest event's id."""
    rows = table.query(
        "due_shard = :shard AND due_at <= :until",
        {":shard": str(shard), ":until": format_instant(until)},
        index="by_due",
        limit=MOST_READ,
    )
    seen: set[str] = set()
    for row in rows:
        if len(seen) == MOST_SWEPT:
            return
        stream = Stream(row["tenant_id"], row.get("user_id"), row.get("charger_id"))
        if stream.text not in seen:
            seen.add(stream.text)
            yield stream, row["event_id"]


def _count_put(key: str, sequence: int, at: datetime) -> Put:
    row = {"pk": key, "sk": "SEQUENCE", "sequence": sequence, "numbered_at": format_instant(at)}
    if sequence == 1:
        return Put(row, "attribute_not_exists(pk)")
    return Put(row, "#sequence = :before", {":before": sequence - 1}, {"#sequence": "sequence"})


def _place(sequence: int) -> str:
    return f"EVENT#{sequence:012d}"

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offpeak.aws.tables import LARGEST_TRANSACTION, Delete, Item, Put, Table, Write, write_together
from offpeak.errors import ConcurrentChange, QueueUnavailable
from offpeak.events.model import Event, Published, Stream
from offpeak.events.outbox import Outbox, out_row
from offpeak.events.publish import MOST_AT_ONCE, MOST_SWEPT, Audience, PublishedEvents, Publisher, sweep_outbox
from tests.conftest import MakeTable
from tests.events.builders import CHARGER, NOW, event, minutes


@dataclass
class Queue:
    sent: list[tuple[str, str]] = field(default_factory=list)
    is_broken: bool = False

    def send(self, message: Any, *, group: str, deduplication_id: str) -> None:
        if self.is_broken:
            raise QueueUnavailable("no")
        self.sent.append((group, deduplication_id))


class Died(Exception):
    """The process is gone."""


@dataclass
class House:
    """An outbox, a publisher, and somebody who is handed events by a row each."""

    table: Table
    handed: Table
    now: datetime = NOW
    queue: Queue = field(default_factory=Queue)
    woken: list[str] = field(default_factory=list)
    steps_to_live: int | None = None
    meanwhile: Callable[[], object] | None = None
    """Happens once, right before the next transaction."""

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.table, self.queue)  # type: ignore[arg-type]

    def happens(self, told: Event, at: datetime | None = None) -> None:
        table, write = self.outbox.put(told, at=at or self.now)
        table.write(write)

    def publish(self, stream: Stream = CHARGER) -> int:
        mortal: Any = MortalTable(self)
        audience = Audience(self.hand_over, self.wake)
        return Publisher(mortal, self.outbox, audience, lambda: self.now).publish(stream)

    def hand_over(self, published: Published, at: datetime) -> list[tuple[Table, Write]]:
        row = {"pk": published.event.stream.text, "sk": f"{at.isoformat()}#{published.event.event_id}"}
        return [(self.handed, Put({**row, "sequence": published.sequence}, "attribute_not_exists(pk)"))]

    def wake(self, told: Event) -> None:
        self.live()
        self.woken.append(told.event_id)

    def live(self) -> None:
        if self.steps_to_live is not None:
            self.steps_to_live -= 1
            if self.steps_to_live < 0:
                raise Died

    def told(self, stream: Stream = CHARGER) -> list[tuple[int, str]]:
        published = PublishedEvents(self.table).after(stream, 0, 1000)
        return [(each.sequence, each.event.event_id) for each in published]

    def handed_over(self, stream: Stream = CHARGER) -> list[int]:
        return [int(row["sequence"]) for row in self.handed.query("pk = :pk", {":pk": stream.text})]


class MortalTable:
    """The events table for a publisher that dies after some steps; what the database took before that, it has."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.name = house.table.name

    @property
    def _client(self) -> Any:
        self.house.live()
        meanwhile, self.house.meanwhile = self.house.meanwhile, None
        if meanwhile:
            meanwhile()
        return self.house.table._client

    def get(self, key: dict[str, str]) -> Item | None:
        self.house.live()
        return self.house.table.get(key)

    def query(self, *arguments: Any, **options: Any) -> Iterator[Item]:
        self.house.live()
        return self.house.table.query(*arguments, **options)

    def write(self, write: Write) -> None:
        self.house.live()
        self.house.table.write(write)


@pytest.fixture
def house(make_table: MakeTable) -> House:
    return House(make_table("events"), make_table("habits"))


def test_events_are_numbered_in_the_order_in_which_they_happened(house: House) -> None:
    for number, name in enumerate("abc"):
        house.happens(event(name), NOW + minutes(number))
    assert house.publish() == 3
    assert house.told() == [(1, "evt_a"), (2, "evt_b"), (3, "evt_c")]
    assert (house.handed_over(), house.woken) == ([1, 2, 3], ["evt_a", "evt_b", "evt_c"])
    assert house.publish() == 0


def test_each_charger_has_numbers_of_its_own(house: House) -> None:
    other = Stream("hearth", "usr_1", "chg_2")
    house.happens(event("a"))
    house.happens(event("b", stream=other))
    house.publish()
    house.publish(other)
    assert (house.told(), house.told(other)) == ([(1, "evt_a")], [(1, "evt_b")])


def test_an_event_that_is_told_twice_is_published_once(house: House) -> None:
    house.happens(event("a"))
    house.happens(event("a"), NOW + minutes(1))
    house.publish()
    house.happens(event("a"), NOW + minutes(9))
    house.publish()
    assert (house.told(), house.handed_over()) == ([(1, "evt_a")], [1])


def test_what_an_event_says_comes_back_as_it_was(house: House) -> None:
    said = {"saved_eur": Decimal("1.42"), "slots": [{"power_w": 11040, "is_last": True}], "why": None}
    house.happens(event("a", **said))
    house.publish()
    (published,) = PublishedEvents(house.table).after(CHARGER, 0, 10)
    assert published.event == event("a", **said)
    assert isinstance(published.event.data["slots"][0]["power_w"], int)  # type: ignore[index,call-overload]


def test_the_order_in_a_stream_does_not_depend_on_the_clocks_of_publishers(house: House) -> None:
    house.happens(event("a"))
    house.publish()
    house.now = NOW - minutes(5)
    house.happens(event("b"))
    house.publish()
    assert house.handed_over() == [1, 2]


def test_a_long_outbox_is_published_by_several_messages(house: House) -> None:
    for number in range(MOST_AT_ONCE + 1):
        house.happens(event(f"{number:03d}"))
    assert house.publish() == MOST_AT_ONCE
    assert house.queue.sent == [(CHARGER.text, f"after-evt_{MOST_AT_ONCE - 1:03d}")]
    assert house.publish() == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives=st.lists(st.integers(0, 24), max_size=6), number=st.integers(0, 10**9))
def test_a_publisher_may_die_anywhere_and_each_event_is_told_once_in_order(
    house: House, lives: list[int], number: int
) -> None:
    stream = Stream("hearth", "usr_1", f"chg_{number}_{len(lives)}_{sum(lives)}")
    house.woken.clear()
    names = [f"evt_{each}" for each in "abcd"]
    for place, each in enumerate("abcd"):
        house.happens(event(each, stream=stream), NOW + minutes(place))
    for steps in lives:
        house.steps_to_live = steps
        with suppress(Died):
            house.publish(stream)
    house.steps_to_live = None
    house.publish(stream)
    assert house.told(stream) == list(enumerate(names, 1))
    assert house.handed_over(stream) == [1, 2, 3, 4]
    assert set(house.woken) == set(names)
    for key in list(house.table.query("pk = :pk", {":pk": f"STREAM#{stream.text}"})):
        house.table.write(Delete({"pk": key["pk"], "sk": key["sk"]}))
    for key in list(house.handed.query("pk = :pk", {":pk": stream.text})):
        house.handed.write(Delete({"pk": key["pk"], "sk": key["sk"]}))


def test_of_two_publishers_of_a_stream_one_gives_way(house: House) -> None:
    house.happens(event("a"))
    house.meanwhile = house.publish
    with pytest.raises(ConcurrentChange):
        house.publish()
    assert (house.told(), house.handed_over()) == ([(1, "evt_a")], [1])


def test_a_stream_whose_message_was_lost_is_found_by_the_sweep(house: House) -> None:
    house.queue.is_broken = True
    house.happens(event("a"))
    house.outbox.wake(CHARGER, "evt_a")
    house.queue.is_broken = False
    assert sweep_outbox(house.table, house.outbox, NOW + timedelta(seconds=30)) == 0
    assert sweep_outbox(house.table, house.outbox, NOW + minutes(2)) == 1
    assert house.queue.sent == [(CHARGER.text, "evt_a-202601151802")]
    house.publish()
    assert sweep_outbox(house.table, house.outbox, NOW + minutes(3)) == 0


def test_a_stream_that_is_stuck_with_many_events_hides_no_other_of_its_shard(house: House) -> None:
    shard = out_row(event("a"), NOW)["due_shard"]
    streams = (Stream("hearth", "usr_1", f"chg_{number}") for number in range(2, 1000))
    beside = next(each for each in streams if out_row(event("z", stream=each), NOW)["due_shard"] == shard)
    stuck = [house.outbox.put(event(f"{number:03}"), at=NOW) for number in range(MOST_SWEPT)]
    for first in range(0, MOST_SWEPT, LARGEST_TRANSACTION):
        write_together(stuck[first : first + LARGEST_TRANSACTION])
    house.happens(event("z", stream=beside), NOW + timedelta(seconds=1))
    assert sweep_outbox(house.table, house.outbox, NOW + minutes(2)) == 2
    assert [stream for stream, _ in house.queue.sent] == [CHARGER.text, beside.text]

"""What is noticed of partners reaches the day's row: few writes, nothing counted twice, nothing lost to a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

import pytest

from offpeak.aws.tables import Table
from offpeak.errors import InvalidMessage, UnparseableBody
from offpeak.partners.figures import Figures, Sample
from offpeak.partners.quality_store import MOST_AT_ONCE, QualityStore
from offpeak.partners.watch import EVERY_S, SLOTS, Watch, ledger, notice
from tests.conftest import MakeTable

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
TODAY = NOW.date()
ONE = {"messages": 1}


class Counting(QualityStore):
    """A store that counts its writes, and fails on demand."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.writes = 0
        self.fails = False

    def add(self, partner_id: str, day: date, counts: Mapping[str, int]) -> None:
        self.writes += 1
        if self.fails:
            raise OSError("no way to the table")
        super().add(partner_id, day, counts)

    def add_sample(self, partner_id: str, day: date, slot: int, sample: Sample) -> None:
        self.writes += 1
        super().add_sample(partner_id, day, slot, sample)


class Desk:
    """A watch with its store and a clock that the test moves."""

    def __init__(self, table: Table) -> None:
        self.store, self.at_s = Counting(table), 0.0
        self.watch = Watch(self.store, lambda: NOW, lambda: self.at_s)

    def later(self, seconds: float) -> None:
        self.at_s += seconds
        self.watch.keep()

    def today(self, partner_id: str = "acme") -> Figures:
        return self.store.day(partner_id, TODAY)


@pytest.fixture
def desk(make_table: MakeTable) -> Iterator[Desk]:
    ledger.clear()
    yield Desk(make_table("quality"))
    ledger.clear()


def test_the_first_message_is_written_at_once_and_a_minutes_worth_with_one_write(desk: Desk) -> None:
    notice("acme", NOW, ONE)
    desk.watch.keep()
    assert (desk.today()["messages"], desk.store.writes) == (1, 1)
    for _ in range(100):
        notice("acme", NOW, ONE)
        desk.later(0.1)
    assert (desk.today()["messages"], desk.store.writes) == (1, 1)
    desk.later(EVERY_S)
    assert (desk.today()["messages"], desk.store.writes) == (101, 2)
    desk.later(EVERY_S)
    assert desk.store.writes == 2, "nothing noticed, nothing written"


def test_who_sends_once_a_minute_or_less_has_every_message_written(desk: Desk) -> None:
    for number in range(1, 4):
        notice("acme", NOW, ONE)
        desk.later(EVERY_S)
        assert desk.today()["messages"] == number


def test_a_busy_partner_does_not_hold_up_the_figures_of_another(desk: Desk) -> None:
    notice("busy", NOW, ONE)
    desk.watch.keep()
    notice("busy", NOW, ONE)
    notice("acme", NOW, ONE)
    desk.watch.keep()
    assert (desk.today("busy")["messages"], desk.today("acme")["messages"]) == (1, 1)


def test_a_message_after_midnight_counts_for_its_own_day(desk: Desk) -> None:
    notice("acme", NOW, ONE)
    notice("acme", NOW.replace(day=2), ONE)
    desk.watch.keep()
    assert (desk.today()["messages"], desk.store.day("acme", date(2027, 3, 2))["messages"]) == (1, 1)
    assert desk.store.day("acme", date(2027, 3, 3)) == Figures()


def test_figures_that_could_not_be_written_are_written_later_and_once(desk: Desk) -> None:
    desk.store.fails = True
    notice("acme", NOW, ONE)
    desk.watch.keep()
    desk.store.fails = False
    notice("acme", NOW, ONE)
    desk.later(EVERY_S)
    assert desk.today()["messages"] == 2


def test_a_refusal_is_written_within_a_second_with_one_sample_of_its_kind(desk: Desk) -> None:
    wrong = InvalidMessage("kwh", "must be a number")
    for _ in range(3):
        desk.watch.refused("acme", "PUT sessions", wrong, '{"kwh": "many", "cdr_token": {"uid": "0401"}}')
        desk.later(1)
    figures = desk.today()
    assert (figures["refused"], figures["refused.PUT sessions"]) == (3, 3)
    [sample] = figures.samples
    assert (sample.at, sample.call, sample.field, sample.problem) == (NOW, "PUT sessions", "kwh", "must be a number")
    assert sample.excerpt == '{"kwh": "many", "cdr_token": {"uid": "<text of 4 characters>"}}'


def test_a_flood_of_refusals_costs_one_write_a_second(desk: Desk) -> None:
    desk.watch.refused("acme", "PUT sessions", InvalidMessage("kwh", "is required"), "{}")
    desk.watch.keep()
    before = desk.store.writes
    for _ in range(50):
        desk.watch.refused("acme", "PUT sessions", InvalidMessage("kwh", "is required"), "{}")
        desk.later(0.01)
    assert desk.store.writes == before
    desk.later(1)
    assert (desk.store.writes, desk.today()["refused"]) == (before + 1, 51)


def test_what_is_no_json_is_told_without_its_text(desk: Desk) -> None:
    desk.watch.refused("acme", "PUT sessions", UnparseableBody("the body is not JSON"), "secret-token")
    desk.watch.keep()
    [sample] = desk.today().samples
    assert (sample.field, sample.excerpt) == (None, "<12 characters that are no JSON>")


@pytest.mark.parametrize("levels", [100, 600, 900, 5000])
def test_an_object_is_noticed_however_deeply_it_is_nested(desk: Desk, levels: int) -> None:
    body = '{"kwh":' * levels + "1" + "}" * levels
    desk.watch.refused("acme", "PUT sessions", InvalidMessage("body", "is nested too deeply"), body)
    desk.watch.keep()
    assert len(desk.today().samples) == 1


def test_samples_of_a_day_are_bounded(desk: Desk) -> None:
    for number in range(200):
        field = "".join("abcdefghij"[int(digit)] for digit in str(number))
        desk.watch.refused("acme", "PUT sessions", InvalidMessage(field, "is required"), "{}")
    desk.watch.keep()
    assert 1 < len(desk.today().samples) <= SLOTS


def test_any_number_of_counters_add_up_in_one_row(desk: Desk) -> None:
    many = dict.fromkeys((f"filled.field_{number}" for number in range(2 * MOST_AT_ONCE + 1)), 2)
    desk.store.add("acme", TODAY, many)
    desk.store.add("acme", TODAY, many)
    assert desk.store.day("acme", TODAY).counts == dict.fromkeys(many, 4)

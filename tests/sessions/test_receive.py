"""Sessions in the real embedded database: merged once, counted once, lost never."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from random import Random
from threading import Thread
from typing import Any

import pytest

from offpeak.aws.queues import FifoQueue
from offpeak.aws.tables import Table, Update
from offpeak.errors import InvalidMessage
from offpeak.ocpi.merging import Outcome
from offpeak.partners.model import ParkingTimeMeaning
from offpeak.sessions.merge import merge
from offpeak.sessions.model import (
    ChargingState,
    Confidence,
    InferredState,
    MessageKind,
    SessionKey,
    SessionMessage,
    SessionStatus,
)
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.pseudonymise import pseudonymise
from offpeak.sessions.receive import Refuses, receive_session
from offpeak.sessions.store import NEWEST, SHARDS, Inferred, SessionStore
from tests.conftest import MakeTable
from tests.sessions.builders import KEY, a_patch, a_put, at, period

NOW = at(60)


class SentMessages:
    """A queue's client that keeps what was sent, or is down."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.is_down = False

    def send_message(self, **message: Any) -> None:
        if self.is_down:
            from botocore.exceptions import EndpointConnectionError

            raise EndpointConnectionError(endpoint_url="sqs")
        self.sent.append(message)


class DyingTable(Table):
    """A table whose process dies right before its write number `survives` (from 0)."""

    def __init__(self, table: Table, survives: int) -> None:
        super().__init__(table._client, table.name)
        self._left = survives

    def _call(self, *arguments: Any, **options: Any) -> Any:
        if self._left == 0:
            raise ProcessDied
        self._left -= 1
        return super()._call(*arguments, **options)


class CountingClient:
    """A database client that counts the calls made of it, and the rows that it read."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0
        self.rows = 0

    def __getattr__(self, name: str) -> Any:
        self.calls += name != "exceptions"
        return getattr(self._client, name)

    def query(self, **request: Any) -> Any:
        self.calls += 1
        answer = self._client.query(**request)
        self.rows += len(answer["Items"])
        return answer


class ProcessDied(BaseException):
    pass


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    return make_table("sessions")


@pytest.fixture
def sent() -> SentMessages:
    return SentMessages()


def receive(
    message: SessionMessage, table: Table, sent: SentMessages | None = None, refuses: Refuses | None = None
) -> Outcome:
    queue = PlanQueue(FifoQueue(sent or SentMessages(), "plan.fifo"))  # type: ignore[arg-type]
    return receive_session(
        message,
        SessionStore(table),
        queue,
        ParkingTimeMeaning.SUSPENDED_EV,
        now=NOW,
        received_at=datetime.now(UTC),
        refuses=refuses,
    )


def wanted(table: Table) -> list[tuple[SessionKey, int]]:
    store = SessionStore(table)
    return [row for shard in range(SHARDS) for row in store.wanting(shard, NOW - timedelta(days=1), NOW, 10)]


def test_a_new_session_is_created_and_asks_for_a_plan(table: Table, sent: SentMessages) -> None:
    assert receive(a_put(0), table, sent) is Outcome.CREATED
    assert wanted(table) == [(KEY, 1)]
    assert len(sent.sent) == 1


def test_the_same_put_twice_changes_nothing_and_asks_for_no_second_plan(table: Table, sent: SentMessages) -> None:
    """S2"""
    receive(a_put(0, period(0, ENERGY=1)), table, sent)
    assert receive(a_put(0, period(0, ENERGY=1)), table, sent) is Outcome.UNCHANGED
    assert wanted(table) == [(KEY, 1)]
    assert len(sent.sent) == 1


def test_who_passed_the_check_before_an_un_pairing_writes_no_driver_back(table: Table) -> None:
    receive(a_put(0, cdr_token="RFID"), table)
    row = {"pk": KEY.text, "sk": "SESSION"}
    table.write(Update(row, "SET user_key = :ann, charger_start = :start", None, {":ann": "ann", ":start": "chg#S-1"}))
    checks = []

    def un_paired_after_the_first_check(*_: object) -> str | None:
        checks.append(pseudonymise(table, "ann"))
        return None if len(checks) == 1 else "was un-paired"

    with pytest.raises(InvalidMessage, match="was un-paired"):
        receive(a_patch(5, kwh=Decimal(2)), table, refuses=un_paired_after_the_first_check)
    assert checks == [1, 0]
    assert "RFID" not in str(table.get(row))


def test_what_was_stored_is_what_was_said(table: Table) -> None:
    receive(a_put(0, total_cost='{"excl_vat":2.5}', connector_id="1"), table)
    receive(a_patch(5, period(0, ENERGY="0.5", POWER=6), kwh=Decimal("0.5")), table)
    known = SessionStore(table).known(KEY)
    assert known is not None
    assert known.session.kwh == Decimal("0.5")
    assert known.session.others == {"total_cost": '{"excl_vat":2.5}'}
    assert known.session.periods == (period(0, ENERGY="0.5", POWER=6),)
    assert (known.state.state, known.state.power_w) == (ChargingState.CHARGING, 6000)
    assert (known.plan_wanted, known.plan_done) == (2, 0)


IDLE = (
    a_put(0, kwh=Decimal(2)),
    a_patch(5, period(0, ENERGY=2), kwh=Decimal(2)),
    a_patch(10, period(5, ENERGY=0, POWER=0), kwh=Decimal(2)),
)


@pytest.mark.parametrize(
    ("message", "asks"),
    [
        (a_patch(15, period(10, ENERGY=0, POWER=0), kwh=Decimal(2)), False),
        (a_patch(15, kwh=Decimal(2)), False),
        (a_patch(7, period(3, ENERGY=0)), False),
        (a_patch(15, period(10, ENERGY=1, POWER=0), kwh=Decimal(3)), True),
        (a_patch(15, period(10, ENERGY=0, POWER=7), kwh=Decimal(2)), True),
        (a_patch(15, period(10, ENERGY=0, STATE_OF_CHARGE=50), kwh=Decimal(2)), True),
        (a_patch(15, status="COMPLETED"), True),
        (a_patch(15, connector_id="2"), True),
        (a_patch(15, replace(period(10, ENERGY=0, POWER=0), tariff_id="T-2"), kwh=Decimal(2)), True),
        (a_put(15, kwh=Decimal(2)), True),
    ],
    ids=[
        *("still waits", "nothing", "late", "energy", "power", "charge", "end", "connector", "tariff"),
        "no power known any more",
    ],
)
def test_a_message_that_says_nothing_but_that_time_has_passed_asks_for_no_plan(
    message: SessionMessage, asks: bool, table: Table, sent: SentMessages
) -> None:
    for each in IDLE:
        receive(each, table)
    before = SessionStore(table).known(KEY)
    assert receive(message, table, sent) is Outcome.UPDATED
    after = SessionStore(table).known(KEY)
    assert before is not None
    assert after is not None
    assert after.session.last_updated == max(message.last_updated, at(10)), "it is stored all the same"
    assert (len(sent.sent), after.plan_wanted - before.plan_wanted) == (int(asks), int(asks))
    assert (after.received_at > before.received_at) is asks, "latency counts from the newest cause"


def test_every_message_asks_while_the_newest_profile_is_not_seen_to_be_followed(
    table: Table, sent: SentMessages
) -> None:
    for each in IDLE:
        receive(each, table)
    key = {"pk": KEY.text, "sk": "SESSION"}
    table.write(Update(key, "SET is_unseen = :yes", values={":yes": True}))
    receive(a_patch(15, period(10, ENERGY=0, POWER=0), kwh=Decimal(2)), table, sent)
    assert len(sent.sent) == 1


def test_a_session_that_was_silent_asks_as_soon_as_it_is_heard_of(table: Table, sent: SentMessages) -> None:
    for each in IDLE:
        receive(each, table)
    table.write(Update({"pk": KEY.text, "sk": "SESSION"}, "REMOVE active_shard"))
    receive(a_patch(15, period(10, ENERGY=0, POWER=0), kwh=Decimal(2)), table, sent)
    assert len(sent.sent) == 1


def test_a_patch_before_its_put_is_kept_but_unknown(table: Table, sent: SentMessages) -> None:
    """S1"""
    assert receive(a_patch(5, period(5, ENERGY=1), kwh=Decimal(1)), table, sent) is Outcome.KEPT
    assert SessionStore(table).known(KEY) is None
    assert (wanted(table), sent.sent) == ([], [])
    assert receive(a_put(0), table, sent) is Outcome.CREATED
    known = SessionStore(table).known(KEY)
    assert known is not None
    assert known.session.kwh == 1


def test_a_completed_session_leaves_the_index_of_active_ones(table: Table) -> None:
    """S3"""
    store = SessionStore(table)

    def active() -> list[SessionKey]:
        return [key for shard in range(SHARDS) for key in store.active("p1", shard, None, 10)[0]]

    receive(a_put(0), table)
    assert active() == [KEY]
    receive(a_patch(50, status="COMPLETED"), table)
    assert active() == []
    assert store.want_plan(KEY, now=NOW, received_at=NOW) is None


def test_another_cause_counts_once_more_and_keeps_the_oldest_time(table: Table) -> None:
    receive(a_put(0), table)
    store = SessionStore(table)
    assert store.want_plan(KEY, now=NOW + timedelta(hours=1), received_at=NOW) == 2
    assert wanted(table) == [(KEY, 2)]
    assert store.want_plan(SessionKey("p1", "unknown"), now=NOW, received_at=NOW) is None


def test_active_sessions_come_in_pages(table: Table) -> None:
    keys = {SessionKey("p1", f"S{n}") for n in range(40)}
    for key in keys:
        put = a_put(0)
        receive(SessionMessage(put.kind, key, put.country_code, put.party_id, put.last_updated, put.fields), table)
    store, found = SessionStore(table), []
    for shard in range(SHARDS):
        after = None
        while True:
            page, after = store.active("p1", shard, after, 3)
            found += page
            if after is None:
                break
    assert sorted(found, key=str) == sorted(keys, key=str)


def test_one_partners_session_id_does_not_meet_anothers(table: Table) -> None:
    receive(a_put(0), table)
    assert SessionStore(table).known(SessionKey("p2", KEY.session_id)) is None


def test_a_session_id_belongs_to_the_party_that_used_it_first(table: Table) -> None:
    """P6"""
    receive(a_put(0), table)
    foreign = SessionMessage(MessageKind.PUT, KEY, "NL", "ELS", at(5), a_put(0).fields)
    with pytest.raises(InvalidMessage, match="^party_id: "):
        receive(foreign, table)


def test_a_queue_that_is_down_loses_nothing(table: Table, sent: SentMessages) -> None:
    sent.is_down = True
    assert receive(a_put(0), table, sent) is Outcome.CREATED
    assert wanted(table) == [(KEY, 1)]


MESSAGES = (
    a_put(0, period(0, ENERGY="0.1")),
    a_patch(5, period(5, ENERGY="0.9"), kwh=Decimal(1)),
    a_patch(10, period(10, ENERGY="0.9"), kwh=Decimal("1.9")),
    a_patch(15, status="COMPLETED", end_date_time=at(15)),
)


@pytest.mark.parametrize("order", list(permutations(MESSAGES))[::5])
def test_the_store_ends_in_the_same_session_in_whatever_order(order: tuple[SessionMessage, ...], table: Table) -> None:
    for message in (*order, order[0]):
        receive(message, table)
    stored = SessionStore(table).load(KEY)
    expected = None
    for message in MESSAGES:
        expected = merge(expected, message)
    assert stored is not None
    assert stored.merged == expected


@pytest.mark.parametrize("survives", range(6))
def test_a_process_that_dies_between_any_two_writes_has_lost_nothing_that_was_acknowledged(
    survives: int, table: Table
) -> None:
    """The sender saw no answer and says it again; the session is then what it would have been."""
    receive(MESSAGES[0], table)
    second = a_patch(10, period(5, ENERGY="0.9"), period(10, ENERGY="0.8"), kwh=Decimal("1.8"))
    try:
        receive(second, DyingTable(table, survives))
    except ProcessDied:
        known = SessionStore(table).known(KEY)
        assert known is not None
        assert known.session.status is SessionStatus.ACTIVE
        receive(second, table)
    stored = SessionStore(table).load(KEY)
    assert stored is not None
    assert stored.merged == merge(merge(None, MESSAGES[0]), second)
    assert wanted(table)[0][1] >= 2


LONG = (
    a_put(0, *(period(n, ENERGY="0.1", STATE_OF_CHARGE=20) for n in range(3))),
    *(a_patch(n, period(n, ENERGY="0.5", POWER=6), kwh=Decimal(n)) for n in range(3, 4 * NEWEST)),
    a_patch(20.5, period(4, ENERGY="0.7"), kwh=Decimal("20.5")),
    a_patch(30.5, status="ACTIVE"),
)


@pytest.mark.parametrize("seed", range(6))
def test_a_long_session_ends_as_it_should_though_only_its_newest_periods_are_read(seed: int, table: Table) -> None:
    """Now and then the order is turned over, a message comes twice, or the process dies between two writes."""
    random = Random(seed)
    told = [*LONG, *random.choices(LONG, k=10)]
    told.sort(key=lambda message: message.last_updated + timedelta(minutes=random.choice((0, 0, 0, 1, 15))))
    for message in told:
        try:
            receive(message, DyingTable(table, random.choice((0, 1, 2, -1, -1, -1, -1, -1))))
        except ProcessDied:
            receive(message, table)
    stored, newest = SessionStore(table).load(KEY), SessionStore(table).newest(KEY)
    expected = None
    for message in LONG:
        expected = merge(expected, message)
    assert expected is not None
    assert stored is not None
    assert stored.merged == expected
    assert stored.is_settled
    assert stored.period_count == len(expected.periods)
    assert newest is not None
    assert [each.start_at for each in newest[0].session.periods] == sorted(expected.periods)[-NEWEST:]
    assert newest[0].state_of_charge == Decimal("0.2"), "though only the oldest periods tell it"
    assert not newest[0].is_whole


def test_a_message_reads_no_more_of_a_long_session_than_of_a_short_one(table: Table) -> None:
    for message in LONG:
        receive(message, table)
    client = CountingClient(table._client)
    receive(a_patch(200, period(200, ENERGY=1), kwh=Decimal(60)), Table(client, table.name))  # type: ignore[arg-type]
    assert client.rows == NEWEST + 1


def test_a_long_wait_before_the_first_kwh_is_read_no_more_than_the_newest_periods_either(table: Table) -> None:
    receive(a_put(0), table)
    for n in range(3 * NEWEST):
        receive(a_patch(n + 1, period(n, ENERGY=0)), table)
    client = CountingClient(table._client)
    counted = Table(client, table.name)  # type: ignore[arg-type]
    receive(a_patch(40, period(39, ENERGY="0.5")), counted)
    assert client.rows == NEWEST + 1
    receive(a_patch(41, period(40, ENERGY="0.25")), counted)
    assert client.rows > 3 * NEWEST, "from now on the energy of all periods is summed up"
    known = SessionStore(table).known(KEY)
    assert known is not None
    assert known.delivered_kwh == Decimal("0.75")


def test_many_writers_at_once_lose_no_message(table: Table) -> None:
    receive(a_put(0), table)
    told = [a_patch(n, period(n, ENERGY=1), kwh=Decimal(n)) for n in range(1, 7)]

    def tell(message: SessionMessage) -> None:
        receive(message, table)

    threads = [Thread(target=tell, args=(message,)) for message in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    known = SessionStore(table).known(KEY)
    assert known is not None
    assert [each.start_at for each in known.session.periods] == [at(n) for n in range(1, 7)]
    assert known.session.kwh == 6
    stored = SessionStore(table).load(KEY)
    assert stored is not None
    assert stored.is_settled


def test_a_period_that_came_behind_the_rows_back_is_settled_by_its_repetition(table: Table) -> None:
    """The writer died after the period and before the row, and the message was older than the row."""
    receive(a_put(0), table)
    receive(a_patch(20, kwh=Decimal(2)), table)
    late = a_patch(10, period(10, ENERGY="0.9", POWER=7))
    with pytest.raises(ProcessDied):
        receive(late, DyingTable(table, survives=1))
    receive(late, table)
    known = SessionStore(table).known(KEY)
    assert known is not None
    assert known.state.state is ChargingState.CHARGING


def test_a_put_that_replaces_periods_hides_the_old_rows(table: Table) -> None:
    """S1"""
    receive(a_put(0, period(0, ENERGY=1), period(5, ENERGY=1)), table)
    receive(a_put(10, period(10, ENERGY=2)), table)
    known = SessionStore(table).known(KEY)
    assert known is not None
    assert known.session.periods == (period(10, ENERGY=2),)


def period_rows(table: Table) -> list[str]:
    return [row["sk"] for row in table.query("pk = :pk AND begins_with(sk, :p)", {":pk": KEY.text, ":p": "PERIOD#"})]


def test_the_rows_of_periods_that_a_put_replaced_are_removed(table: Table) -> None:
    """S1"""
    receive(a_put(0, *(period(n, ENERGY=1) for n in range(130))), table)
    receive(a_put(10, period(3, ENERGY=2)), table)
    assert len(period_rows(table)) == 30, "so many that one save does not do it"
    receive(a_patch(20, kwh=Decimal(2)), table)
    assert len(period_rows(table)) == 1
    known = SessionStore(table).known(KEY)
    assert known is not None
    assert known.session.periods == (period(3, ENERGY=2),)


def test_what_a_process_left_that_died_before_it_removed_replaced_periods_goes_with_the_next_save(table: Table) -> None:
    receive(a_put(0, period(0, ENERGY=1), period(5, ENERGY=1)), table)
    with pytest.raises(ProcessDied):
        receive(a_put(10, period(10, ENERGY=2)), DyingTable(table, survives=2))
    assert len(period_rows(table)) == 3
    receive(a_patch(20, kwh=Decimal(2)), table)
    assert len(period_rows(table)) == 1


def test_a_replaced_period_of_which_a_newer_word_came_in_meanwhile_stays(table: Table) -> None:
    store = SessionStore(table)
    receive(a_put(0, period(5, ENERGY=1)), table)
    stored = store.load(KEY)
    assert stored is not None
    with pytest.raises(ProcessDied):
        receive(a_patch(20, period(5, ENERGY=3)), DyingTable(table, survives=1))
    put = merge(stored.merged, a_put(10))
    assert put.periods == {}
    inferred = Inferred(InferredState(ChargingState.UNKNOWN, "", Confidence.LOW), Decimal(0), None)
    store.save(stored, put, inferred, wants_plan=True, now=NOW, received_at=NOW)
    known = store.known(KEY)
    assert known is not None
    assert known.session.periods == (period(5, ENERGY=3),)


def test_a_session_of_very_many_periods_is_stored_in_few_calls(table: Table) -> None:
    """One call a period would take longer than the partner waits, and each repetition as long again."""
    client = CountingClient(table._client)
    message = a_put(0, *(period(n, ENERGY="0.01") for n in range(1000)))
    receive(message, Table(client, table.name))  # type: ignore[arg-type]
    assert client.calls < 30
    known = SessionStore(table).known(KEY)
    assert known is not None
    assert len(known.session.periods) == 1000


def test_very_many_periods_leave_a_newer_word_on_one_of_them_alone(table: Table) -> None:
    receive(a_put(0), table)
    with pytest.raises(ProcessDied):
        receive(a_patch(20, period(3, ENERGY=7)), DyingTable(table, survives=1))
    receive(a_patch(10, *(period(n, ENERGY=1) for n in range(12))), table)
    known = SessionStore(table).known(KEY)
    assert known is not None
    assert [each.dimensions["ENERGY"] for each in known.session.periods] == [1, 1, 1, 7, *[1] * 8]


def test_what_was_told_late_of_long_ago_is_kept_from_now_on(table: Table) -> None:
    """TTL would take it at once if it counted from the session's own time."""
    long_ago = timedelta(days=500)
    message = replace(a_put(0, period(0, ENERGY=1)), last_updated=at(0) - long_ago)
    receive(message, table)
    rows = list(table.query("pk = :pk", {":pk": KEY.text}))
    soon = datetime.now(UTC) + timedelta(days=399)
    assert len(rows) == 2
    assert all(row["expires_at"] > soon.timestamp() for row in rows)


def test_a_session_is_planned_by_nothing_older_than_itself_whoever_plans_it(table: Table) -> None:
    """Also after it was away: changes ask for plans of active sessions only."""
    receive(a_put(0), table)
    came = SessionStore(table).known(KEY)
    receive(a_patch(5, kwh=Decimal(1)), table)
    went_on = SessionStore(table).known(KEY)
    table.write(Update({"pk": KEY.text, "sk": "SESSION"}, "REMOVE active_shard"))
    receive(a_patch(10, kwh=Decimal(2)), table)
    came_back = SessionStore(table).known(KEY)
    assert came is not None
    assert went_on is not None
    assert came_back is not None
    assert came.basis_changed_at == came.received_at
    assert went_on.basis_changed_at == came.received_at
    assert came_back.basis_changed_at == came_back.received_at

"""Any reordering and repetition of the same messages ends in the same session."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.sessions.merge import MergedSession, merge, session_of
from offpeak.sessions.model import MessageKind, Session, SessionMessage, SessionStatus
from tests.sessions.builders import PLUG_IN, a_patch, a_put, at, period


def merged(*messages: SessionMessage) -> MergedSession:
    total = None
    for message in messages:
        total = merge(total, message)
    assert total is not None
    return total


def session(*messages: SessionMessage) -> Session:
    known = session_of(merged(*messages))
    assert known is not None
    return known


def test_a_put_replaces_the_whole_object_and_its_charging_periods() -> None:
    """S1"""
    known = session(a_put(0, period(0, ENERGY=1), total_cost='{"excl_vat":2}'), a_put(10, period(5, ENERGY=2)))
    assert [each.start_at for each in known.periods] == [at(5)]
    assert "total_cost" not in known.others


def test_a_patch_appends_periods_and_replaces_only_what_it_names() -> None:
    """S1"""
    known = session(a_put(0, period(0, ENERGY=1)), a_patch(5, period(5, ENERGY=2), kwh=Decimal(3)))
    assert [each.start_at for each in known.periods] == [at(0), at(5)]
    assert known.kwh == 3
    assert known.evse_uid == "E1"


def test_a_patch_without_periods_changes_no_period() -> None:
    """S1, #325"""
    assert len(session(a_put(0, period(0, ENERGY=1)), a_patch(5, kwh=Decimal(1))).periods) == 1


def test_an_older_message_overwrites_nothing_newer() -> None:
    """T14"""
    known = session(a_put(0), a_patch(10, kwh=Decimal(5)), a_patch(5, kwh=Decimal(3)))
    assert known.kwh == 5
    assert known.last_updated == at(10)


def test_an_older_message_still_tells_what_nobody_told_since() -> None:
    known = session(a_put(0), a_patch(10, kwh=Decimal(5)), a_patch(5, connector_id="2"))
    assert known.connector_id == "2"


def test_a_completed_session_stays_completed() -> None:
    """S3"""
    done = a_patch(60, status="COMPLETED")
    for late in (a_patch(30, status="ACTIVE"), a_patch(90, status="ACTIVE"), a_patch(60, status="ACTIVE")):
        assert session(a_put(0), done, late).status is SessionStatus.COMPLETED


def test_a_patch_before_its_put_waits_for_it() -> None:
    """S1"""
    early = a_patch(5, period(5, ENERGY=2), kwh=Decimal(2))
    assert session_of(merged(early)) is None
    assert session(early, a_put(0)).kwh == 2
    assert len(session(early, a_put(0)).periods) == 1


def test_a_late_put_does_not_bring_back_what_a_newer_one_replaced() -> None:
    assert session(a_put(10, kwh=Decimal(4)), a_put(5, period(0, ENERGY=9), kwh=Decimal(1))).periods == ()


def test_the_same_message_twice_tells_nothing_new() -> None:
    """S2"""
    once = merged(a_put(0, period(0, ENERGY=1)))
    assert merge(once, a_put(0, period(0, ENERGY=1))) == once


def test_the_case_of_the_newest_message_is_kept() -> None:
    """T8"""
    assert session(a_put(0)).party_id == "EXA"


STAMPS = st.sampled_from([0, 5, 5.001, 10, 60])
PERIODS = st.lists(
    st.builds(period, st.sampled_from([0, 5, 10]), ENERGY=st.sampled_from(["0", "0.5", "2"])), max_size=3
).map(tuple)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["ACTIVE", "COMPLETED", "PENDING", "INVALID"]),
        "kwh": st.sampled_from([Decimal(0), Decimal("1.5"), Decimal(10), Decimal(9)]),
        "connector_id": st.sampled_from([None, "1", "2"]),
        "end_date_time": st.sampled_from([None, at(60)]),
        "total_cost": st.sampled_from([None, '{"excl_vat":1}']),
    },
)


@st.composite
def messages(draw: st.DrawFn) -> SessionMessage:
    kind = draw(st.sampled_from(MessageKind))
    build = a_put if kind is MessageKind.PUT else a_patch
    return build(draw(STAMPS), *draw(PERIODS), **draw(FIELDS))


@given(st.lists(messages(), min_size=1, max_size=7), st.data())
def test_any_order_and_repetition_of_the_same_messages_ends_in_the_same_session(
    told: list[SessionMessage], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told), max_size=4))))
    assert merged(*again) == merged(*told)


@given(st.lists(messages(), min_size=1, max_size=6), messages())
def test_merging_is_idempotent(told: list[SessionMessage], one: SessionMessage) -> None:
    total = merged(*told, one)
    assert merge(total, one) == total


@given(st.lists(messages(), min_size=1, max_size=7))
def test_a_session_is_known_exactly_when_a_put_has_come(told: list[SessionMessage]) -> None:
    known = session_of(merged(*told))
    assert (known is not None) == any(message.kind is MessageKind.PUT for message in told)
    if known is not None:
        assert known.last_updated == max(message.last_updated for message in told)
        assert known.start_at == PLUG_IN
        starts = [each.start_at for each in known.periods]
        assert starts == sorted(set(starts))


@pytest.mark.parametrize("field", ["status", "kwh", "start_date_time"])
def test_what_every_session_has_survives_every_patch(field: str) -> None:
    assert merged(a_put(0), a_patch(5, connector_id=None)).fields[field].value is not None

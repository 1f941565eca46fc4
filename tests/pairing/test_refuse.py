"""What is told of an EVSE that was un-paired is refused, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from offpeak.aws.tables import Table, write_together
from offpeak.errors import InvalidMessage
from offpeak.ocpi.merging import Outcome
from offpeak.pairing.model import Claimed, Held, Ownership
from offpeak.pairing.ownership import OwnershipStore
from offpeak.pairing.refuse import refusing, why_refused
from offpeak.partners.model import ParkingTimeMeaning
from offpeak.sessions.model import SessionKey, SessionMessage
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.receive import receive_session
from offpeak.sessions.store import SessionStore
from tests.conftest import MakeTable
from tests.pairing.builders import CHARGER, station
from tests.pairing.scene import HeardQueue
from tests.sessions.builders import KEY, PLUG_IN, a_patch, a_put

EVSE = "EVSE-1"
NOW, BEGAN = PLUG_IN, PLUG_IN - timedelta(hours=1)


class Here:
    def __init__(self, sessions: Table, ownership: Table) -> None:
        self.sessions = SessionStore(sessions)
        self.ownership = OwnershipStore(ownership)

    def receive(self, message: SessionMessage) -> Outcome:
        return receive_session(
            message,
            self.sessions,
            PlanQueue(HeardQueue()),
            ParkingTimeMeaning.SUSPENDED_EV,
            now=NOW,
            received_at=datetime.now(UTC),
            refuses=partial(refusing, self.ownership),
        )

    def pair(self, claim_id: str = "con_1.1") -> None:
        before = self.ownership.all_held(KEY.partner_id, [Claimed(EVSE)])
        write_together(self.ownership.owning(station(KEY.partner_id, EVSE), CHARGER, claim_id, before, since=NOW))

    def unpair(self) -> None:
        found = self.ownership.of(KEY.partner_id, EVSE)
        assert found is not None
        write_together(self.ownership.releasing([found], None, at=NOW))


@pytest.fixture
def here(make_table: MakeTable) -> Here:
    return Here(make_table("sessions"), make_table("evse_ownership"))


def put(number: int, *, evse: str = EVSE.lower(), began: datetime = BEGAN) -> SessionMessage:
    return a_put(number, evse_uid=evse, start_date_time=began)


@pytest.mark.parametrize(
    "later",
    [lambda: put(2), lambda: a_patch(2), lambda: put(2, evse="EVSE-2"), lambda: put(0)],
    ids=["PUT", "PATCH", "PUT that moves it elsewhere", "the same PUT again"],
)
def test_of_a_session_at_an_evse_that_was_unpaired_nothing_more_is_taken(
    here: Here, later: Callable[[], SessionMessage]
) -> None:
    here.pair()
    here.receive(put(0))
    here.unpair()
    before = here.sessions.load(KEY)
    with pytest.raises(InvalidMessage) as refused:
        here.receive(later())
    assert refused.value.field == "evse_uid"
    assert here.sessions.load(KEY) == before


@pytest.mark.parametrize("message", [put(0), a_patch(0, evse_uid=EVSE)], ids=["PUT", "PATCH"])
def test_a_session_that_begins_there_leaves_no_trace(here: Here, message: SessionMessage) -> None:
    here.pair()
    here.unpair()
    with pytest.raises(InvalidMessage):
        here.receive(message)
    assert here.sessions.load(KEY) is None


def test_of_a_session_that_was_refused_no_patch_is_kept_that_names_no_evse(here: Here) -> None:
    here.pair()
    here.unpair()
    for message in (put(0), a_patch(1, kwh=Decimal(7)), a_patch(2, evse_uid=None), put(3), a_patch(4)):
        with pytest.raises(InvalidMessage) as refused:
            here.receive(message)
        assert refused.value.field == "evse_uid"
        assert here.sessions.load(KEY) is None
    here.pair("con_2.1")
    with pytest.raises(InvalidMessage):
        here.receive(a_patch(5, kwh=Decimal(8)))


def test_what_was_kept_of_a_session_until_its_put_goes_when_that_is_refused(here: Here) -> None:
    here.pair()
    here.unpair()
    assert here.receive(a_patch(0, kwh=Decimal(7))) is Outcome.KEPT, "nobody knows yet where it is"
    with pytest.raises(InvalidMessage):
        here.receive(put(1))
    assert here.sessions.load(KEY) is None


def test_elsewhere_sessions_are_taken_and_there_too_once_it_is_paired_anew(here: Here) -> None:
    here.pair()
    here.unpair()
    assert here.receive(put(0, evse="EVSE-2")) is Outcome.CREATED
    here.pair("con_2.1")
    with pytest.raises(InvalidMessage):
        here.receive(replace(put(0), key=SessionKey(KEY.partner_id, "before")))
    after = replace(put(0, began=NOW), key=SessionKey(KEY.partner_id, "after"))
    assert here.receive(after) is Outcome.CREATED


def test_an_evse_that_nobody_ever_paired_or_that_is_paired_first_is_taken() -> None:
    owned = Ownership("acme", Claimed(EVSE), Held.OWNED, CHARGER, "con_1.1", NOW)
    assert why_refused(None, BEGAN) is None
    assert why_refused(owned, BEGAN) is None

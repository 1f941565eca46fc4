"""Locations in their real table: any order of messages, many writers, and what a row may hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offpeak.errors import InvalidMessage, UnknownLocation
from offpeak.locations.chargers import Chargers
from offpeak.locations.model import Address, LocationKey
from offpeak.locations.parse import parse_location_push
from offpeak.locations.receive import LARGEST_OBJECT, object_at, receive_location
from offpeak.locations.render import told_object
from offpeak.locations.store import LocationStore
from offpeak.ocpi.merging import Outcome, merge
from offpeak.ocpi.wire_json import read_json, write_json
from offpeak.partners.model import Party
from tests.conftest import MakeTable

EVENING = datetime(2026, 1, 15, 17, tzinfo=UTC)
PARTY = Party("NL", "ACM")

Message = tuple[bool, tuple[str, ...], dict[str, Any]]


@pytest.fixture
def store(make_table: MakeTable) -> LocationStore:
    return LocationStore(make_table("locations"))


def at(minutes: int) -> str:
    return f"{EVENING + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def address(*ids: str, location_id: str = "LOC-1") -> Address:
    return Address(LocationKey("acme", PARTY, location_id), *ids)


def receive(store: LocationStore, message: Message, location_id: str = "LOC-1", *, strict: bool = False) -> Outcome:
    is_whole, ids, body = message
    place = address(*ids, location_id=location_id)
    told = parse_location_push(
        read_json(write_json(body)), place, is_whole=is_whole, strict=strict, now=EVENING + timedelta(hours=1)
    )
    return receive_location(told, place, store, strict=strict)


def put(minutes: int, *ids: str, **fields: Any) -> Message:
    return True, ids, {"last_updated": at(minutes), **fields}


def patch(minutes: int, *ids: str, **fields: Any) -> Message:
    return False, ids, {"last_updated": at(minutes), **fields}


def evse(uid: str, minutes: int, *connector_ids: str) -> dict[str, Any]:
    connectors = [{"id": each, "max_amperage": 16} for each in connector_ids]
    return {"uid": uid, "status": "AVAILABLE", "connectors": connectors, "last_updated": at(minutes)}


MESSAGES = [
    put(0, evses=[evse("E1", 0, "1"), evse("E2", 0, "1")], name="old"),
    patch(5, "E1", status="CHARGING"),
    put(10, evses=[evse("E2", 3, "1", "2"), evse("E3", 10)], name="new"),
    patch(12, "E2", "1", max_amperage=32),
    put(14, "E4", **{name: value for name, value in evse("E4", 14, "1").items() if name != "last_updated"}),
    patch(11, "E1", status="BLOCKED"),
    put(7, "E1", status="PLANNED"),
    patch(20, name=None, city="Utrecht"),
]


def test_any_order_and_repetition_of_messages_ends_in_the_same_location(store: LocationStore) -> None:
    """T14"""
    for message in MESSAGES:
        receive(store, message)
    expected = shown(store, "LOC-1")
    assert [each["uid"] for each in expected["evses"]] == ["E2", "E3", "E4"]
    names = count()

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.permutations(range(len(MESSAGES))), st.lists(st.integers(0, len(MESSAGES) - 1), max_size=3))
    def ends_the_same(order: list[int], repeated: list[int]) -> None:
        location_id = f"shuffled-{next(names)}"
        for place in (*order, *repeated):
            receive(store, MESSAGES[place], location_id)
        assert {**shown(store, location_id), "id": "LOC-1"} == expected

    ends_the_same()


def shown(store: LocationStore, location_id: str) -> dict[str, Any]:
    place = address(location_id=location_id)
    return told_object(object_at(store.load_for(place).merged, place), place, "2.3.0")


def test_a_repetition_writes_nothing(store: LocationStore) -> None:
    assert receive(store, MESSAGES[0]) is Outcome.CREATED
    before = store.load(address().location)
    assert receive(store, MESSAGES[0]) is Outcome.UNCHANGED
    assert store.load(address().location) == before
    assert receive(store, patch(1, "E9", status="CHARGING")) is Outcome.KEPT
    assert receive(store, patch(2, "E1", status="CHARGING")) is Outcome.UPDATED


def test_a_status_that_changes_rewrites_its_own_evse_alone(store: LocationStore) -> None:
    receive(store, MESSAGES[0])
    before = store.load(address().location).versions
    receive(store, patch(5, "E1", status="CHARGING"))
    after = store.load(address().location).versions
    assert {sk for sk in after if after[sk] != before[sk]} == {"EVSE#e1"}


def test_messages_at_the_same_moment_are_all_kept(store: LocationStore) -> None:
    receive(store, MESSAGES[0])
    fields = [{"floor_level": "2"}, {"physical_reference": "B7"}, {"evse_id": "NL*ACM*E1"}, {"status": "CHARGING"}]
    with ThreadPoolExecutor(4) as pushers:
        list(pushers.map(lambda told: receive(store, patch(5, "E1", **told)), fields))
    known = shown(store, "LOC-1")["evses"][0]
    assert {name: known[name] for told in fields for name in told} == {
        name: value for told in fields for name, value in told.items()
    }


def test_an_evse_that_was_written_behind_its_locations_back_is_gone_all_the_same(store: LocationStore) -> None:
    """Its writer had not seen the newer PUT of the Location; the next one takes the row away too."""
    place = address("E1")
    stale = store.load_for(place)
    receive(store, put(10, evses=[]))
    told = parse_location_push(
        read_json(write_json(evse("E1", 5, "1"))), place, is_whole=True, strict=False, now=EVENING
    )
    store.save(place.location, stale, merge(stale.merged, told.push))
    assert "evses" not in shown(store, "LOC-1")
    receive(store, put(11, evses=[]))
    assert Chargers(store._table).at("acme", PARTY, "E1", "1") is None


def test_an_evse_is_found_before_its_location_is_told(store: LocationStore) -> None:
    """S6"""
    receive(store, put(0, "E1", connectors=[{"id": "1", "power_type": "AC_1_PHASE"}]))
    charger = Chargers(store._table).at("acme", PARTY, "e1", None)
    assert charger is not None
    assert charger.phases == 1
    assert not store.load(address().location).merged.is_known


def test_chargers_of_another_partner_or_party_are_none_of_ours(store: LocationStore) -> None:
    receive(store, put(0, "E1", connectors=[{"id": "1"}]))
    chargers = Chargers(store._table)
    assert chargers.at("other", PARTY, "E1", "1") is None
    assert chargers.at("acme", Party("NL", "XYZ"), "E1", "1") is None
    assert chargers.at("acme", Party("nl", "acm"), "E1", "1") is not None


def test_what_would_outgrow_a_row_is_refused(store: LocationStore) -> None:
    half = [{"language": "en", "text": "x" * (LARGEST_OBJECT // 2)}]
    receive(store, put(0, "E1", directions=half))
    with pytest.raises(InvalidMessage) as refused:
        receive(store, patch(1, "E1", images=half))
    assert refused.value.field == "evses.e1"


def test_a_strict_partner_tells_the_location_first(store: LocationStore) -> None:
    """T7"""
    whole = {**evse("E1", 0, "1"), "connectors": []}
    with pytest.raises(InvalidMessage):
        receive(store, (True, ("E1",), whole), strict=True)
    told = patch(1, "E1", status="CHARGING")
    with pytest.raises(UnknownLocation):
        receive(store, told, strict=True)
    receive(store, MESSAGES[0])
    assert receive(store, told, strict=True) is Outcome.UPDATED

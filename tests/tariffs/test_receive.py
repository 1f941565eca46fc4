"""Tariffs in their real table: any order of messages, what a DELETE means, and what planning is given."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count, permutations
from typing import Any

import pytest

from offpeak.errors import InvalidMessage, UnknownObject
from offpeak.ocpi.merging import Outcome
from offpeak.ocpi.wire_json import read_json, write_json
from offpeak.partners.model import Party
from offpeak.tariffs.model import TariffKey
from offpeak.tariffs.parse import parse_tariff_push
from offpeak.tariffs.receive import LARGEST_TARIFF, delete_tariff, receive_tariff
from offpeak.tariffs.render import tariff_object
from offpeak.tariffs.store import CACHED_S, TariffStore
from tests.conftest import MakeTable

EVENING = datetime(2026, 1, 15, 17, tzinfo=UTC)
KEY = TariffKey("acme", Party("NL", "ACM"), "T1")

Message = tuple[bool, dict[str, Any]]


class Seconds:
    """A clock in the test's hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def store(make_table: MakeTable, seconds: Seconds) -> TariffStore:
    return TariffStore(make_table("tariffs"), seconds)


def told(minutes: int, price: str | None = None, **fields: Any) -> dict[str, Any]:
    stamp = f"{EVENING + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
    elements = [{"price_components": [{"type": "ENERGY", "price": Decimal(price), "step_size": 1}]}] if price else []
    return {"last_updated": stamp, **({"elements": elements} if price else {}), **fields}


def put(minutes: int, price: str = "0.30", **fields: Any) -> Message:
    return True, told(minutes, price, currency="EUR", **fields)


def patch(minutes: int, **fields: Any) -> Message:
    return False, told(minutes, **fields)


def receive(store: TariffStore, message: Message, key: TariffKey = KEY) -> Outcome:
    is_whole, body = message
    now = EVENING + timedelta(hours=1)
    push = parse_tariff_push(read_json(write_json(body)), key, "2.2.1", is_whole=is_whole, strict=False, now=now)
    return receive_tariff(push, key, store)


def test_any_order_of_messages_ends_in_the_same_tariff(store: TariffStore) -> None:
    """T14"""
    messages = [put(0, type="REGULAR"), patch(5, price="0.20"), put(3, "0.25"), patch(8, max_price={"excl_vat": 9})]
    endings = []
    for number, order in zip(count(), permutations(messages), strict=False):
        key = TariffKey(KEY.partner_id, KEY.party, f"T-{number}")
        for message in (*order, order[0]):
            with suppress(UnknownObject):  # a PATCH before its PUT is kept
                receive(store, message, key)
        shown = tariff_object(store.load(key).merged, "2.2.1")
        endings.append({name: value for name, value in shown.items() if name != "id"})
    assert all(each == endings[0] for each in endings)
    assert endings[0]["elements"] == [
        {"price_components": [{"type": "ENERGY", "price": Decimal("0.2"), "step_size": 1}]}
    ]
    assert endings[0]["max_price"] == {"excl_vat": 9}
    assert "type" not in endings[0], "the newer PUT left it out"


def test_a_deleted_tariff_stays_away_whatever_older_comes_late(store: TariffStore) -> None:
    """T14"""
    receive(store, put(5))
    delete_tariff(KEY, store)
    assert receive(store, put(5)) is Outcome.KEPT
    with pytest.raises(UnknownObject):
        receive(store, patch(4, currency="EUR"))
    with pytest.raises(UnknownObject):
        delete_tariff(KEY, store)
    assert receive(store, put(6, "0.10")) is Outcome.CREATED
    assert store.load(KEY).merged.is_known


def test_messages_at_the_same_moment_are_all_kept(store: TariffStore) -> None:
    receive(store, put(0))
    fields: list[dict[str, Any]] = [
        {"type": "REGULAR"},
        {"tariff_alt_url": "https://cpo.example/t"},
        {"min_price": {"excl_vat": 1}},
        {"currency": "SEK"},
    ]
    with ThreadPoolExecutor(4) as pushers:
        list(pushers.map(lambda each: receive(store, patch(5, **each)), fields))
    shown = tariff_object(store.load(KEY).merged, "2.2.1")
    assert {name: shown[name] for each in fields for name in each} == {
        name: value for each in fields for name, value in each.items()
    }


def test_planning_hears_of_a_change_within_half_a_minute_and_reads_no_more_often(
    store: TariffStore, seconds: Seconds
) -> None:
    assert store.for_planning(KEY) is None
    receive(store, put(0))
    assert store.for_planning(KEY) is None
    seconds.now = CACHED_S
    tariff = store.for_planning(KEY)
    assert tariff is not None
    assert tariff.elements[0].eur_per_kwh == Decimal("0.30")
    receive(store, patch(5, currency="SEK"))
    assert store.for_planning(KEY) is tariff
    seconds.now += CACHED_S
    assert store.for_planning(KEY) is None, "planning counts in EUR"


def test_a_tariff_may_begin_in_the_year_one(store: TariffStore) -> None:
    """T12: so some systems write that it always held"""
    assert receive(store, put(0, start_date_time="0001-01-01T00:00:00Z")) is Outcome.CREATED
    planned = store.for_planning(KEY)
    assert planned is not None
    assert planned.start_at == datetime(1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "hours", [{"start_time": "07:00Z"}, {"end_time": "07:00+01:00"}, {"start_time": "07:00", "end_time": "noon"}]
)
def test_a_tariff_whose_hours_cannot_be_told_is_kept_and_not_planned_by(
    store: TariffStore, hours: dict[str, str]
) -> None:
    """T6"""
    element = {**told(0, "0.30")["elements"][0], "restrictions": hours}
    assert receive(store, (True, told(0, currency="EUR", elements=[element]))) is Outcome.CREATED
    assert store.load(KEY).merged.is_known
    assert store.for_planning(KEY) is None


def test_a_tariff_that_would_outgrow_its_row_is_refused(store: TariffStore) -> None:
    text = [{"language": "en", "text": "x" * LARGEST_TARIFF}]
    with pytest.raises(InvalidMessage):
        receive(store, put(0, tariff_alt_text=text))
    assert not store.load(KEY).merged.is_known

"""Tables against the embedded database: conditions, transactions, pages."""

from __future__ import annotations

from decimal import Decimal

import pytest

from offpeak.aws.tables import Delete, Put, Update, write_together
from offpeak.errors import ConcurrentChange
from tests.conftest import MakeTable

KEY = {"pk": "a", "sk": "1"}


def test_what_is_put_is_what_is_got_and_none_is_absence(make_table: MakeTable) -> None:
    table = make_table("sessions")
    table.write(Put({**KEY, "kwh": Decimal("1.50"), "rows": [{"v": None}], "nothing": None}))
    assert table.get(KEY) == {**KEY, "kwh": Decimal("1.5"), "rows": [{"v": None}]}
    assert table.get({"pk": "a", "sk": "2"}) is None


@pytest.mark.parametrize(
    "write",
    [
        Put({**KEY, "n": 2}, condition="attribute_not_exists(pk)"),
        Update(KEY, "SET n = :n", condition="n = :old", values={":n": 2, ":old": 7}),
        Delete(KEY, condition="n = :old", values={":old": 7}),
    ],
)
def test_a_failed_condition_changes_nothing_and_says_so(write: Put | Update | Delete, make_table: MakeTable) -> None:
    table = make_table("sessions")
    table.write(Put({**KEY, "n": 1}))
    with pytest.raises(ConcurrentChange):
        table.write(write)
    assert table.get(KEY) == {**KEY, "n": 1}


def test_an_update_gives_back_the_item_as_it_is_then(make_table: MakeTable) -> None:
    table = make_table("sessions")
    assert table.change(Update(KEY, "SET n = if_not_exists(n, :z) + :one", values={":z": 0, ":one": 1}))["n"] == 1


def test_a_transaction_is_all_or_nothing(make_table: MakeTable) -> None:
    sessions, requests = make_table("sessions"), make_table("profile_requests")
    sessions.write(Put({**KEY, "n": 1}))
    request = Put({"request_id": "r"})
    with pytest.raises(ConcurrentChange):
        write_together([(requests, request), (sessions, Update(KEY, "SET n = :n", "n = :old", {":n": 2, ":old": 9}))])
    assert requests.get({"request_id": "r"}) is None
    write_together([(requests, request), (sessions, Update(KEY, "SET n = :n", "n = :old", {":n": 2, ":old": 1}))])
    assert (requests.get({"request_id": "r"}), sessions.get(KEY)) == ({"request_id": "r"}, {**KEY, "n": 2})


def test_a_query_walks_all_pages_in_order_and_stops_at_its_limit(make_table: MakeTable) -> None:
    table = make_table("sessions")
    for n in range(30):
        table.write(Put({"pk": "a", "sk": f"{n:02}", "ballast": "x" * 60_000}))
    found = [item["sk"] for item in table.query("pk = :pk", {":pk": "a"})]
    assert found == [f"{n:02}" for n in range(30)]
    some = [item["sk"] for item in table.query("pk = :pk", {":pk": "a"}, limit=20, newest_first=True)]
    assert some == [f"{n:02}" for n in range(29, 9, -1)]

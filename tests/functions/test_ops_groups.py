"""The operator API on limit groups: what it does, what it demands, and who is asked to plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.ops_groups import handler
from offpeak import wiring
from offpeak.aws.tables import Table
from tests.functions.conftest import Cloud
from tests.functions.events import CONTEXT, rest_event
from tests.functions.test_ops_api import ALICE, Answer

GROUPS = "/ops/v1/groups"
SITE = f"{GROUPS}/site"
NEW = {"group_id": "site", "name": "The site", "limit_a": 63}
BOARD = {"group_id": "board", "name": "A board", "kind": "BOARD", "parent_id": "site", "limit_w": 20_000}
WALLBOX = {"max_power_w": 11_040, "phases": 3}


class Groups:
    """The operator API, with the queues that it asks for plans."""

    def __init__(self, cloud: Cloud, plan_url: str) -> None:
        self.sqs, self.plan_url, self.replan_url = cloud.client("sqs"), plan_url, cloud.replan_queue_url

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        seen: str | None = None,
        who: str | None = ALICE,
        **query: str,
    ) -> Answer:
        headers = {"If-Match": seen} if seen is not None else {}
        event = rest_event(method, path, None if body is None else json.dumps(body), headers=headers)
        event["queryStringParameters"] = query or None
        event["requestContext"]["identity"]["userArn"] = who
        return Answer(handler(event, CONTEXT))

    def plans_asked(self) -> list[tuple[str, int]]:
        """The trees whose plan was asked for since the last look."""
        return [(each["root_id"], each["plan_wanted"]) for each in self._taken(self.plan_url)]

    def partners_asked(self) -> set[str]:
        """The partners whose sessions are to be planned anew since the last look."""
        return {each["partner_id"] for each in self._taken(self.replan_url)}

    def _taken(self, url: str) -> Iterator[Any]:
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield json.loads(message["Body"])


@pytest.fixture
def groups(cloud: Cloud, make_table: Callable[[str], Table], monkeypatch: pytest.MonkeyPatch) -> Groups:
    monkeypatch.setenv("LIMIT_GROUPS_TABLE", make_table("limit_groups").name)
    fifo = {"FifoQueue": "true"}
    url = cloud.client("sqs").create_queue(QueueName=f"{cloud.partners.name}-plan.fifo", Attributes=fifo)["QueueUrl"]
    monkeypatch.setenv("PLAN_QUEUE_URL", url)
    return Groups(cloud, url)


def test_a_tree_is_made_shown_and_asked_a_plan_for(groups: Groups) -> None:
    made = groups.call("POST", GROUPS, NEW)
    assert (made.status, made.header("Location"), made.header("ETag")) == (201, f"/production{SITE}", '"1"')
    below = groups.call("POST", GROUPS, BOARD)
    assert (below.status, below.body["root_id"], below.body["groups"][0]["limit_w"]) == (201, "site", 20_000)
    shown = groups.call("GET", SITE)
    assert [(each["group_id"], each["level"], each["available"][0]["power_w"]) for each in shown.body["groups"]] == [
        ("site", 0, 43_470),
        ("board", 1, 20_000),
    ]
    assert (shown.header("ETag"), shown.body["is_planned"]) == ('"2"', False)
    assert groups.plans_asked() == [("site", 1), ("site", 2)]
    assert groups.call("POST", GROUPS, NEW).problem == (409, None)


def test_a_change_of_a_limit_needs_what_was_seen_and_is_planned_by_at_once(groups: Groups) -> None:
    seen = groups.call("POST", GROUPS, NEW).header("ETag")
    changed = groups.call("PATCH", SITE, {"limit_w": 10_000}, seen=seen)
    assert (changed.body["groups"][0]["limit_a"], changed.body["groups"][0]["limit_w"]) == (None, 10_000)
    assert groups.plans_asked() == [("site", 1), ("site", 2)]
    for method, path, body in (
        ("PATCH", SITE, {"limit_a": 1}),
        ("DELETE", SITE, None),
        ("PATCH", f"{SITE}/members", {}),
        ("PUT", f"{SITE}/members/acme/E1", WALLBOX),
        ("DELETE", f"{SITE}/members/acme/E1", None),
        ("PUT", f"{SITE}/members/acme/E1/1", WALLBOX),
        ("DELETE", f"{SITE}/members/acme/E1/1", None),
    ):
        assert groups.call(method, path, body).problem == (428, None)
        assert groups.call(method, path, body, seen=seen).problem == (412, None)
    assert groups.call("PATCH", SITE, {"limit_w": 10_000}, seen="*").header("ETag") == changed.header("ETag")
    assert groups.plans_asked() == [], "what changes nothing is no cause of a plan"


def test_chargers_come_and_go_and_their_sessions_are_planned_anew(groups: Groups) -> None:
    groups.call("POST", GROUPS, NEW)
    groups.plans_asked()
    put = groups.call("PUT", f"{SITE}/members/acme/E%231", WALLBOX, seen="*")
    assert put.status == 200
    with_connector = groups.call("PUT", f"{SITE}/members/acme/E2/1", {**WALLBOX, "unmanaged_w": 4140}, seen="*")
    assert [(each["evse_uid"], each["connector_id"]) for each in with_connector.body["groups"][0]["members"]] == [
        ("E#1", None),
        ("E2", "1"),
    ]
    gone = groups.call("DELETE", f"{SITE}/members/acme/e2/1", seen=with_connector.header("ETag"))
    assert len(gone.body["groups"][0]["members"]) == 1
    assert groups.call("DELETE", f"{SITE}/members/acme/E2/1", seen="*").problem == (404, None)
    assert groups.plans_asked() == [("site", 2), ("site", 3), ("site", 4)]
    assert groups.partners_asked() == {"acme"}


def test_many_chargers_come_at_once_from_other_trees_too(groups: Groups) -> None:
    groups.call("POST", GROUPS, NEW)
    groups.call("POST", GROUPS, {**NEW, "group_id": "old"})
    many = [{"partner_id": "acme", "evse_uid": f"E{number}", **WALLBOX} for number in range(60)]
    assert groups.call("PATCH", f"{GROUPS}/old/members", {"put": many[:30]}, seen="*").status == 200
    before = groups.call("GET", f"{GROUPS}/old").body["revision"]
    groups.plans_asked()
    answer = groups.call("PATCH", f"{SITE}/members", {"put": many}, seen="*")
    assert len(answer.body["groups"][0]["members"]) == 60
    old = groups.call("GET", f"{GROUPS}/old").body
    assert (old["groups"][0]["members"], old["revision"] > before) == ([], True)
    assert {root_id for root_id, _ in groups.plans_asked()} == {"old", "site"}
    assert {wiring.groups().root_now("acme", f"E{number}", None) for number in range(60)} == {"site"}
    remove = [{"partner_id": "acme", "evse_uid": f"E{number}"} for number in range(60)]
    assert groups.call("PATCH", f"{SITE}/members", {"remove": remove}, seen="*").body["groups"][0]["members"] == []
    assert wiring.groups().root_now("acme", "E7", None) is None


def test_what_else_flows_is_told_in_watts_or_amperes_and_planned_by(groups: Groups) -> None:
    groups.call("POST", GROUPS, NEW)
    groups.plans_asked()
    load = {"base_load": {"measured": {"current_a": [10, 12.5, 0]}}, "pv": {"measured": {"power_w": [230, 460, 230]}}}
    told = groups.call("PUT", f"{SITE}/load", load)
    site = told.body["groups"][0]
    assert site["base_load"]["measured"]["power_w"] == [2300, 2875, 0]
    assert site["available"][0]["power_w"] == 3 * min(14_490 - 2300 + 230, 14_490 - 2875 + 460)
    assert site["available"][-1]["power_w"] == 3 * (14_490 - 2875), "then the sun does not count, and the load does"
    assert groups.plans_asked() == [("site", 2)]
    assert told.header("ETag") == '"1"', "a load does not outdate what operators have seen"
    gone = groups.call("PUT", f"{SITE}/load", {"pv": {"measured": None}})
    assert gone.body["groups"][0]["pv"]["measured"] is None
    assert gone.body["groups"][0]["base_load"]["measured"] is not None
    assert groups.plans_asked() == [("site", 3)]
    groups.call("PUT", f"{SITE}/load", {"pv": {"measured": None}})
    assert groups.plans_asked() == []


def test_groups_go_when_nothing_is_in_them(groups: Groups) -> None:
    groups.call("POST", GROUPS, NEW)
    groups.call("POST", GROUPS, BOARD)
    groups.call("PUT", f"{GROUPS}/board/members/acme/E1", WALLBOX, seen="*")
    assert groups.call("DELETE", SITE, seen="*").problem == (422, "group_id")
    assert groups.call("DELETE", f"{GROUPS}/board", seen="*").problem == (422, "group_id")
    groups.call("DELETE", f"{GROUPS}/board/members/acme/E1", seen="*")
    assert groups.call("DELETE", f"{GROUPS}/board", seen="*").body == {"group_id": "board"}
    assert groups.call("DELETE", SITE, seen="*").status == 200
    assert groups.call("GET", SITE).problem == (404, None)
    assert groups.call("GET", GROUPS).body == {"groups": [], "next": None}
    assert groups.call("POST", GROUPS, NEW).header("ETag") == '"7"'


def test_all_that_was_changed_is_told_with_whom_and_hangs_together(groups: Groups) -> None:
    groups.call("POST", GROUPS, NEW)
    groups.call("POST", GROUPS, BOARD)
    groups.call("PATCH", f"{GROUPS}/board", {"limit_w": 15_000}, seen="*")
    groups.call("PUT", f"{GROUPS}/board/members/acme/E1", WALLBOX, seen="*")
    first = groups.call("GET", f"{GROUPS}/board/audit", limit="3").body
    second = groups.call("GET", f"{SITE}/audit", limit="3", cursor=first["next"]).body
    told = first["entries"] + second["entries"]
    assert [each["action"] for each in told] == ["members_changed", "group_changed", "group_made", "group_made"]
    assert {(each["who"], each["via"]) for each in told} == {(ALICE, "api")}
    assert told[1]["changes"] == [{"name": "board.limit_w", "before": 20_000, "after": 15_000}]
    assert told[0]["changes"][0]["name"] == "board.members.acme#e1#"
    verdict = groups.call("GET", f"{SITE}/audit/verification").body
    assert (verdict["entries"], verdict["is_whole"]) == (4, True)


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("POST", GROUPS, {"group_id": "x"}, (422, "name")),
        ("POST", GROUPS, {"group_id": "X", "name": "x", "limit_a": 1}, (422, "group_id")),
        ("POST", GROUPS, {"group_id": "x", "name": "x"}, (422, "limit_a")),
        ("POST", GROUPS, {"group_id": "x", "name": "x", "limit_a": 1, "limit_w": 1}, (422, "limit_a")),
        ("POST", GROUPS, {**BOARD, "parent_id": "nowhere", "group_id": "x"}, (422, "parent_id")),
        ("POST", GROUPS, {**BOARD, "colour": "blue"}, (422, "colour")),
        ("PATCH", SITE, {"limit_a": None}, (422, "limit_a")),
        ("PATCH", SITE, {"limit_a": -1}, (422, "limit_a")),
        ("PATCH", SITE, {"parent_id": "site"}, (422, "parent_id")),
        ("PATCH", SITE, {"parent_id": "other"}, (422, "parent_id")),
        ("PATCH", SITE, {"phases": 2}, (422, "phases")),
        ("PATCH", f"{GROUPS}/nothing", {}, (404, None)),
        ("PUT", f"{SITE}/members/acme/E1", {}, (422, "max_power_w")),
        ("PUT", f"{SITE}/members/acme/E1", {**WALLBOX, "phase_order": ["L1"]}, (422, "phase_order")),
        ("PUT", f"{SITE}/members/acme/E1", {**WALLBOX, "unmanaged_w": 99_999}, (422, "unmanaged_w")),
        ("PUT", f"{SITE}/members/Acme/E1", WALLBOX, (422, "partner_id")),
        ("PUT", f"{SITE}/members/acme/OTHER/1", WALLBOX, (422, "connector_id")),
        ("PATCH", f"{SITE}/members", {"put": [{"partner_id": "acme", "evse_uid": "E"}]}, (422, "put.0.max_power_w")),
        ("PATCH", f"{SITE}/members", {"put": [{"partner_id": "acme", "evse_uid": "E", **WALLBOX}] * 2}, (422, "put")),
        ("PUT", f"{SITE}/load", {"base_load": {"measured": {}}}, (422, "base_load.measured.power_w")),
        ("PUT", f"{SITE}/load", {"base_load": {"measured": {"power_w": [1, 2]}}}, (422, "base_load.measured")),
        ("PUT", f"{SITE}/load", {"pv": {"measured": {"current_a": 5}}}, (422, "pv.measured")),
        ("PUT", f"{SITE}/load", {"pv": {"measured": {"power_w": 1, "at": "2999-01-01T00:00:00Z"}}},
         (422, "pv.measured.at")),
        ("PUT", f"{SITE}/load", {"pv": {"forecast": {"steps": [{"start_at": "2027-01-02T00:00:00Z", "power_w": 5}],
         "until": "2027-01-01T00:00:00Z"}}}, (422, "pv.forecast.until")),
        ("GET", f"{GROUPS}/nothing", None, (404, None)),
        ("GET", f"{GROUPS}/nothing/audit", None, (404, None)),
        ("PUT", f"{GROUPS}/nothing/load", {}, (404, None)),
        ("POST", SITE, {}, (405, None)),
    ],
)  # fmt: skip
def test_a_problem_names_its_field(
    groups: Groups, method: str, path: str, body: object, problem: tuple[int, str | None]
) -> None:
    groups.call("POST", GROUPS, NEW)
    groups.call("POST", GROUPS, {**NEW, "group_id": "other"})
    groups.call("PUT", f"{GROUPS}/other/members/acme/OTHER", WALLBOX, seen="*")
    assert groups.call(method, path, body, seen="*").problem == problem


def test_groups_are_listed_in_pages_each_of_them_once(groups: Groups) -> None:
    for number in range(5):
        groups.call("POST", GROUPS, {**NEW, "group_id": f"g{number}"})
    listed, cursor = [], ""
    while cursor is not None:
        page = groups.call("GET", GROUPS, limit="2", **({"cursor": cursor} if cursor else {})).body
        listed += [each["group_id"] for each in page["groups"]]
        cursor = page["next"]
    assert listed == [f"g{number}" for number in range(5)]


def test_nobody_changes_a_group_without_a_name(groups: Groups) -> None:
    assert groups.call("POST", GROUPS, NEW, who=None).problem == (403, None)
    assert groups.call("GET", GROUPS).body["groups"] == []

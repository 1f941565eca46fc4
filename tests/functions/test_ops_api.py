"""The operator API: what it does, what it demands, and problem details that name the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from functions.ops_api import handler
from tests.functions.conftest import BASE_URL, Cloud
from tests.functions.events import CONTEXT, header_of, rest_event

ALICE = "arn:aws:sts::111122223333:assumed-role/Operator/alice"
PARTNERS = "/ops/v1/partners"
ACME = f"{PARTNERS}/acme"
NEW = {"partner_id": "acme", "settings": {"name": "Acme", "parties": ["NL-ACM"]}}


class Answer:
    """What the API answered."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw, self.status, self.body = raw, raw["statusCode"], json.loads(raw["body"])

    def header(self, name: str) -> str | None:
        return header_of(self.raw, name)

    @property
    def problem(self) -> tuple[int, str | None]:
        """Status and field of a problem, whose form has to be right."""
        assert self.header("Content-Type") == "application/problem+json"
        assert {"type", "title", "status", "detail"} <= self.body.keys()
        assert self.body["status"] == self.status
        return self.status, self.body.get("field")


def call(
    method: str,
    path: str,
    body: object = None,
    *,
    seen: str | None = None,
    who: str | None = ALICE,
    **query: str,
) -> Answer:
    """Call the API as API Gateway does it for a signed request."""
    headers = {"If-Match": seen} if seen is not None else {}
    event = rest_event(method, path, None if body is None else json.dumps(body), headers=headers)
    event["queryStringParameters"] = query or None
    event["requestContext"]["identity"]["userArn"] = who
    return Answer(handler(event, CONTEXT))


def invited(partner_id: str = "acme") -> Answer:
    return call("POST", PARTNERS, {**NEW, "partner_id": partner_id})


def test_an_invitation_makes_a_partner_and_tells_the_token_once(cloud: Cloud) -> None:
    made = invited()
    assert made.status == 201
    assert made.header("Location") == f"/production{ACME}"
    assert made.body["versions_url"] == f"{BASE_URL}/ocpi/versions"
    assert made.header("Cache-Control") == "no-store"
    shown = call("GET", ACME)
    assert shown.header("ETag") == made.header("ETag")
    assert made.body["token_a"] not in json.dumps(shown.body)
    assert "usage_key" not in shown.body
    assert invited().problem == (409, None)
    again = call("POST", f"{ACME}/invitations")
    assert (again.status, again.body["token_a"] != made.body["token_a"]) == (201, True)
    assert again.header("Location") == f"/production{ACME}"


def test_a_change_needs_the_version_that_was_seen(cloud: Cloud) -> None:
    seen = invited().header("ETag")
    change = {"settings": {"flags": {"strict": True}}}
    changed = call("PATCH", ACME, change, seen=seen)
    assert (changed.status, changed.body["flags"]["strict"]) == (200, True)
    assert call("PATCH", ACME, change).problem == (428, None)
    assert call("PATCH", ACME, change, seen=seen).problem == (412, None)
    assert call("PATCH", ACME, change, seen="W/banana").problem == (412, None)
    assert call("PATCH", ACME, change, seen="*").status == 200
    for method, path in (("DELETE", ACME), ("PUT", f"{ACME}/suspension"), ("DELETE", f"{ACME}/suspension")):
        assert call(method, path).problem == (428, None)
        assert call(method, path, seen='"0"').problem == (412, None)
    assert call("GET", ACME).body["revision"] == changed.body["revision"]


def test_a_partner_is_suspended_resumed_and_removed_and_all_of_it_is_told(cloud: Cloud) -> None:
    invited()
    suspended = call("PUT", f"{ACME}/suspension", {"note": "sends rubbish"}, seen="*")
    assert suspended.body["suspended_at"] is not None
    assert call("GET", PARTNERS).body["partners"][0]["status"] == "SUSPENDED"
    assert call("DELETE", f"{ACME}/suspension", seen=suspended.header("ETag")).body["suspended_at"] is None
    assert call("DELETE", ACME, seen="*").body["status"] == "REMOVED"
    first = call("GET", f"{ACME}/audit", limit="3")
    second = call("GET", f"{ACME}/audit", limit="3", cursor=first.body["next"])
    told = first.body["entries"] + second.body["entries"]
    assert [each["action"] for each in told] == ["removed", "resumed", "suspended", "invited"]
    assert {(each["who"], each["via"]) for each in told} == {(ALICE, "api")}
    assert second.body["next"] is None
    verdict = call("GET", f"{ACME}/audit/verification").body
    assert verdict == {"entries": 4, "hash": told[0]["hash"], "is_whole": True, "problems": []}


def test_partners_are_listed_in_pages_each_of_them_once(cloud: Cloud) -> None:
    ids = [f"p{number}" for number in range(5)]
    for partner_id in ids:
        invited(partner_id)
    listed, cursor = [], ""
    while cursor is not None:
        page = call("GET", PARTNERS, limit="2", **({"cursor": cursor} if cursor else {})).body
        assert 1 <= len(page["partners"]) <= 2
        listed += [each["partner_id"] for each in page["partners"]]
        cursor = page["next"]
    assert listed == ids


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("POST", PARTNERS, {"settings": {}}, (422, "partner_id")),
        ("POST", PARTNERS, {"partner_id": "Acme", "settings": {}}, (422, "partner_id")),
        ("POST", PARTNERS, {"partner_id": "x"}, (422, "settings.name")),
        ("POST", PARTNERS, {**NEW, "colour": "blue"}, (422, "colour")),
        ("PATCH", ACME, {"settings": {"flags": {"strict": 1}}}, (422, "settings.flags.strict")),
        ("PATCH", ACME, {"settings": {"planning": {"tariff": {"kind": "TIME_OF_USE"}}}},
         (422, "settings.planning.tariff.windows")),
        ("PATCH", ACME, {"flags": {"strict": True}}, (422, "flags")),
        ("PATCH", ACME, [], (422, "body")),
        ("PATCH", f"{PARTNERS}/nobody", {}, (404, None)),
        ("GET", f"{PARTNERS}/nobody", None, (404, None)),
        ("POST", f"{PARTNERS}/nobody/invitations", None, (404, None)),
        ("GET", f"{PARTNERS}/nobody/audit/verification", None, (404, None)),
        ("PUT", f"{ACME}/suspension", {"note": ""}, (422, "note")),
        ("POST", ACME, {}, (405, None)),
        ("GET", "/ops/v1/colours", None, (404, None)),
    ],
)  # fmt: skip
def test_a_problem_names_its_field(
    cloud: Cloud, method: str, path: str, body: object, problem: tuple[int, str | None]
) -> None:
    invited()
    assert call(method, path, body, seen="*").problem == problem


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"cursor": "%%"}, "cursor"),
        ({"cursor": "QUFB" * 301}, "cursor"),
    ],
)
def test_a_page_that_cannot_be_is_refused(cloud: Cloud, query: dict[str, str], field: str) -> None:
    assert call("GET", PARTNERS, **query).problem == (422, field)
    assert call("GET", f"{ACME}/audit", **query).problem == (422, field)


def test_a_body_that_is_no_json_is_refused(cloud: Cloud) -> None:
    event = rest_event("POST", PARTNERS, "{")
    event["requestContext"]["identity"]["userArn"] = ALICE
    assert Answer(handler(event, CONTEXT)).problem == (400, None)


def test_nobody_changes_anything_without_a_name(cloud: Cloud) -> None:
    assert call("POST", PARTNERS, NEW, who=None).problem == (403, None)
    assert call("GET", PARTNERS).body == {"partners": [], "next": None}

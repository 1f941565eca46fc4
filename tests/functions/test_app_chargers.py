"""The app API on chargers, their settings and their sessions, as API Gateway calls it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions import app_chargers
from offpeak import wiring
from offpeak.pairing.model import ChargerKey, UserKey
from tests.functions.events import CONTEXT, header_of, rest_event
from tests.functions.journey import Journey
from tests.functions.logs import captured_log
from tests.pairing.builders import CHARGER, NOW, USER, charger, location, user

PATH = f"/v1/users/{USER.user_id}/chargers"
HERE = f"{PATH}/{CHARGER.charger_id}"


@pytest.fixture(autouse=True)
def _paired(journey: Journey) -> None:
    accounts = wiring.accounts()
    accounts.save_user(user())
    accounts.save_location(USER, location())
    accounts.save_charger(charger())


def call(
    method: str,
    path: str,
    body: object = None,
    *,
    tenant: str = "hearth",
    query: Mapping[str, str] | None = None,
    **headers: str,
) -> Any:
    event = rest_event(
        method,
        path,
        None if body is None else json.dumps(body),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        authorizer={"tenant_id": tenant},
    )
    event["queryStringParameters"] = dict(query) if query else None
    return app_chargers.handler(event, CONTEXT)


def body_of(answer: Any, http_status: int = 200) -> Any:
    assert answer["statusCode"] == http_status, answer["body"]
    return json.loads(answer["body"])


def test_a_charger_waits_for_a_session_after_it_was_paired() -> None:
    shown = body_of(call("GET", HERE))
    assert (shown["state"], shown["reason"]) == ("waiting_for_session", "no_session_yet")
    assert body_of(call("GET", PATH)) == {"chargers": [shown], "next": None}


def test_chargers_are_listed_in_pages_the_oldest_pairing_first() -> None:
    for number in range(4):
        key = replace(CHARGER, charger_id=f"chg_x{number}")
        wiring.accounts().save_charger(charger(key, paired_at=NOW - timedelta(days=number)))
    query, seen = {"limit": "2"}, []
    while True:
        page = body_of(call("GET", PATH, query=query))
        seen += [each["charger_id"] for each in page["chargers"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == ["chg_x3", "chg_x2", "chg_x1", "chg_1", "chg_x0"]
    assert body_of(call("GET", PATH, query={"limit": "0"}), 422)["field"] == "limit"


def test_settings_are_changed_by_whoever_has_seen_them() -> None:
    before = call("GET", f"{HERE}/settings")
    assert header_of(before, "ETag") == '"0"'
    said = {"departures": {"monday": "06:45"}, "desired_level": 0.8}
    changed = call("PATCH", f"{HERE}/settings", said, If_Match='"0"')
    assert header_of(changed, "ETag") == '"1"'
    assert body_of(changed)["departures"]["monday"] == "06:45"
    assert body_of(call("PATCH", f"{HERE}/settings", said, If_Match='"0"'), 412)
    assert body_of(call("PATCH", f"{HERE}/settings", said), 428)
    assert body_of(call("GET", f"{HERE}/settings")) == body_of(changed)


def test_a_wrong_setting_is_named() -> None:
    refused = body_of(call("PATCH", f"{HERE}/settings", {"departures": {"monday": "late"}}, If_Match="*"), 422)
    assert refused["field"] == "departures.monday"


def test_a_boost_begins_once_and_ends() -> None:
    begun = call("POST", f"{HERE}/boost", {"minutes": 30}, Idempotency_Key="k-1")
    again = call("POST", f"{HERE}/boost", {"minutes": 30}, Idempotency_Key="k-1")
    assert body_of(begun)["boost_until"] is not None
    assert (body_of(again), header_of(again, "ETag")) == (body_of(begun), '"1"')
    assert body_of(call("POST", f"{HERE}/boost", {"minutes": 0}), 422)["field"] == "minutes"
    assert body_of(call("DELETE", f"{HERE}/boost"))["boost_until"] is None


def test_a_charger_is_unpaired_once() -> None:
    unpaired = call("DELETE", HERE)
    assert (unpaired["statusCode"], unpaired["body"]) == (204, "")
    assert body_of(call("DELETE", HERE), 404)
    assert body_of(call("GET", PATH))["chargers"] == []


def test_a_charger_without_sessions_lists_none_and_a_cursor_of_somebody_else_is_refused() -> None:
    assert body_of(call("GET", f"{HERE}/sessions")) == {"sessions": [], "next": None}
    assert body_of(call("GET", f"{HERE}/sessions", query={"cursor": "Y2hnXzIjMg"}), 422)["field"] == "cursor"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", PATH, None),
        ("GET", HERE, None),
        ("DELETE", HERE, None),
        ("GET", f"{HERE}/settings", None),
        ("PATCH", f"{HERE}/settings", {}),
        ("POST", f"{HERE}/boost", {}),
        ("DELETE", f"{HERE}/boost", None),
        ("GET", f"{HERE}/sessions", None),
        ("GET", f"{HERE}/sessions/S-1", None),
    ],
)
def test_another_tenant_finds_nothing_of_it(method: str, path: str, body: object) -> None:
    assert body_of(call(method, path, body, tenant="other", If_Match="*"), 404)


@pytest.mark.parametrize("charger_id", ["chg_2", "x" * 3000, "a%23b"])
def test_what_is_no_charger_is_not_found(charger_id: str) -> None:
    with captured_log() as log:
        assert body_of(call("GET", f"{PATH}/{charger_id}"), 404)
        assert body_of(call("GET", f"{HERE}/sessions/{charger_id}"), 404)
        assert body_of(call("PATCH", f"{PATH}/{charger_id}/settings", {}, If_Match="*"), 404)
        assert body_of(call("POST", f"{PATH}/{charger_id}/boost", Idempotency_Key="k"), 404)
    problems = {each["problem"] for each in log() if "problem" in each}
    assert problems == {"there is no such charger", "there is no such session"}


def test_what_is_kept_of_a_charger_is_under_its_tenant() -> None:
    assert wiring.accounts().charger(ChargerKey(UserKey("other", USER.user_id), CHARGER.charger_id)) is None

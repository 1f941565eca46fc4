"""The operator API on tenants."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.ops_tenants import handler
from offpeak import wiring
from offpeak.webhooks.model import Secret, Subscription, WebhookKey
from tests.conftest import MakeTable
from tests.functions.conftest import BASE_URL, Cloud
from tests.functions.events import CONTEXT, rest_event
from tests.functions.test_ops_api import ALICE, Answer
from tests.functions.test_ops_partners import run as on_partners

TENANTS = "/ops/v1/tenants"
HEARTH = f"{TENANTS}/hearth"
NEW = {"tenant_id": "hearth", "settings": {"name": "Hearth", "partner_ids": ["acme"]}}


@pytest.fixture(autouse=True)
def _partner(cloud: Cloud, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("users", "webhooks", "events"):
        monkeypatch.setenv(f"{name.upper()}_TABLE", make_table(name).name)
    on_partners({"action": "invite", "partner_id": "acme", "settings": {"name": "Acme", "parties": ["NL-ACM"]}})


def call(method: str, path: str, body: object = None, *, seen: str | None = None, who: str | None = ALICE) -> Answer:
    headers = {"If-Match": seen} if seen is not None else {}
    event: Any = rest_event(method, path, None if body is None else json.dumps(body), headers=headers)
    event["requestContext"]["identity"]["userArn"] = who
    return Answer(handler(event, CONTEXT))


def test_a_tenant_is_added_shown_changed_suspended_and_removed() -> None:
    made = call("POST", TENANTS, NEW)
    assert (made.status, made.header("Location"), made.header("ETag")) == (201, HEARTH, '"1"')
    assert "usage_key" not in made.body
    changed = call("PATCH", HEARTH, {"settings": {"colour": "#AABBCC"}}, seen='"1"')
    assert changed.body["colour"] == "#aabbcc"
    assert call("PUT", f"{HEARTH}/suspension", {"note": "why"}, seen="*").body["suspended_at"]
    assert call("GET", TENANTS).body["tenants"] == [{"tenant_id": "hearth", "name": "Hearth", "status": "SUSPENDED"}]
    assert call("DELETE", f"{HEARTH}/suspension", seen="*").body["suspended_at"] is None
    actions = [each["action"] for each in call("GET", f"{HEARTH}/audit").body["entries"]]
    assert actions == ["resumed", "suspended", "changed", "added"]
    assert call("DELETE", HEARTH, seen="*").status == 200
    assert call("GET", HEARTH).problem == (404, None)
    assert call("GET", f"{HEARTH}/audit/verification").body["is_whole"]


def test_a_tenant_is_removed_with_its_webhooks_and_one_that_is_named_like_it_inherits_none() -> None:
    call("POST", TENANTS, NEW)
    subscriptions, there = wiring.subscriptions(), {"hearth": 2, "other": 1}
    for tenant_id, number in there.items():
        for key in (WebhookKey(tenant_id, f"whk_{each}") for each in range(number)):
            subscriptions.add(Subscription(key, "https://shop.example/", datetime.now(UTC), Secret("closed")))
    assert call("DELETE", HEARTH, seen="*").status == 200
    assert (subscriptions.of("hearth"), len(subscriptions.of("other"))) == ([], 1)
    assert wiring.lanes().get(WebhookKey("hearth", "whk_0")) is None
    late = WebhookKey("hearth", "whk_late")
    subscriptions.add(Subscription(late, "https://shop.example/", datetime.now(UTC), Secret("closed")))
    assert call("POST", TENANTS, NEW).status == 201
    assert subscriptions.of("hearth") == []


def test_clients_and_keys_are_told_once_and_shown_by_how_they_begin() -> None:
    call("POST", TENANTS, NEW)
    made = call("POST", f"{HEARTH}/clients").body
    addresses = (made["base_url"], made["token_url"], made["audience"])
    assert addresses == (BASE_URL, f"{BASE_URL}/oauth/token", f"{BASE_URL}/v1")
    path = f"{HEARTH}/clients/{made['client_id'].replace('~', '%7E')}"
    secret = call("POST", f"{path}/rotation", {"overlap_hours": 1}).body["client_secret"]
    key = call("POST", f"{HEARTH}/api-keys").body["api_key"]
    shown = call("GET", f"{HEARTH}/access")
    assert not any(hidden in shown.raw["body"] for hidden in (secret, key, made["client_secret"], made["api_key"]))
    assert len(shown.body["clients"][0]["secrets"]) == len(shown.body["api_keys"]) == 2
    assert call("DELETE", f"{HEARTH}/api-keys/{key[:6]}").body["api_keys"][0]["begins_with"] == made["api_key"][:6]
    assert call("DELETE", path).body["clients"] == []


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "settings.name"),
        ({"name": "H", "partner_ids": ["nobody"]}, "settings.partner_ids.0"),
        ({"name": "H", "colour": "red"}, "settings.colour"),
        ({"name": "H", "redirect_urls": ["http://x.example"]}, "settings.redirect_urls.0"),
        ({"name": "H", "logo": "x"}, "settings.logo"),
    ],
)
def test_what_is_wrong_with_a_tenant_is_named(settings: object, field: str) -> None:
    assert call("POST", TENANTS, {"tenant_id": "hearth", "settings": settings}).problem == (422, field)


@pytest.mark.parametrize("tenant_id", ["Hearth", "tenant~x", "a#b", "", "a/b", "x" * 41])
def test_an_id_that_would_blur_keys_is_refused(tenant_id: str) -> None:
    assert call("POST", TENANTS, {**NEW, "tenant_id": tenant_id}).problem == (422, "tenant_id")


def test_who_changes_a_tenant_is_signed_and_says_what_he_has_seen() -> None:
    assert call("POST", TENANTS, NEW, who=None).problem == (403, None)
    call("POST", TENANTS, NEW)
    assert call("POST", TENANTS, NEW).problem == (409, None)
    assert call("PATCH", HEARTH, {"settings": {}}).problem == (428, None)
    assert call("PATCH", HEARTH, {"settings": {"name": "x"}}, seen='"9"').problem == (412, None)

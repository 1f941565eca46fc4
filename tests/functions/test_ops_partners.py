"""The operators' command: what it does, and what a mistyped one is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.ops_partners import handler
from offpeak import wiring
from offpeak.ocpi.tokens import is_token
from offpeak.partners.model import PartnerStatus
from offpeak.sessions.store import SHARDS
from tests.functions.conftest import BASE_URL, Cloud
from tests.functions.events import CONTEXT

INVITE = {"action": "invite", "partner_id": "acme", "settings": {"name": "Acme", "parties": ["NL-ACM"]}}


def run(event: dict[str, Any]) -> Any:
    return json.loads(json.dumps(handler(event, CONTEXT)))


def test_an_invitation_tells_what_the_partner_needs(cloud: Cloud) -> None:
    """C1"""
    answer = run(INVITE)
    assert answer["partner_id"] == "acme"
    assert answer["versions_url"] == f"{BASE_URL}/ocpi/versions"
    assert is_token(answer["token_a"])
    assert len(answer["token_a"]) == 64


def test_partners_are_listed_and_shown_without_secrets(cloud: Cloud) -> None:
    token = run(INVITE)["token_a"]
    assert run({"action": "list"}) == {"partners": [{"partner_id": "acme", "name": "Acme", "status": "INVITED"}]}
    shown = run({"action": "show", "partner_id": "acme"})
    assert shown["parties"] == ["NL-ACM"]
    assert shown["planning"]["departure"] == "07:00"
    assert token not in json.dumps(shown)
    assert "usage_key" not in shown


def test_a_change_is_saved_and_the_partners_sessions_are_planned_anew(cloud: Cloud) -> None:
    run(INVITE)
    partner = wiring.partners().load("acme")
    assert partner is not None
    wiring.partners().save(replace(partner, status=PartnerStatus.REGISTERED))
    change = {"flags": {"rate_unit": "A"}, "planning": {"need_kwh": 20.5, "phases": 3}}
    assert run({"action": "change", "partner_id": "acme", "settings": change})["planning"]["need_kwh"] == 20.5
    assert run({"action": "show", "partner_id": "acme"})["flags"]["rate_unit"] == "A"
    messages = []
    while batch := cloud.client("sqs").receive_message(QueueUrl=cloud.replan_queue_url, MaxNumberOfMessages=10):
        if "Messages" not in batch:
            break
        messages += [json.loads(message["Body"]) for message in batch["Messages"]]
    assert sorted(message["shard"] for message in messages) == list(range(SHARDS))
    assert {(message["partner_id"], message["after"]) for message in messages} == {("acme", None)}


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({}, "action"),
        ({"action": "delete"}, "action"),
        ({"action": "remove"}, "partner_id"),
        ({"action": "suspend", "partner_id": "acme", "who": "alice"}, "who"),
        ({"action": "show"}, "partner_id"),
        ({"action": "show", "partner_id": "Not An Id"}, "partner_id"),
        ({"action": "show", "partner_id": "a#b"}, "partner_id"),
        ({"action": "show", "partner_id": "acme", "colour": "blue"}, "colour"),
        ({"action": "invite", "partner_id": "acme"}, "settings.name"),
        ({"action": "invite", "partner_id": "acme", "settings": {"parties": ["NL"]}}, "settings.parties.0"),
        ({"action": "change", "partner_id": "acme", "settings": {"flags": {"strict": 1}}}, "settings.flags.strict"),
    ],
)
def test_a_wrong_command_is_told_its_field_and_changes_nothing(cloud: Cloud, event: dict[str, Any], field: str) -> None:
    answer = run(event)
    assert answer["field"] == field
    assert answer["error"]
    assert run({"action": "list"}) == {"partners": []}


def test_the_trail_names_who_gave_the_command(cloud: Cloud) -> None:
    alice = "arn:aws:iam::111122223333:user/alice"
    run({**INVITE, "who": alice})
    run({"action": "suspend", "partner_id": "acme", "note": "sends rubbish", "who": alice})
    run({"action": "resume", "partner_id": "acme"})
    told = run({"action": "audit", "partner_id": "acme"})["entries"]
    assert [(each["action"], each["via"], each["note"]) for each in told] == [
        ("resumed", "command", None),
        ("suspended", "command", "sends rubbish"),
        ("invited", "command", None),
    ]
    assert [each["who"] for each in told[1:]] == [alice, alice]
    assert told[0]["who"].startswith("not said")
    assert run({"action": "verify", "partner_id": "acme"})["is_whole"]
    assert [each["number"] for each in run({"action": "audit", "partner_id": "acme", "before": 2})["entries"]] == [1]


def test_a_removed_partner_is_listed_as_such_and_can_do_nothing(cloud: Cloud) -> None:
    run(INVITE)
    assert run({"action": "remove", "partner_id": "acme"})["status"] == "REMOVED"
    assert run({"action": "list"})["partners"][0]["status"] == "REMOVED"


def test_keys_are_put_into_the_usage_plan_of_a_new_stack(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    run(INVITE)
    gateway = cloud.client("apigateway")
    new_plan = gateway.create_usage_plan(name="new")["id"]
    monkeypatch.setenv("USAGE_PLAN_ID", new_plan)
    for adapter in (wiring.usage_plan, wiring.administration):
        adapter.cache_clear()
    assert run({"action": "restore_keys"}) == {"partners": ["acme"]}
    assert [each["name"] for each in gateway.get_usage_plan_keys(usagePlanId=new_plan)["items"]] == ["acme"]
    assert run({"action": "restore_keys"}) == {"partners": ["acme"]}, "and once more does no harm"


@pytest.mark.parametrize("action", ["show", "change", "suspend", "resume", "remove"])
def test_a_partner_that_does_not_exist_is_not_made_by_the_way(cloud: Cloud, action: str) -> None:
    assert run({"action": action, "partner_id": "nobody"}) == {"error": "there is no partner nobody"}
    assert run({"action": "list"}) == {"partners": []}

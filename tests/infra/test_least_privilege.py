"""Who may touch what. The grants are the tenancy's second wall, so what must never be granted is written down here."""

from __future__ import annotations

import pytest

from infra.service_stack import NOTICING
from tests.infra.stacks import Stacks, of_type

WRITES = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
FUNCTIONS_THAT_WRITE = {
    "authorise": {"partners"},  # the first use of a new token ends the one before it
    "oauth": {"partners"},  # it makes signing keys when they are due
    "refresh_tokens": {"partners"},
    "erase_users": {
        "users",
        "sessions",
        "connect_sessions",
        "habits",
        "app_requests",
        "evse_ownership",
        "events",
    },
    "ops_access": {"partners"},
    "ocpi_credentials": {"partners"},
    "ocpi_sessions": {"sessions", "history"},
    "ocpi_chargingprofiles": {"sessions", "profile_requests", "events"},
    "ocpi_locations": {"locations"},
    "ocpi_tariffs": {"tariffs"},
    "ocpi_hubclientinfo": {"hub_clients"},
    "app_users": {"users", "app_requests", "sessions", "own_markets"},
    "app_chargers": {"users", "app_requests", "sessions", "evse_ownership", "events"},
    "app_connect": {"connect_sessions", "app_requests"},
    "pair": {"connect_sessions"},
    "pair_chargers": {"partners", "users", "evse_ownership", "connect_sessions", "sessions", "events", "own_markets"},
    "sweep_pairings": {"connect_sessions", "partners", "evse_ownership", "sessions"},  # it calls partners
    "ocpi_pairing": {"users", "evse_ownership", "connect_sessions", "sessions", "events", "own_markets"},
    "ops_pairings": {"evse_ownership"},
    "app_webhooks": {"webhooks", "app_requests"},
    "plan_sessions": {"sessions", "profile_requests", "limit_groups", "habits", "users", "events", "own_markets"},
    "send_profiles": {"partners", "sessions", "profile_requests", "events"},
    "want_plans": {"sessions"},
    "sweep_sessions": {"sessions", "profile_requests", "grid_signals", "limit_groups", "events"},
    "fetch_prices": {"prices"},
    "fetch_carbon": {"grid_signals"},
    "pull_history": {"partners", "sessions", "history", "locations", "tariffs", "hub_clients"},
    "sync_history": {"history"},
    "ops_history": {"history"},
    "publish_events": {"events", "webhooks"},
    "deliver_webhooks": {"webhooks"},
    "sweep_webhooks": {"events"},
    "rotate_tokens": {"partners"},
    "ops_partners": {"partners"},
    "ops_api": {"partners"},
    "ops_groups": {"limit_groups"},
    "ops_tenants": {"tenants", "webhooks", "events"},  # a tenant goes with its webhooks, and what they were told
    "ops_signals": {"grid_signals", "limit_groups"},
    "ops_sessions": {"partners", "profile_requests", "sessions"},  # it may call a partner, through its gate
}


HAND_OUT_KEYS = {"ops_partners", "ops_api", "ops_tenants"}
AUDITED = {
    "ops_tenants",
    "ops_partners",
    "ops_api",
    "ops_groups",
    "ops_signals",
    "ops_access",
    "rotate_tokens",
    "ocpi_credentials",
}
"""The functions that change partners, limit groups or signals, and write each change into the audit trail."""


def test_a_function_writes_to_the_tables_that_are_its_business(qa: Stacks) -> None:
    for action in WRITES:
        writers = {name: qa.may(name, action) - {"audit", "quality"} for name in qa.functions}
        assert {name: tables for name, tables in writers.items() if tables} == FUNCTIONS_THAT_WRITE


def test_the_audit_trail_is_added_to_within_transactions_and_never_changed(qa: Stacks) -> None:
    granted = {
        (name, action): statement.get("Condition")
        for name in qa.functions
        for statement in qa.statements_of(name)
        if "AuditTable" in str(statement["Resource"])
        for action in as_list(statement["Action"])
    }
    within = {"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}}
    assert {key: condition for key, condition in granted.items() if key[1] != "dynamodb:Query"} == {
        (name, "dynamodb:PutItem"): within for name in AUDITED
    }


def test_figures_are_counted_by_who_meets_partners_and_read_by_the_operators_functions_alone(qa: Stacks) -> None:
    assert {name for name in qa.functions if "quality" in qa.may(name, "dynamodb:UpdateItem")} == set(NOTICING)
    assert {name for name in qa.functions if "quality" in qa.may(name, "dynamodb:Query")} == {"ops_partners", "ops_api"}
    assert not any("quality" in qa.may(name, action) for name in qa.functions for action in (WRITES[0], WRITES[2]))


def test_the_authoriser_touches_partners_and_tenants_alone(qa: Stacks) -> None:
    touched = {
        resource
        for statement in qa.statements_of("authorise")
        for action in as_list(statement["Action"])
        if not action.startswith("logs:")
        for resource in qa.may("authorise", action)
    }
    assert touched == {"partners", "tenants", "directory", "table key"}
    assert "tenants" not in qa.may("authorise", "dynamodb:PutItem")


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_only_who_calls_partners_or_gives_out_credentials_opens_tokens(qa: Stacks) -> None:
    assert {name for name in qa.functions if "token key" in qa.may(name, "kms:Decrypt")} == {
        "ocpi_credentials",
        "oauth",
        "refresh_tokens",
        "ops_access",
        "deliver_webhooks",
        "app_webhooks",
        "send_profiles",
        "pair_chargers",
        "sweep_pairings",
        "ops_sessions",
        "pull_history",
        "rotate_tokens",
        "ops_partners",
        "ops_api",
    }


def test_who_calls_partners_may_keep_the_access_tokens_that_it_fetches(qa: Stacks) -> None:
    for name in ("send_profiles", "pair_chargers", "sweep_pairings", "pull_history", "refresh_tokens", "ops_sessions"):
        assert "token key" in qa.may(name, "kms:Encrypt")
        assert "partners" in qa.may(name, "dynamodb:PutItem")


def test_who_checks_access_tokens_cannot_sign_any(qa: Stacks) -> None:
    assert qa.may("authorise", "kms:Decrypt") == {"table key"}


def test_the_key_of_the_tables_is_used_through_dynamodb_only(qa: Stacks) -> None:
    for name in qa.functions:
        for statement in qa.statements_of(name):
            if "TableKey" in str(statement["Resource"]):
                assert "dynamodb." in str(statement["Condition"]["StringEquals"]["kms:ViaService"])


def test_nobody_scans_a_table(qa: Stacks) -> None:
    assert not any(qa.may(name, "dynamodb:Scan") for name in qa.functions)


@pytest.mark.parametrize(
    ("queue", "senders"),
    [
        (
            "plan",
            {
                "ocpi_sessions",
                "ocpi_chargingprofiles",
                "plan_sessions",
                "app_users",
                "app_chargers",
                "erase_users",
                "send_profiles",
                "want_plans",
                "sweep_sessions",
                "pull_history",
                "pair_chargers",
                "ocpi_pairing",
                "sweep_pairings",
                "ops_groups",
                "ops_signals",
            },
        ),
        ("send", {"ocpi_chargingprofiles", "plan_sessions", "send_profiles", "sweep_sessions", "ops_sessions"}),
        (
            "replan",
            {
                "want_plans",
                "replan_sessions",
                "fetch_prices",
                "fetch_carbon",
                "ops_partners",
                "ops_api",
                "ops_groups",
                "ops_signals",
                "sweep_sessions",
            },
        ),
        ("history", {"pull_history", "sync_history", "ocpi_sessions", "ops_history"}),
        ("pairing", {"pair", "pair_chargers", "sweep_pairings"}),
        (
            "events",
            {
                "publish_events",
                "sweep_webhooks",
                "pair_chargers",
                "ocpi_pairing",
                "plan_sessions",
                "send_profiles",
                "sweep_sessions",
                "ocpi_chargingprofiles",
                "app_chargers",
                "erase_users",
            },
        ),
        ("webhooks", {"app_webhooks", "publish_events", "deliver_webhooks", "sweep_webhooks"}),
    ],
)
def test_a_queue_takes_messages_from_those_who_have_some(qa: Stacks, queue: str, senders: set[str]) -> None:
    assert {name for name in qa.functions if queue in qa.may(name, "sqs:SendMessage")} == senders


@pytest.mark.parametrize(
    ("queue", "function"),
    [
        ("plan", "plan_sessions"),
        ("send", "send_profiles"),
        ("replan", "want_plans"),
        ("history", "pull_history"),
        ("pairing", "pair_chargers"),
        ("events", "publish_events"),
        ("webhooks", "deliver_webhooks"),
    ],
)
def test_a_queue_is_emptied_by_its_worker_alone(qa: Stacks, queue: str, function: str) -> None:
    assert {name for name in qa.functions if queue in qa.may(name, "sqs:ReceiveMessage")} == {function}


def test_only_the_operators_hand_out_keys_and_only_of_this_stage(qa: Stacks) -> None:
    assert {name for name in qa.functions if qa.may(name, "apigateway:POST")} == HAND_OUT_KEYS
    for name in HAND_OUT_KEYS:
        assert qa.may(name, "apigateway:POST") == {"API keys", "usage plan"}


def test_every_function_has_a_role_of_its_own(qa: Stacks) -> None:
    roles = [function["Role"]["Fn::GetAtt"][0] for function in qa.functions.values()]
    assert len(set(roles)) == len(roles)


def test_the_schedules_role_invokes_the_clocks_functions_and_no_other(qa: Stacks) -> None:
    (policy,) = (
        policy["Properties"]
        for policy in of_type(qa.service, "AWS::IAM::Policy").values()
        if "ClocksRole" in str(policy["Properties"]["Roles"])
    )
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert {qa.function_at(resource) for resource in statement["Resource"]} == {
        "sweep_sessions",
        "replan_sessions",
        "fetch_prices",
        "fetch_carbon",
        "sync_history",
        "rotate_tokens",
        "refresh_tokens",
        "sweep_pairings",
        "erase_users",
        "sweep_webhooks",
    }

"""What must outlive every deployment: encrypted, restorable, and not deleted by mistake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from aws_cdk.assertions import Match, Template

from infra.stage import Stage
from tests.infra.stacks import Stacks, of_type, synthesised

TABLE_KEY = {"Fn::GetAtt": [Match.string_like_regexp("^TableKey"), "Arn"]}


def tables(stacks: Stacks) -> dict[str, dict[str, Any]]:
    """The tables by the names that the stores' tests use."""
    return {
        re.sub(r"(?<!^)(?=[A-Z])", "_", logical_id.split("Table")[0]).lower(): table
        for logical_id, table in of_type(stacks.data, "AWS::DynamoDB::Table").items()
    }


def test_every_table_is_encrypted_with_our_key_and_restorable_to_any_second_of_35_days(qa: Stacks) -> None:
    qa.data_template.all_resources_properties(
        "AWS::DynamoDB::Table",
        {
            "BillingMode": "PAY_PER_REQUEST",
            "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": TABLE_KEY},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35},
        },
    )


def test_a_table_outlives_its_stack_and_refuses_to_be_deleted(qa: Stacks) -> None:
    qa.data_template.all_resources(
        "AWS::DynamoDB::Table",
        {
            "Properties": Match.object_like({"DeletionProtectionEnabled": True}),
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
        },
    )


def test_every_access_path_of_the_stores_has_its_key_or_index(qa: Stacks) -> None:
    deployed = {
        name: (
            keys(table["Properties"]["KeySchema"]),
            {
                index["IndexName"]: keys(index["KeySchema"])
                for index in table["Properties"].get("GlobalSecondaryIndexes", [])
            },
        )
        for name, table in tables(qa).items()
    }
    assert deployed == {
        "partners": (("pk", "sk"), {"directory": ("directory", "zone_and_partner")}),
        "sessions": (
            ("pk", "sk"),
            {
                "by_plan_wanted": ("plan_shard", "plan_wanted_at"),
                "by_wake": ("wake_shard", "wake_at"),
                "by_active": ("active_shard", "pk"),
                "by_evse": ("evse_key", "pk"),
                "by_user": ("user_key", "charger_start"),
            },
        ),
        "profile_requests": (
            ("request_id",),
            {"by_session": ("session_key", "created_at"), "by_due": ("due_shard", "due_at")},
        ),
        "prices": (("pk", "sk"), {}),
        "grid_signals": (("pk", "sk"), {"by_replan_wanted": ("replan_shard", "replan_wanted_at")}),
        "habits": (("pk", "sk"), {}),
        "audit": (("pk", "sk"), {}),
        "quality": (("pk", "sk"), {}),
        "history": (("pk", "sk"), {}),
        "locations": (("pk", "sk"), {"by_evse": ("evse_key", "pk")}),
        "limit_groups": (
            ("pk", "sk"),
            {"by_plan_wanted": ("plan_shard", "plan_wanted_at"), "directory": ("directory", "root_and_group")},
        ),
        "tariffs": (("tariff_key",), {}),
        "tenants": (("pk", "sk"), {"directory": ("directory", "tenant_id")}),
        "app_requests": (("pk", "sk"), {}),
        "users": (("pk", "sk"), {"directory": ("directory", "user_id")}),
        "own_markets": (("pk", "sk"), {}),
        "evse_ownership": (("pk", "sk"), {"by_due": ("due_shard", "due_at")}),
        "connect_sessions": (("pk", "sk"), {"by_due": ("due_shard", "due_at")}),
        "events": (("pk", "sk"), {"by_due": ("due_shard", "due_at")}),
        "webhooks": (("pk", "sk"), {"by_due": ("due_shard", "due_at")}),
        "hub_clients": (("partner_id", "party"), {}),
    }


def keys(schema: list[dict[str, str]]) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in schema)


def test_only_what_grows_for_ever_expires_and_the_audit_trail_never(qa: Stacks) -> None:
    expiring = {name for name, table in tables(qa).items() if "TimeToLiveSpecification" in table["Properties"]}
    assert expiring == {
        "sessions",
        "profile_requests",
        "quality",
        "grid_signals",
        "habits",
        "tenants",
        "app_requests",
        "users",
        "own_markets",
        "connect_sessions",
        "events",
        "webhooks",
    }


def test_the_indexes_of_sessions_carry_what_the_sweep_reads_and_no_session_data(qa: Stacks) -> None:
    projected = {
        index["IndexName"]: set(index["Projection"]["NonKeyAttributes"])
        for index in tables(qa)["sessions"]["Properties"]["GlobalSecondaryIndexes"]
    }
    assert projected == {
        "by_plan_wanted": {"plan_wanted", "partner_id", "session_id"},
        "by_wake": {"partner_id", "session_id"},
        "by_active": {"partner_id", "session_id"},
        "by_evse": {"partner_id", "session_id"},
        "by_user": {"partner_id", "session_id"},
    }


def test_both_keys_are_rotated_and_kept(qa: Stacks) -> None:
    qa.data_template.resource_count_is("AWS::KMS::Key", 2)
    qa.data_template.all_resources(
        "AWS::KMS::Key",
        {"Properties": Match.object_like({"EnableKeyRotation": True}), "DeletionPolicy": "Retain"},
    )


def test_a_stage_without_a_domain_has_no_certificate(qa: Stacks) -> None:
    qa.data_template.resource_count_is("AWS::ApiGateway::DomainName", 0)
    qa.data_template.resource_count_is("AWS::CertificateManager::Certificate", 0)


def test_a_domain_in_our_zone_gets_a_certificate_and_an_address_that_outlive_the_service(tmp_path: Path) -> None:
    stacks = synthesised(Stage("production", domain_name="ocpi.example.com", hosted_zone_id="Z1"), tmp_path)

    stacks.data_template.has_resource_properties("AWS::CertificateManager::Certificate", {"ValidationMethod": "DNS"})
    stacks.data_template.has_resource_properties(
        "AWS::Route53::RecordSet", {"Name": "ocpi.example.com.", "HostedZoneId": "Z1", "Type": "A"}
    )
    stacks.data_template.has_resource_properties("AWS::ApiGateway::DomainName", {"SecurityPolicy": "TLS_1_2"})
    Template.from_json(stacks.service).resource_count_is("AWS::ApiGateway::BasePathMapping", 1)
    assert addresses(stacks) == {"https://ocpi.example.com"}


def test_a_domain_with_a_certificate_of_its_own_needs_no_zone(tmp_path: Path) -> None:
    certificate = "arn:aws:acm:eu-central-1:111122223333:certificate/1"
    stacks = synthesised(
        Stage("production", domain_name="ocpi.example.com", certificate_arn=certificate, path_prefix="/api"), tmp_path
    )

    stacks.data_template.has_resource_properties(
        "AWS::ApiGateway::DomainName", {"RegionalCertificateArn": certificate, "DomainName": "ocpi.example.com"}
    )
    stacks.data_template.resource_count_is("AWS::Route53::RecordSet", 0)
    assert addresses(stacks) == {"https://ocpi.example.com/api"}


def addresses(stacks: Stacks) -> set[str]:
    return {
        function["Environment"]["Variables"]["BASE_URL"]
        for function in stacks.functions.values()
        if "BASE_URL" in function["Environment"]["Variables"]
    }

"""Keys by which API Gateway throttles partners."""

from __future__ import annotations

from typing import Any

from local.cloud_server import root_client
from offpeak.aws.usage_plans import UsagePlan


def test_each_partner_gets_a_key_of_its_own_in_the_plan(dynamodb: Any) -> None:
    gateway = root_client("apigateway", dynamodb.meta.endpoint_url)
    gateway.create_usage_plan(name="another tier", apiStages=[{"apiId": "another", "stage": "qa"}])
    plan_id = gateway.create_usage_plan(name="tier", apiStages=[{"apiId": "ours", "stage": "qa"}])["id"]
    plan = UsagePlan(gateway, "ours")
    values = {plan.add_key(partner_id).value for partner_id in ("acme", "other")}
    assert len(values) == 2
    assert all(len(value) >= 20 for value in values)
    keys = gateway.get_usage_plan_keys(usagePlanId=plan_id)["items"]
    assert sorted(key["name"] for key in keys) == ["acme", "other"]

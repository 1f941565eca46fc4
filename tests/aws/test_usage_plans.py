"""Keys by which API Gateway throttles partners."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from local.cloud_server import REGION, root_client
from offpeak.aws.usage_plans import UsageKey, UsagePlan

KEY = UsageKey("id-1", "value-of-the-key-of-acme")


def gateway_of(dynamodb: Any) -> Any:
    return root_client("apigateway", dynamodb.meta.endpoint_url)


def names_in(gateway: Any, plan_id: str) -> list[str]:
    return sorted(key["name"] for key in gateway.get_usage_plan_keys(usagePlanId=plan_id)["items"])


def test_each_partner_gets_a_key_of_its_own_in_the_plan(dynamodb: Any) -> None:
    gateway = gateway_of(dynamodb)
    plan_id = gateway.create_usage_plan(name="tier")["id"]
    plan = UsagePlan(gateway, plan_id)
    values = {plan.add_key(partner_id).value for partner_id in ("acme", "other")}
    assert len(values) == 2
    assert all(len(value) >= 20 for value in values)
    assert names_in(gateway, plan_id) == ["acme", "other"]


def test_a_key_is_put_into_another_plan_as_it_is(dynamodb: Any) -> None:
    gateway = gateway_of(dynamodb)
    key = UsagePlan(gateway, gateway.create_usage_plan(name="old")["id"]).add_key("acme")
    new_plan = gateway.create_usage_plan(name="new")["id"]
    assert UsagePlan(gateway, new_plan).restore_key("acme", key) == key
    assert names_in(gateway, new_plan) == ["acme"]


def stubbed(*answers: tuple[str, str | dict[str, Any]]) -> Any:
    """A client of API Gateway that answers calls in this order, with an error's code or a response.

    The embedded cloud knows neither of these errors.
    """
    client = boto3.client("apigateway", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
    stubber = Stubber(client)
    for operation, answer in answers:
        if isinstance(answer, str):
            stubber.add_client_error(operation, answer)
        else:
            stubber.add_response(operation, answer)
    stubber.activate()
    return client


def test_a_key_that_is_in_the_plan_stays_there() -> None:
    plan = UsagePlan(stubbed(("create_usage_plan_key", "ConflictException")), "plan")
    assert plan.restore_key("acme", KEY) == KEY


def test_a_key_that_is_gone_is_made_again_with_its_value() -> None:
    client = stubbed(
        ("create_usage_plan_key", "NotFoundException"),
        ("create_api_key", {"id": "id-2", "value": KEY.value}),
        ("create_usage_plan_key", {}),
    )
    assert UsagePlan(client, "plan").restore_key("acme", KEY) == UsageKey("id-2", KEY.value)


def test_any_other_failure_is_one() -> None:
    plan = UsagePlan(stubbed(("create_usage_plan_key", "TooManyRequestsException")), "plan")
    with pytest.raises(ClientError):
        plan.restore_key("acme", KEY)

"""What AWS or the house refuses is refused at synthesis, with a sentence that says what."""

from __future__ import annotations

from typing import Any

import pytest

from infra.limits import LimitBroken, hold_limits, problems


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": resources}


def permission(function: str, principal: str = "apigateway.amazonaws.com", source: str = "arn") -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {"FunctionName": {"Ref": function}, "Principal": principal, "SourceArn": source},
    }


def policy(*statements: dict[str, Any], role: str = "Role") -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Policy",
        "Properties": {"PolicyDocument": {"Statement": list(statements)}, "Roles": [{"Ref": role}]},
    }


def allow(action: str | list[str], resource: Any = "arn:table") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def test_what_keeps_the_limits_passes() -> None:
    kept = template(
        One=permission("F"),
        Two=permission("F", principal="scheduler.amazonaws.com"),
        Policy=policy(allow("sqs:SendMessage"), allow(["xray:PutTraceSegments"], "*")),
        Queue={"Type": "AWS::SQS::Queue"},
    )
    hold_limits({"Stack": kept})


def test_more_resources_than_a_stack_holds_are_refused() -> None:
    full = {f"Queue{number}": {"Type": "AWS::SQS::Queue"} for number in range(501)}
    assert list(problems(template(**full))) == ["501 resources, 500 fit into a stack"]


def test_a_second_permission_of_the_same_service_is_refused() -> None:
    (problem,) = problems(template(One=permission("F"), Two=permission("F", source="other")))
    assert problem.startswith("2 permissions let apigateway.amazonaws.com invoke")


def test_a_function_policy_larger_than_20_kilobytes_is_refused() -> None:
    (problem,) = problems(template(One=permission("F", source="x" * 21_000)))
    assert "20480 fit" in problem


@pytest.mark.parametrize("action", ["*", "dynamodb:*", "dynamodb:Get*", ["sqs:SendMessage", "s3:*"]])
def test_a_wildcard_in_an_action_is_refused(action: str | list[str]) -> None:
    (problem,) = problems(template(Policy=policy(allow(action))))
    assert problem.startswith("Policy allows")


def test_an_action_on_every_resource_is_refused() -> None:
    (problem,) = problems(template(Policy=policy(allow("kms:Decrypt", "*"))))
    assert "on every resource" in problem


def test_an_inline_policy_of_a_role_is_looked_at_too() -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"Policies": [{"PolicyDocument": {"Statement": [allow("s3:*")]}}]},
    }
    assert len(list(problems(template(Role=role)))) == 1


def test_a_denial_may_be_wide() -> None:
    deny = {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}
    assert list(problems(template(Policy=policy(deny)))) == []


def test_policies_of_one_role_are_added_up() -> None:
    half = allow("sqs:SendMessage", ["x" * 6_000])
    problem = list(problems(template(One=policy(half), Two=policy(half))))
    assert len(problem) == 1
    assert "10240 fit" in problem[0]
    assert list(problems(template(One=policy(half), Two=policy(half, role="Other")))) == []


def test_a_physical_name_is_refused() -> None:
    named = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "plan"}}
    assert list(problems(template(Plan=named))) == ["Plan sets QueueName: let CloudFormation name it"]


def test_every_problem_of_every_stack_is_told_at_once() -> None:
    named = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "plan"}}
    with pytest.raises(LimitBroken) as raised:
        hold_limits({"One": template(Plan=named), "Two": template(Plan=named, Policy=policy(allow("s3:*")))})
    assert [line.split(":")[0] for line in str(raised.value).splitlines()] == ["One", "Two", "Two"]

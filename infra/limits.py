"""What AWS or the house refuses, found in the templates at synthesis and not by a deployment that fails half-way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

MOST_RESOURCES = 500
"""Of a CloudFormation stack."""
MOST_FUNCTION_POLICY_BYTES = 20 * 1024
"""Of a Lambda's resource-based policy: one statement per permission."""
MOST_ROLE_POLICY_CHARACTERS = 10_240
"""Of all inline policies of a role together, white space not counted."""

PHYSICAL_NAMES = {
    "AWS::ApiGateway::UsagePlan": "UsagePlanName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SecretsManager::Secret": "Name",
}
"""Where a name given by us would stop a second stack, or a replacement, from being made."""


class LimitBroken(Exception):
    """The templates cannot or must not be deployed; the text lists every reason."""


def hold_limits(templates: Mapping[str, Any]) -> None:
    """Raise LimitBroken unless every template, by its stack's name, keeps every limit."""
    broken = [f"{stack}: {problem}" for stack, template in templates.items() for problem in problems(template)]
    if broken:
        raise LimitBroken("\n".join(broken))


def problems(template: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each limit that the template breaks."""
    resources: Mapping[str, Any] = template.get("Resources", {})
    if len(resources) > MOST_RESOURCES:
        yield f"{len(resources)} resources, {MOST_RESOURCES} fit into a stack"
    yield from _physical_names(resources)
    yield from _permissions(resources)
    yield from _role_policies(resources)


def _physical_names(resources: Mapping[str, Any]) -> Iterator[str]:
    for name, resource in resources.items():
        given = PHYSICAL_NAMES.get(resource["Type"])
        if given and given in resource.get("Properties", {}):
            yield f"{name} sets {given}: let CloudFormation name it"


def _permissions(resources: Mapping[str, Any]) -> Iterator[str]:
    permissions = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::Lambda::Permission"]
    sizes: Counter[str] = Counter()
    invokers: Counter[tuple[str, str]] = Counter()
    for permission in permissions:
        function = json.dumps(permission["FunctionName"])
        sizes[function] += len(json.dumps(permission))
        invokers[function, permission["Principal"]] += 1
    for function, size in sizes.items():
        if size > MOST_FUNCTION_POLICY_BYTES:
            yield f"the policy of {function} has about {size} bytes, {MOST_FUNCTION_POLICY_BYTES} fit"
    for (function, principal), count in invokers.items():
        if count > 1:
            yield f"{count} permissions let {principal} invoke {function}: one is enough"


def _role_policies(resources: Mapping[str, Any]) -> Iterator[str]:
    sizes: Counter[str] = Counter()
    for name, resource in resources.items():
        for document in _policy_documents(resource):
            for statement in document["Statement"]:
                yield from (f"{name} {problem}" for problem in _too_wide(statement))
        if resource["Type"] == "AWS::IAM::Role":
            inline = [each["PolicyDocument"] for each in resource["Properties"].get("Policies", [])]
            sizes[json.dumps({"Ref": name})] += sum(len(json.dumps(each, separators=(",", ":"))) for each in inline)
        if resource["Type"] == "AWS::IAM::Policy":
            for role in resource["Properties"]["Roles"]:
                sizes[json.dumps(role)] += len(
                    json.dumps(resource["Properties"]["PolicyDocument"], separators=(",", ":"))
                )
    for role, size in sizes.items():
        if size > MOST_ROLE_POLICY_CHARACTERS:
            yield f"the policies of role {role} have {size} characters, {MOST_ROLE_POLICY_CHARACTERS} fit"


def _too_wide(statement: Mapping[str, Any]) -> Iterator[str]:
    if statement["Effect"] != "Allow":
        return
    actions, resources = _listed(statement, "Action"), _listed(statement, "Resource")
    if any("*" in action for action in actions):
        yield f"allows {actions}: name each action"
    if "*" in resources and not all(action.startswith("xray:") for action in actions):
        yield f"allows {actions} on every resource: name the resources"


def _listed(statement: Mapping[str, Any], part: str) -> list[Any]:
    value = statement.get(part, [])
    return value if isinstance(value, list) else [value]


def _policy_documents(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a role's or resource's policies; a key's own policy hands all to IAM, as AWS advises."""
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::KMS::Key":
        return
    if "PolicyDocument" in properties:
        yield properties["PolicyDocument"]
    for inline in properties.get("Policies", []):
        yield inline["PolicyDocument"]

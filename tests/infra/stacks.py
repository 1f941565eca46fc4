"""Reads templates as the tests ask them: functions by their names, what a role allows, where a reference points."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk.assertions import Template

from infra.stage import Stage
from infra.synthesis import add_stage, new_app, synthesise

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stacks:
    """The two templates of a stage."""

    data: dict[str, Any]
    service: dict[str, Any]

    @property
    def data_template(self) -> Template:
        return Template.from_json(self.data)

    @property
    def service_template(self) -> Template:
        return Template.from_json(self.service)

    @property
    def functions(self) -> dict[str, Resource]:
        """The functions' properties by the name of the file that each is made of."""
        return {
            each["Properties"]["Handler"].removesuffix(".handler"): each["Properties"]
            for each in of_type(self.service, "AWS::Lambda::Function").values()
        }

    def function_at(self, reference: Any) -> str:
        """Return the name of the function that an intrinsic somewhere in `reference` points to."""
        text = json.dumps(reference)
        (name,) = (
            each["Properties"]["Handler"].removesuffix(".handler")
            for logical_id, each in of_type(self.service, "AWS::Lambda::Function").items()
            if f'"{logical_id}"' in text
        )
        return str(name)

    def statements_of(self, function: str) -> list[Resource]:
        """Return what the function's role allows by its own policies."""
        (role,) = self.functions[function]["Role"]["Fn::GetAtt"][:1]
        beside = [
            policy["Properties"]
            for policy in of_type(self.service, "AWS::IAM::Policy").values()
            if {"Ref": role} in policy["Properties"]["Roles"]
        ]
        inline = of_type(self.service, "AWS::IAM::Role")[role]["Properties"]["Policies"]
        return [statement for each in (*inline, *beside) for statement in each["PolicyDocument"]["Statement"]]

    def may(self, function: str, action: str) -> set[str]:
        """Return the resources, cut to the names of the house, on which a function may do something."""
        return {
            _house_name(resource)
            for statement in self.statements_of(function)
            if action in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        }


def stacks_of(assembly: Path, stage: str) -> Stacks:
    """Read the templates of a stage from a cloud assembly."""
    data, service = (
        json.loads((assembly / f"Offpeak-{stage}-{stack}.template.json").read_text()) for stack in ("Data", "Service")
    )
    return Stacks(data, service)


def synthesised(stage: Stage, folder: Path) -> Stacks:
    """Synthesise one stage without copying its assets."""
    app = new_app(folder, {"aws:cdk:disable-asset-staging": True})
    add_stage(app, stage)
    synthesise(app)
    return stacks_of(folder, stage.name)


def of_type(template: dict[str, Any], kind: str) -> dict[str, Resource]:
    """Return a template's resources of one type by their logical ids."""
    return {name: each for name, each in template["Resources"].items() if each["Type"] == kind}


def of_api(template: dict[str, Any], kind: str, api: str = "RestApi") -> dict[str, Resource]:
    """Return the resources of one type that belong to the partners' API, or to the OperatorApi."""
    return {name: each for name, each in of_type(template, kind).items() if name.startswith(api)}


def only(resources: dict[str, Resource]) -> Resource:
    """Return the properties of the one resource."""
    (resource,) = resources.values()
    properties: Resource = resource["Properties"]
    return properties


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


HOUSE_NAMES = {
    "PartnersTable": "partners",
    "AppRequestsTable": "app_requests",
    "ConnectSessionsTable": "connect_sessions",
    "SessionsTable": "sessions",
    "ProfileRequestsTable": "profile_requests",
    "PricesTable": "prices",
    "AuditTable": "audit",
    "QualityTable": "quality",
    "HistoryTable": "history",
    "LocationsTable": "locations",
    "LimitGroupsTable": "limit_groups",
    "TariffsTable": "tariffs",
    "HubClientsTable": "hub_clients",
    "GridSignalsTable": "grid_signals",
    "HabitsTable": "habits",
    "TenantsTable": "tenants",
    "UsersTable": "users",
    "OwnMarketsTable": "own_markets",
    "EvseOwnershipTable": "evse_ownership",
    "EventsTable": "events",
    "WebhooksTable": "webhooks",
    "ReplanQueue": "replan",
    "PlanQueue": "plan",
    "SendQueue": "send",
    "HistoryQueue": "history",
    "PairingQueue": "pairing",
    "EventsQueue": "events",
    "WebhooksQueue": "webhooks",
    "TableKey": "table key",
    "TokenKey": "token key",
    "/apikeys": "API keys",
    "RestApiUsagePlan": "usage plan",
}


def _house_name(resource: Any) -> str:
    text = json.dumps(resource)
    if "/index/" in text:
        return text.rsplit("/index/", 1)[1].split('"')[0]
    return next((name for part, name in HOUSE_NAMES.items() if part in text), text)

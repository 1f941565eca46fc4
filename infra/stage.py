"""One deployment of the house: which stage, for which target, at which address. Read from the CDK context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, Self

from constructs import Construct

FLAGS: Mapping[str, bool | str] = {
    # One role policy of merged statements per function, in place of one statement per grant.
    "@aws-cdk/aws-iam:minimizePolicies": True,
    # Data cannot take away what Service still uses.
    "@aws-cdk/core:defaultCrossStackReferences": "strong",
    # What the CLI would switch on by itself.
    "aws:cdk:enable-path-metadata": True,
    "aws:cdk:enable-asset-metadata": True,
}
"""The CDK switches that change our templates. They stand here and not in cdk.json, so that `python app.py` without
the CLI makes exactly what the CLI deploys."""


class UnusableContext(Exception):
    """The context asks for something that does not exist; the text says what does."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What `-c name=value` (or CDK_CONTEXT_JSON) says. Addresses have no slash at their end."""

    name: str
    """qa, production or local: also the stage of the REST API."""
    target: Literal["aws", "local"] = "aws"
    domain_name: str | None = None
    """The stage's own domain; needs certificate_arn, or hosted_zone_id for a certificate and record made by us."""
    hosted_zone_id: str | None = None
    hosted_zone_name: str | None = None
    """The zone's name where it is not domain_name itself."""
    certificate_arn: str | None = None
    path_prefix: str = ""
    """What stands before /ocpi in every path, as "/api"; some CPOs' guides write it so."""
    base_url: str | None = None
    """Overrides the address that all others are made from."""
    price_feed_url: str = "https://api.energy-charts.info"
    """The Energy-Charts API: prices, and carbon intensity where it has a weight."""
    simulated_clock_file: str | None = None
    """Local target only: the file that drives the clock."""
    rest_api_id: str | None = None
    """Local target only: the id that the embedded cloud gives the REST API, so that base_url is known beforehand."""
    operator_url: str | None = None
    """Local target only: overrides the address of the operators' API."""
    operator_api_id: str | None = None
    """Local target only: the id that the embedded cloud gives the operators' API."""

    @classmethod
    def from_context(cls, scope: Construct) -> Self:
        """Read the stage from the context. Raises UnusableContext."""
        given = {field.name: scope.node.try_get_context(field.name) for field in fields(cls) if field.name != "name"}
        name = scope.node.try_get_context("stage")
        if name is None:
            raise UnusableContext("say which stage: -c stage=qa, production or local")
        return cls(name=name, **{key: value for key, value in given.items() if value is not None})

    def __post_init__(self) -> None:
        if self.name not in ("qa", "production", "local"):
            raise UnusableContext(f"stage {self.name!r}: there are qa, production and local")
        if self.target not in ("aws", "local"):
            raise UnusableContext(f"target {self.target!r}: there are aws and local")
        if self.target == "aws" and (self.simulated_clock_file or self.rest_api_id or self.operator_api_id):
            raise UnusableContext("simulated_clock_file and the ids of APIs exist in the local target only")
        if self.domain_name and not (self.certificate_arn or self.hosted_zone_id):
            raise UnusableContext("domain_name needs certificate_arn or hosted_zone_id")
        if self.path_prefix and (not self.path_prefix.startswith("/") or self.path_prefix.endswith("/")):
            raise UnusableContext("path_prefix starts with a slash and does not end with one")

    @property
    def is_local(self) -> bool:
        return self.target == "local"

    @property
    def service_name(self) -> str:
        """The name on logs and metrics; stages share an account's metrics, so it carries the stage."""
        return f"offpeak-{self.name}"

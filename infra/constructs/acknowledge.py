"""Findings of cdk-nag that we accept, each where it arises and with its reason."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[tuple[str, ...], str]) -> None:
    """Accept rules for a construct and what is inside it; `reasons` maps the rules' ids to the reason."""
    for rules, reason in reasons.items():
        for rule in rules:
            Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))

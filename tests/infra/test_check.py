"""cdk-nag finds nothing, and would find something."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk import aws_sqs as sqs

from infra.check import STAGES, findings
from infra.stage import Stage
from infra.synthesis import add_stage, new_app

STAGES_WITH_A_DOMAIN = (Stage("production", domain_name="ocpi.example.com", hosted_zone_id="Z1"),)


@pytest.mark.parametrize("stages", [STAGES, STAGES_WITH_A_DOMAIN], ids=["as checked", "with a domain"])
def test_the_packs_find_nothing(tmp_path: Path, stages: tuple[Stage, ...]) -> None:
    app = new_app(tmp_path)
    for stage in stages:
        add_stage(app, stage)
    assert list(findings(app)) == []


def test_what_nobody_acknowledged_is_found(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    sqs.Queue(Stack(app, "Stack"), "Careless")
    assert any("AwsSolutions-SQS4" in finding for finding in findings(app))
    assert any("Serverless-SQSRedrivePolicy" in finding for finding in findings(app))

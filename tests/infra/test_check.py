"""cdk-nag finds nothing, and would find something."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_sqs as sqs

from infra.check import findings
from infra.stage import Stage
from infra.synthesis import add_stage, new_app


def test_the_packs_find_nothing_where_a_stage_has_a_domain(tmp_path: Path) -> None:
    """Those without one are held by the check itself."""
    app = new_app(tmp_path)
    add_stage(app, Stage("production", domain_name="ocpi.example.com", hosted_zone_id="Z1"))
    assert list(findings(app)) == []


def test_what_nobody_acknowledged_is_found(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    sqs.Queue(Stack(app, "Stack"), "Careless")
    assert any("AwsSolutions-SQS4" in finding for finding in findings(app))
    assert any("Serverless-SQSRedrivePolicy" in finding for finding in findings(app))

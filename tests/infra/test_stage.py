"""What the context may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.stage import Stage, UnusableContext
from infra.synthesis import new_app


def test_the_context_becomes_a_stage(tmp_path: Path) -> None:
    app = new_app(tmp_path, {"stage": "production", "domain_name": "ocpi.example.com", "certificate_arn": "arn:c"})
    assert Stage.from_context(app) == Stage("production", domain_name="ocpi.example.com", certificate_arn="arn:c")


@pytest.mark.parametrize(
    ("context", "problem"),
    [
        ({}, "say which stage"),
        ({"stage": "prod"}, "there are qa, production and local"),
        ({"stage": "qa", "target": "azure"}, "there are aws and local"),
        ({"stage": "qa", "simulated_clock_file": "/clock"}, "local target only"),
        ({"stage": "qa", "rest_api_id": "offpeak"}, "local target only"),
        ({"stage": "qa", "domain_name": "ocpi.example.com"}, "needs certificate_arn or hosted_zone_id"),
        ({"stage": "qa", "path_prefix": "api"}, "starts with a slash"),
        ({"stage": "qa", "path_prefix": "/api/"}, "does not end with one"),
    ],
)
def test_a_context_that_makes_no_sense_is_refused(tmp_path: Path, context: dict[str, Any], problem: str) -> None:
    with pytest.raises(UnusableContext, match=problem):
        Stage.from_context(new_app(tmp_path, context))

"""Logs and metrics: one structured event per decision, one metric per thing an operator would act on.

Events are snake_case and past tense with fields; neither carries secrets or personal data, only opaque ids.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# Both are named by POWERTOOLS_SERVICE_NAME, which carries the stage: stages of one account keep their metrics apart.
logger = Logger()
metrics = Metrics(namespace="Offpeak")


def count(name: str, value: int = 1) -> None:
    """Add `value` to a metric that counts."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure_ms(name: str, value_ms: float) -> None:
    """Add one measured duration in milliseconds."""
    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=value_ms)


def measure_hours(name: str, value_h: float) -> None:
    """Add one measured length of time in hours (CloudWatch has no unit for it)."""
    metrics.add_metric(name=name, unit=MetricUnit.NoUnit, value=value_h)

"""From stages to templates, in one way for the CLI, the checks and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App

from infra.data_stack import DataStack
from infra.limits import hold_limits
from infra.service_stack import ServiceStack
from infra.stage import FLAGS, Stage


def new_app(outdir: Path | None = None, context: Mapping[str, Any] | None = None) -> App:
    """An app with our CDK switches; `outdir` None leaves the place to CDK_OUTDIR (the CLI sets it)."""
    return App(outdir=str(outdir) if outdir else None, analytics_reporting=False, context={**FLAGS, **(context or {})})


def add_stage(app: App, stage: Stage) -> None:
    """Build the stage's two stacks."""
    ServiceStack(app, stage, DataStack(app, stage))


def synthesise(app: App) -> dict[str, Any]:
    """Write the cloud assembly and return each stack's template by its name. Raises LimitBroken."""
    templates = {stack.stack_name: stack.template for stack in app.synth().stacks}
    hold_limits(templates)
    return templates

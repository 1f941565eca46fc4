"""`python -m infra.check`: synthesise qa and production for AWS and hold them against cdk-nag's packs.

A finding is either mended or acknowledged where it arises, with its reason; the rest fails the check.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from aws_cdk import App
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra.constructs.function import FunctionFileMissing
from infra.limits import LimitBroken
from infra.stage import Stage
from infra.synthesis import add_stage, new_app, synthesise

STAGES = (Stage("qa"), Stage("production"))


def findings(app: App) -> Iterator[str]:
    """Yield a line for each finding in the app's constructs, warnings included, that is not acknowledged."""
    for pack in (AwsSolutionsChecks(app), ServerlessChecks(app)):
        for violation in pack.validate_scope(app).violations:
            for resource in violation.violating_resources:
                yield f"{resource.construct_path}: {violation.rule_name}: {violation.description}"


def main() -> None:
    with tempfile.TemporaryDirectory() as outdir:
        app = new_app(Path(outdir), {"aws:cdk:disable-asset-staging": True})  # nothing is deployed from here
        try:
            for stage in STAGES:
                add_stage(app, stage)
            synthesise(app)
        except (FunctionFileMissing, LimitBroken) as error:
            sys.exit(str(error))
        found = list(findings(app))
    if found:
        sys.exit("\n".join([*found, f"{len(found)} findings of cdk-nag"]))
    print(f"{', '.join(stage.name for stage in STAGES)}: synthesised, within the limits, cdk-nag finds nothing")  # noqa: T201


if __name__ == "__main__":
    main()

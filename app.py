"""The CDK app: `cdk synth -c stage=qa`, or without the CLI
`CDK_OUTDIR=cdk.out CDK_CONTEXT_JSON='{"stage": "local", "target": "local"}' python app.py`."""

from __future__ import annotations

import sys

from infra.constructs.function import FunctionFileMissing
from infra.limits import LimitBroken
from infra.stage import Stage, UnusableContext
from infra.synthesis import add_stage, new_app, synthesise


def main() -> None:
    app = new_app()
    add_stage(app, Stage.from_context(app))
    synthesise(app)


if __name__ == "__main__":
    try:
        main()
    except (FunctionFileMissing, LimitBroken, UnusableContext) as error:
        sys.exit(str(error))

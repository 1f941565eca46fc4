"""The stacks of a stage for AWS and of the same stage for the local cloud, synthesised once."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.stage import Stage
from infra.synthesis import add_stage, new_app, synthesise
from tests.infra.stacks import Stacks, stacks_of


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud assembly of stage qa, with its assets."""
    folder = tmp_path_factory.mktemp("cdk.out")
    app = new_app(folder)
    add_stage(app, Stage("qa"))
    synthesise(app)
    return folder


@pytest.fixture(scope="session")
def qa(assembly: Path) -> Stacks:
    return stacks_of(assembly, "qa")


@pytest.fixture(scope="session")
def qa_on_a_laptop(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    folder = tmp_path_factory.mktemp("cdk.out")
    app = new_app(folder)
    add_stage(
        app,
        Stage(
            "qa",
            target="local",
            base_url="http://127.0.0.1:4000/restapis/offpeak/qa/_user_request_",
            price_feed_url="http://127.0.0.1:4001",
            simulated_clock_file="/clock.json",
            rest_api_id="offpeak",
        ),
    )
    synthesise(app)
    return stacks_of(folder, "qa")

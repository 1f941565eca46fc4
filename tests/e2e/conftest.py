"""One deployed stack for all end-to-end tests; to each test an evening and partners of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from local.cloud import Cloud
from tests.browser.fixtures import browser, phone
from tests.e2e.market import Market
from tests.e2e.pairing_driver import Driver
from tests.e2e.scene import Scene, scene_on
from tests.e2e.stage import Stage

__all__ = ["browser", "phone"]

WORKERS = 6
"""Copies of each queue's function: more than the calls that one partner may have in flight."""


settings.register_profile("fuzz", max_examples=120)
"""`make fuzz`: this many made-up requests to each endpoint."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.local_stack)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what the stack's functions complained of."""
    report = yield
    stage = getattr(item, "funcargs", {}).get("stage")
    if report.failed and isinstance(stage, Stage) and report.when != "teardown":  # by then it may have ended
        lines = [line for log in stage.logs().values() for line in log]
        complaints = [line for line in lines if any(f'"level":"{level}"' in line for level in ("WARNING", "ERROR"))]
        report.sections.append(
            ("what functions complained of lately", "\n".join(line[:600] for line in complaints[-8:]))
        )
    return report


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    market = Market(now=lambda: cloud.clock.now())
    with market.feed, Cloud.start(tmp_path_factory.mktemp("cloud"), price_feed_url=market.feed.url) as cloud:
        cloud.stop_schedules()
        cloud.limit_workers(WORKERS)
        stage = Stage(cloud, market)
        yield stage
        stage.http.close()


@pytest.fixture
def scene(stage: Stage) -> Iterator[Scene]:
    with scene_on(stage) as scene:
        yield scene


@pytest.fixture
def driver(scene: Scene) -> Driver:
    """A driver of a tenant that works with one CPO, which gives out codes such as ABC-1234."""
    return Driver.moves_in(scene)


@pytest.fixture
def market(stage: Stage) -> Iterator[Market]:
    """The prices that are published; a test may change them."""
    yield stage.market
    stage.market.restore()

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.fixtures import browser

__all__ = ["browser"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))  # one process, so that there is one Chromium

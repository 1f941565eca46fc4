from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.functions.logs import Log, captured_log


@pytest.fixture
def log() -> Iterator[Log]:
    """What has been logged so far in this test."""
    with captured_log() as captured:
        yield captured

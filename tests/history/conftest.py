from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import MakeTable
from tests.history.world import World
from tests.ocpi.peer import running_peer


@pytest.fixture
def world(make_table: MakeTable) -> Iterator[World]:
    with running_peer() as peer:
        yield World(make_table, peer)

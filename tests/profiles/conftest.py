from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import MakeTable
from tests.profiles.cpo import Cpo
from tests.profiles.world import World


@pytest.fixture
def cpo() -> Iterator[Cpo]:
    cpo = Cpo()
    yield cpo
    cpo.stop()


@pytest.fixture
def world(make_table: MakeTable, cpo: Cpo) -> World:
    return World(make_table, cpo)

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ocpi.peer import Peer, running_peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A partner's server on loopback."""
    with running_peer() as running:
        yield running

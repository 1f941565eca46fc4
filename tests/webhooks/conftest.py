"""A tenant with webhooks. Receivers and the database are real; queues and time are the test's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.loopback_server import LoopbackServer
from local.webhook_receiver import WebhookReceiver
from tests.conftest import MakeTable
from tests.webhooks.world import World


@pytest.fixture
def world(make_table: MakeTable) -> World:
    return World(make_table("events"), make_table("webhooks"))


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    yield from serving()


@pytest.fixture
def other() -> Iterator[WebhookReceiver]:
    yield from serving()


def serving() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    with LoopbackServer(receiver.app):
        yield receiver

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from functions import send_profiles
from local.cloud_server import REGION, root_client
from offpeak import wiring
from offpeak.aws.tables import Table
from tests.conftest import MakeTable
from tests.functions.journey import Journey
from tests.ocpi.peer import Peer, running_peer
from tests.profiles.cpo import Cpo

BASE_URL = "https://offpeak.example/api"


@dataclass(frozen=True, slots=True)
class Cloud:
    """The embedded cloud as the functions find it through their environment."""

    url: str
    partners: Table
    replan_queue_url: str

    def client(self, service: str) -> Any:
        return root_client(service, self.url)


@pytest.fixture
def cloud(dynamodb: Any, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An empty partners table, a key, a usage plan and a queue, named in the environment as infra does it."""
    url = dynamodb.meta.endpoint_url
    partners = make_table("partners")
    queue_url = root_client("sqs", url).create_queue(QueueName=partners.name)["QueueUrl"]
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "BASE_URL": f"{BASE_URL}/",
        "PARTNERS_TABLE": partners.name,
        "TENANTS_TABLE": make_table("tenants").name,
        "AUDIT_TABLE": make_table("audit").name,
        "QUALITY_TABLE": make_table("quality").name,
        "REPLAN_QUEUE_URL": queue_url,
        "TOKEN_KEY_ID": root_client("kms", url).create_key()["KeyMetadata"]["KeyId"],
        "USAGE_PLAN_ID": root_client("apigateway", url).create_usage_plan(name=partners.name)["id"],
        "LOOPBACK_PEERS": "allowed",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    _forget()
    yield Cloud(url, partners, queue_url)
    _forget()


def _forget() -> None:
    """Let every adapter be built anew, as in a fresh Lambda."""
    for adapter in (*vars(wiring).values(), send_profiles.sender):
        if hasattr(adapter, "cache_clear"):
            adapter.cache_clear()


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A partner's server on loopback."""
    with running_peer() as running:
        yield running


@pytest.fixture
def journey(cloud: Cloud, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journey]:
    """All tables and queues, and a registered partner whose charging profiles receiver answers."""
    for name in (
        "sessions",
        "profile_requests",
        "locations",
        "tariffs",
        "prices",
        "grid_signals",
        "limit_groups",
        "habits",
        "users",
        "own_markets",
        "evse_ownership",
        "app_requests",
        "events",
    ):
        monkeypatch.setenv(f"{name.upper()}_TABLE", make_table(name).name)
    sqs = cloud.client("sqs")
    queues = {"replan": cloud.replan_queue_url}
    for name, attributes in (
        ("plan.fifo", {"FifoQueue": "true"}),
        ("events.fifo", {"FifoQueue": "true"}),
        ("send", {}),
    ):
        url = sqs.create_queue(QueueName=f"{cloud.partners.name}-{name}", Attributes=attributes)["QueueUrl"]
        queues[name.removesuffix(".fifo")] = url
    monkeypatch.setenv("PLAN_QUEUE_URL", queues["plan"])
    monkeypatch.setenv("SEND_QUEUE_URL", queues["send"])
    monkeypatch.setenv("EVENTS_QUEUE_URL", queues["events"])
    cpo = Cpo()
    yield Journey(sqs, cpo, queues)
    cpo.stop()

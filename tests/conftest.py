"""What tests of every folder share: an embedded DynamoDB with the deployed tables, and the deployed local stack."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.cloud import KEPT, Cloud
from local.cloud_assembly import table_shapes
from local.cloud_server import CloudServer
from offpeak.aws.tables import Table

MakeTable = Callable[[str], Table]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "running_cloud" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.local_stack)


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudServer]:
    """An embedded AWS without stacks and without IAM, for the tests of what lies right above one service."""
    server = CloudServer.start(tmp_path_factory.mktemp("embedded-aws"), iam=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def dynamodb(embedded_aws: CloudServer) -> Any:
    """A boto3 DynamoDB client of an embedded server without IAM, for the tests of stores."""
    return embedded_aws.client("dynamodb")


@pytest.fixture
def make_table(dynamodb: Any) -> Iterator[MakeTable]:
    """A factory of empty tables: make_table("sessions") has the keys and indexes of the deployed sessions table.

    Names: partners, sessions, profile_requests, prices.
    """
    made: list[str] = []

    def make(name: str) -> Table:
        table_name = f"{name}-{secrets.token_hex(4)}"
        dynamodb.create_table(TableName=table_name, **table_shapes(KEPT / "assemblies")[name])
        made.append(table_name)
        return Table(dynamodb, table_name)

    yield make
    for table_name in made:
        dynamodb.delete_table(TableName=table_name)


@pytest.fixture(scope="session")
def running_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The deployed local stack, with IAM enforced and its schedules stopped; see `cloud`."""
    with Cloud.start(tmp_path_factory.mktemp("cloud")) as cloud:
        cloud.stop_schedules()
        yield cloud


@pytest.fixture
def cloud(running_cloud: Cloud) -> Cloud:
    """The deployed local stack without a row or a message in it, showing real time.

    Warm functions keep their caches from test to test: give partners and sessions ids of their own.
    """
    running_cloud.clear()
    return running_cloud

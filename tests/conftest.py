"""What tests of every folder share: an embedded DynamoDB with the deployed tables, and the deployed local stack."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.cloud_server import CloudServer
from offpeak.aws.tables import Table

MakeTable = Callable[[str], Table]


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A boto3 DynamoDB client of an embedded server without IAM, for the tests of stores."""
    server = CloudServer.start(tmp_path_factory.mktemp("dynamodb"), iam=False)
    yield server.client("dynamodb")
    server.stop()


@pytest.fixture
def make_table(dynamodb: Any) -> Iterator[MakeTable]:
    """A factory of empty tables: make_table("sessions") has the keys and indexes of the deployed sessions table.

    Names: partners, sessions, profile_requests, prices.
    """
    made: list[str] = []

    def make(name: str) -> Table:
        table_name = f"{name}-{secrets.token_hex(4)}"
        dynamodb.create_table(TableName=table_name, BillingMode="PAY_PER_REQUEST", **_table_shape(name))
        made.append(table_name)
        return Table(dynamodb, table_name)

    yield make
    for table_name in made:
        dynamodb.delete_table(TableName=table_name)


def _table_shape(name: str) -> dict[str, Any]:
    keys, indexes = _SHAPES[name]
    attributes = sorted({*keys, *(key for index in indexes.values() for key in index)})
    shape: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in attributes],
        "KeySchema": _key_schema(keys),
    }
    if indexes:
        shape["GlobalSecondaryIndexes"] = [
            {"IndexName": index, "KeySchema": _key_schema(keys), "Projection": {"ProjectionType": "ALL"}}
            for index, keys in indexes.items()
        ]
    return shape


def _key_schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]


_SHAPES: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = {
    "partners": (("pk", "sk"), {"directory": ("directory", "zone_and_partner")}),
    "sessions": (
        ("pk", "sk"),
        {
            "by_plan_wanted": ("plan_shard", "plan_wanted_at"),
            "by_wake": ("wake_shard", "wake_at"),
            "by_active": ("active_shard", "pk"),
        },
    ),
    "profile_requests": (
        ("request_id",),
        {"by_session": ("session_key", "created_at"), "by_due": ("due_shard", "due_at")},
    ),
    "prices": (("pk", "sk"), {}),
}

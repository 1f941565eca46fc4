"""What tests of every folder share: an embedded AWS, and in its DynamoDB the tables that are deployed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from local.cloud import KEPT
from local.cloud_assembly import table_shapes
from local.cloud_server import CloudServer
from offpeak.aws.tables import Table

MakeTable = Callable[[str], Table]

settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
"""How long an example takes says more about what else the machine does: what has to be fast is measured by itself."""


class ByFolderOrFile(LoadScopeScheduling):
    """What costs much to set up is set up in one process: all tests of the deployed stack follow each other there, and
    so do all of pages. Others go file by file to whoever has time. (pytest-xdist 3.8 finds no groups in pytest 9.)"""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return next((folder for folder in ("tests/e2e/", "tests/browser/") if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolderOrFile:
    return ByFolderOrFile(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m alone`, open only what has such a test: to import all the others takes half a minute."""
    if config.getoption("markexpr") != "alone":
        return None
    files = collection_path.rglob("test_*.py") if collection_path.is_dir() else [collection_path]
    return not any("pytest.mark.alone" in each.read_text() for each in files) or None


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

    Names: those of infra/data_stack.py.
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

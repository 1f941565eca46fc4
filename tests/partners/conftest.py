from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.cloud_server import root_client
from offpeak.aws.secrets import TokenCipher
from offpeak.aws.tables import Table
from offpeak.partners.bearer import Bearers
from offpeak.partners.store import PartnerStore
from tests.conftest import MakeTable
from tests.ocpi.peer import Peer, running_peer
from tests.partners.issuing import Issuing


@pytest.fixture
def partners_table(make_table: MakeTable) -> Table:
    """An empty partners table."""
    return make_table("partners")


@pytest.fixture
def store(partners_table: Table) -> PartnerStore:
    """No partners yet."""
    return PartnerStore(partners_table)


@pytest.fixture
def issuing(partners_table: Table, store: PartnerStore, cipher: TokenCipher) -> Issuing:
    """Us as those who give out access tokens, and check them."""
    return Issuing(partners_table, store, cipher)


@pytest.fixture
def bearers(issuing: Issuing) -> Bearers:
    return issuing.bearers


@pytest.fixture(scope="session")
def kms(dynamodb: Any) -> Any:
    """A client of the embedded KMS, beside the embedded database."""
    return root_client("kms", dynamodb.meta.endpoint_url)


@pytest.fixture(scope="session")
def key_id(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["KeyId"])


@pytest.fixture
def cipher(kms: Any, key_id: str) -> TokenCipher:
    return TokenCipher(kms, key_id)


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A partner's server on loopback."""
    with running_peer() as running:
        yield running

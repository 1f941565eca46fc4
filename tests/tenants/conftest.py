from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from local.cloud_server import root_client
from offpeak.aws.secrets import TokenCipher
from offpeak.oauth.access_store import AccessStore
from offpeak.oauth.access_tokens import own_issuer_for_apps
from offpeak.oauth.clients import Client, credential
from offpeak.oauth.key_sets import own_keys
from offpeak.partners import authorise as of_partners
from offpeak.partners.store import PartnerStore
from offpeak.tenants.authorise import Authoriser, TenantBearers
from offpeak.tenants.model import owner_id
from offpeak.tenants.store import TenantStore, access_key_of
from tests.conftest import MakeTable
from tests.partners.builders import a_partner
from tests.partners.issuing import BASE_URL, SECRET, Issuing
from tests.tenants.builders import a_tenant

API_KEY = "key-of-hearth"
CLIENT = f"{owner_id('hearth')}.1"


@dataclass
class Doors:
    """A tenant hearth and a partner acme, each with a client and an ApiKey, and the authoriser of both."""

    issuing: Issuing
    tenants: TenantStore
    access: AccessStore
    time_s: list[float]

    @property
    def authoriser(self) -> Authoriser:
        bearers = TenantBearers(
            self.tenants,
            self.access,
            own_issuer_for_apps(BASE_URL),
            own_keys(self.issuing.keys),
            real_now=lambda: self.issuing.now,
        )
        partners = of_partners.Authoriser(self.issuing.partners, self.issuing.bearers, lambda: self.time_s[0])
        return Authoriser(partners, bearers, lambda: self.time_s[0])

    def admit(self, tenant_id: str, api_key: str) -> None:
        now, owner = self.issuing.now, owner_id(tenant_id)
        access = self.access.load(owner).with_client(Client(f"{owner}.1", now, secrets=(credential(SECRET, now),)))
        self.access.save(access.with_api_key(credential(api_key, now), old_ends_at=now + timedelta(days=7)))

    def token(self, client_id: str = CLIENT, **claims: Any) -> str:
        """A token as we sign them for apps, but for `claims`."""
        return self.issuing.token(client_id, **{"aud": f"{BASE_URL}/v1", **claims})


@pytest.fixture
def doors(make_table: MakeTable, dynamodb: Any) -> Doors:
    kms = root_client("kms", dynamodb.meta.endpoint_url)
    partners, tenants = make_table("partners"), make_table("tenants")
    issuing = Issuing(partners, PartnerStore(partners), TokenCipher(kms, kms.create_key()["KeyMetadata"]["KeyId"]))
    issuing.partners.save(a_partner())
    issuing.admit()
    made = Doors(issuing, TenantStore(tenants), AccessStore(tenants, access_key_of), [0.0])
    made.tenants.save(a_tenant(usage_key="u" * 40))
    made.admit("hearth", API_KEY)
    return made

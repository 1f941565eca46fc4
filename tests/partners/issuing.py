"""Us as an issuer of access tokens, on an embedded table and key; time stands where a test puts it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import jwt

from offpeak.aws.secrets import TokenCipher
from offpeak.aws.tables import Table
from offpeak.oauth.access_store import AccessStore
from offpeak.oauth.access_tokens import Issuer, own_issuer
from offpeak.oauth.clients import Client, credential
from offpeak.oauth.key_sets import outside_keys, own_keys
from offpeak.oauth.key_store import ALGORITHM, Signer, SigningKeyStore
from offpeak.ocpi.guarded_http import GuardedHttp
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.partners.bearer import Bearers
from offpeak.partners.model import Partner
from offpeak.partners.store import PartnerStore

BASE_URL = "https://offpeak.example/api"
CLIENT = "acme.1"
SECRET, API_KEY = "secret-of-acme", "key-of-acme"


class Issuing:
    """`now` is real time, as far as anybody asks us; PyJWT looks at its own clock."""

    def __init__(self, table: Table, partners: PartnerStore, cipher: TokenCipher) -> None:
        self.us: Issuer = own_issuer(BASE_URL)
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.partners = partners
        self.access = AccessStore(table)
        self.keys = SigningKeyStore(table)
        numbers = count(1)
        self.signer = Signer(self.keys, cipher, new_id=lambda: f"key-{next(numbers)}")
        self.bearers = Bearers(
            partners,
            self.access,
            self.us,
            own_keys(self.keys),
            outside_keys(GuardedHttp(PeerAddressRule(loopback=True))),
            real_now=lambda: self.now,
        )

    def admit(self, partner_id: str = "acme", client_id: str = CLIENT, api_key: str = API_KEY) -> None:
        """Give a partner a client and an ApiKey."""
        access = self.access.load(partner_id)
        access = access.with_client(Client(client_id, self.now, secrets=(credential(SECRET, self.now),)))
        self.access.save(access.with_api_key(credential(api_key, self.now), old_ends_at=self.now + timedelta(days=7)))

    def partner(self, partner_id: str = "acme") -> Partner:
        found = self.partners.load(partner_id)
        assert found is not None
        return found

    def token(self, client_id: str = CLIENT, **claims: Any) -> str:
        """Return a token that was signed now; `claims` on top of the usual ones, None to leave one out."""
        kid, private = self.signer.private_key(self.now)
        usual = {
            "iss": self.us.issuer,
            "aud": self.us.audience,
            "sub": client_id,
            "client_id": client_id,
            "iat": self.now,
            "exp": self.now + timedelta(days=14),
            "jti": "1",
        }
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(said, private, ALGORITHM, headers={"kid": kid, "typ": "at+jwt"})

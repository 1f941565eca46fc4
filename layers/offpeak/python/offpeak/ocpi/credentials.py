"""The credentials object (OCPI 2.2.1 and 2.3.0, 7.3): a token, where its giver's versions are, and who the giver is.

2.3.0 adds `hub_party_id`, the hub that the giver is; in 2.2.1 a hub says so by a role of its own.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from offpeak.ocpi.fields import OptionalText, Text, Url
from offpeak.ocpi.tokens import LONGEST_TOKEN


class BusinessDetailsObject(BaseModel):
    name: OptionalText = None


class CredentialsRoleObject(BaseModel):
    """`role` is self-asserted and decides nothing here, so any text will do."""

    country_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$")]
    party_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{3}$")]
    role: Text | None = None
    business_details: BusinessDetailsObject | None = None


Token = Annotated[str, StringConstraints(pattern=rf"^[\x21-\x7e]{{1,{LONGEST_TOKEN}}}$")]


class CredentialsObject(BaseModel):
    """What a peer POSTs or PUTs. Its `token` is the one we call the peer with: OCPI's token B."""

    token: Token
    url: Url
    roles: Annotated[list[CredentialsRoleObject], Field(min_length=1, max_length=100)]
    hub_party_id: OptionalText = None

    @property
    def hub(self) -> str | None:
        """The country code and party id of the hub that the peer is, in whichever way it says so."""
        roles = (f"{each.country_code}{each.party_id}" for each in self.roles if (each.role or "").upper() == "HUB")
        return self.hub_party_id or next(roles, None)


class GivenCredentials(BaseModel):
    """What a peer answers to our POST or PUT. It has taken ours by then, so all that must be there is its token."""

    token: Token
    url: Text | None = None
    roles: list[dict[str, object]] = []


def credentials_object(token: str, versions_url: str, *, country_code: str, party_id: str, name: str) -> object:
    """Return our credentials: we are a smart charging service provider."""
    role = {
        "role": "SCSP",
        "country_code": country_code,
        "party_id": party_id,
        "business_details": {"name": name},
    }
    return {"token": token, "url": versions_url, "roles": [role]}

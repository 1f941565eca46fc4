"""The credentials object (OCPI 2.2.1, 7.3): a token, where its giver's versions are, and who the giver is."""

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


class CredentialsObject(BaseModel):
    """What a peer POSTs or PUTs. Its `token` is the one we call the peer with: OCPI's token B."""

    token: Annotated[str, StringConstraints(pattern=rf"^[\x21-\x7e]{{1,{LONGEST_TOKEN}}}$")]
    url: Url
    roles: Annotated[list[CredentialsRoleObject], Field(min_length=1, max_length=100)]


def credentials_object(token: str, versions_url: str, *, country_code: str, party_id: str, name: str) -> object:
    """Return our credentials: we are a smart charging service provider."""
    role = {
        "role": "SCSP",
        "country_code": country_code,
        "party_id": party_id,
        "business_details": {"name": name},
    }
    return {"token": token, "url": versions_url, "roles": [role]}

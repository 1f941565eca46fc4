"""The credentials handshake (OCPI 2.2.1 and 2.3.0, module Credentials) with us as the party that starts it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from local.cpo.peer import Answered, CallFailed, EndpointObject, Registration, call
from local.cpo.wire import Json, Party

VERSIONS = ("2.2.1", "2.3.0")
"""All that this simulator can speak, ascending."""


class RegistrationFailed(Exception):
    """The handshake broke off; says at which step and what Offpeak answered."""


class VersionObject(BaseModel):
    version: str
    url: str


class VersionDetailsObject(BaseModel):
    version: str
    endpoints: list[EndpointObject]


class CredentialsRoleObject(BaseModel):
    country_code: str
    party_id: str


class CredentialsObject(BaseModel):
    token: str
    url: str
    roles: list[CredentialsRoleObject]


async def register(
    client: httpx.AsyncClient,
    method: str,
    versions_url: str,
    token: str,
    our_credentials: Mapping[str, Json],
    *,
    raw_token: bool,
    versions: Collection[str],
) -> Registration:
    """Learn Offpeak's interfaces with `token`, then POST (or, to renew, PUT) our credentials to it.

    The highest of `versions` that Offpeak speaks too is used.

    Returns the registration with the token that Offpeak gave back. Raises RegistrationFailed.
    """
    details = await learn_details(client, versions_url, token, raw_token=raw_token, versions=versions)
    try:
        credentials_url = Registration(token, versions_url, tuple(details.endpoints)).url("credentials")
    except CallFailed as error:
        raise RegistrationFailed(str(error)) from error
    data = await _asked(client, method, credentials_url, token, raw_token=raw_token, body=our_credentials)
    try:
        theirs = CredentialsObject.model_validate(data)
    except ValidationError as error:
        raise RegistrationFailed(f"{method} {credentials_url}: answered no credentials") from error
    return registration(theirs, details)


async def learn_details(
    client: httpx.AsyncClient, versions_url: str, token: str, *, raw_token: bool, versions: Collection[str]
) -> VersionDetailsObject:
    """GET Offpeak's versions and the details of the highest that is among `versions`. Raises RegistrationFailed."""
    try:
        data = await _asked(client, "GET", versions_url, token, raw_token=raw_token)
        offered = {each.version: each.url for each in TypeAdapter(list[VersionObject]).validate_python(data)}
        common = [each for each in VERSIONS if each in offered and each in versions]
        if not common:
            raise RegistrationFailed(f"GET {versions_url}: Offpeak does not speak {' or '.join(versions)}")
        data = await _asked(client, "GET", offered[common[-1]], token, raw_token=raw_token)
        return VersionDetailsObject.model_validate(data)
    except ValidationError as error:
        raise RegistrationFailed(f"GET {versions_url}: {error.errors(include_url=False)[0]}") from error


def registration(theirs: CredentialsObject, details: VersionDetailsObject) -> Registration:
    """Put together what their credentials and their version details say."""
    role = theirs.roles[0] if theirs.roles else None
    party = Party(role.country_code, role.party_id) if role else None
    return Registration(theirs.token, theirs.url, tuple(details.endpoints), party, details.version)


async def _asked(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    token: str,
    *,
    raw_token: bool,
    body: Mapping[str, Json] | None = None,
) -> object:
    try:
        answer: Answered = await call(client, method, url, token, raw_token=raw_token, body=body)
    except CallFailed as error:
        raise RegistrationFailed(str(error)) from error
    if not answer.is_fine:
        raise RegistrationFailed(
            f"{method} {url}: HTTP {answer.http_status}, OCPI {answer.ocpi_status}: {answer.message}"
        )
    return answer.data

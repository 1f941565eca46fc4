"""The credentials handshake (OCPI 2.2.1, module Credentials) with us as the party that starts it."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from local.cpo.peer import Answered, CallFailed, EndpointObject, Registration, call
from local.cpo.wire import Json, Party

VERSION = "2.2.1"


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
) -> Registration:
    """Learn Offpeak's interfaces with `token`, then POST (or, to renew, PUT) our credentials to it.

    Returns the registration with the token that Offpeak gave back. Raises RegistrationFailed.
    """
    endpoints = await learn_endpoints(client, versions_url, token, raw_token=raw_token)
    try:
        credentials_url = Registration(token, versions_url, endpoints).url("credentials")
    except CallFailed as error:
        raise RegistrationFailed(str(error)) from error
    data = await _asked(client, method, credentials_url, token, raw_token=raw_token, body=our_credentials)
    try:
        theirs = CredentialsObject.model_validate(data)
    except ValidationError as error:
        raise RegistrationFailed(f"{method} {credentials_url}: answered no credentials") from error
    return registration(theirs, endpoints)


async def learn_endpoints(
    client: httpx.AsyncClient, versions_url: str, token: str, *, raw_token: bool
) -> tuple[EndpointObject, ...]:
    """GET Offpeak's versions and the details of the one we speak. Raises RegistrationFailed."""
    try:
        data = await _asked(client, "GET", versions_url, token, raw_token=raw_token)
        versions = TypeAdapter(list[VersionObject]).validate_python(data)
        ours = next((each for each in versions if each.version == VERSION), None)
        if ours is None:
            raise RegistrationFailed(f"GET {versions_url}: Offpeak does not speak {VERSION}")
        data = await _asked(client, "GET", ours.url, token, raw_token=raw_token)
        return tuple(VersionDetailsObject.model_validate(data).endpoints)
    except ValidationError as error:
        raise RegistrationFailed(f"GET {versions_url}: {error.errors(include_url=False)[0]}") from error


def registration(theirs: CredentialsObject, endpoints: tuple[EndpointObject, ...]) -> Registration:
    """Put together what their credentials and their version details say."""
    role = theirs.roles[0] if theirs.roles else None
    party = Party(role.country_code, role.party_id) if role else None
    return Registration(theirs.token, theirs.url, endpoints, party)


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

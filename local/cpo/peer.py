"""Offpeak as the CPO sees it: where its interfaces are, and how it is called."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

import httpx
from pydantic import BaseModel, ValidationError

from local.cpo.wire import Json, Party, authorization

PATIENCE_S = 30.0


class CallFailed(Exception):
    """A call got no answer, or one that cannot be used; says which call and why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back. `ocpi_status` is None where the body was no OCPI envelope."""

    http_status: int
    ocpi_status: int | None
    message: str | None
    data: object
    took_s: float
    complaints: tuple[str, ...]

    @property
    def is_fine(self) -> bool:
        return 200 <= self.http_status < 300 and self.ocpi_status is not None and 1000 <= self.ocpi_status < 2000


class EndpointObject(BaseModel):
    identifier: str
    role: str
    url: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What the handshake brought. `token` is what we present to Offpeak (token C)."""

    token: str
    versions_url: str
    endpoints: tuple[EndpointObject, ...]
    party: Party | None = None
    version: str | None = None

    def url(self, identifier: str, role: str | None = None) -> str:
        """Return the address of an interface, without a slash at its end. Raises CallFailed where there is none."""
        for each in self.endpoints:
            if each.identifier == identifier and role in (None, each.role):
                return each.url.rstrip("/")
        raise CallFailed(f"Offpeak offers no {identifier} {role or ''}".rstrip())


class EnvelopeObject(BaseModel):
    status_code: int
    timestamp: str
    status_message: str | None = None
    data: object = None


async def call(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    token: str,
    *,
    raw_token: bool = False,
    access: tuple[str, str] | None = None,
    body: Mapping[str, Json] | None = None,
    sender: Party | None = None,
    receiver: Party | None = None,
) -> Answered:
    """Call Offpeak once. With `sender` it is a call on a functional module and carries the OCPI-from and -to headers.

    `access` is an OAuth2 access token and an ApiKey, shown instead of `token`. Raises CallFailed when there is no HTTP
    answer at all. The answer lists what was wrong with it as `complaints`.
    """
    headers = {
        "Authorization": authorization(token, raw=raw_token),
        "X-Request-ID": str(uuid.uuid4()),
        "X-Correlation-ID": str(uuid.uuid4()),
    }
    if access is not None:
        headers |= {"Authorization": f"Bearer {access[0]}", "ApiKey": access[1]}
    if sender is not None:
        headers |= {"OCPI-from-country-code": sender.country_code, "OCPI-from-party-id": sender.party_id}
    if sender is not None and receiver is not None:
        headers |= {"OCPI-to-country-code": receiver.country_code, "OCPI-to-party-id": receiver.party_id}
    began_s = perf_counter()
    try:
        answer = await client.request(method, url, headers=headers, json=body, timeout=PATIENCE_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CallFailed(f"{method} {url}: {type(error).__name__}: {error}") from error
    took_s = perf_counter() - began_s

    complaints = [
        f"{method} {url}: the answer does not echo {name}"
        for name in ("X-Request-ID", "X-Correlation-ID")
        if answer.headers.get(name) != headers[name]
    ]
    if sender is not None and answer.headers.get("OCPI-to-party-id", "").upper() != sender.party_id.upper():
        complaints.append(f"{method} {url}: the answer is not addressed to us (OCPI-to-party-id)")
    try:
        said = EnvelopeObject.model_validate_json(answer.content)
    except ValidationError:
        complaints.append(f"{method} {url}: HTTP {answer.status_code} without an OCPI envelope")
        return Answered(answer.status_code, None, answer.text[:200], None, took_s, tuple(complaints))
    return Answered(answer.status_code, said.status_code, said.status_message, said.data, took_s, tuple(complaints))

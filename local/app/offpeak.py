"""Offpeak as an app calls it: an access token by client credentials, an ApiKey, and JSON."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx

RENEWED_S = 60.0
"""A token is renewed so long before it ends."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an operator gives an app team: `python -m ops tenant create-client`."""

    base_url: str
    token_url: str
    audience: str
    client_id: str
    client_secret: str
    api_key: str


class Refused(Exception):
    """Offpeak said no; the text is for people."""

    def __init__(self, http_status: int, detail: str) -> None:
        super().__init__(detail)
        self.http_status = http_status


class Offpeak:
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._http = httpx.AsyncClient(timeout=25, trust_env=False)
        self._token = ""
        self._token_ends_s = 0.0

    async def get(self, path: str) -> Any:
        return (await self._call("GET", path)).json()

    async def post(self, path: str, body: object = None) -> Any:
        """POST once, however often the network makes us try."""
        headers = {"Idempotency-Key": secrets.token_urlsafe(16)}
        return (await self._call("POST", path, body if body is not None else {}, headers)).json()

    async def change(self, path: str, body: object) -> Any:
        """PATCH what is there now."""
        return (await self._call("PATCH", path, body, {"If-Match": "*"})).json()

    async def delete(self, path: str) -> None:
        await self._call("DELETE", path, headers={"If-Match": "*"})

    async def _call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        credentials = {"Authorization": f"Bearer {await self._access()}", "ApiKey": self._credentials.api_key}
        answer = await self._http.request(
            method, self._credentials.base_url + path, json=body, headers={**credentials, **(headers or {})}
        )
        if answer.is_error:
            raise Refused(answer.status_code, _detail(answer))
        return answer

    async def _access(self) -> str:
        if time.monotonic() > self._token_ends_s:
            asked = {"grant_type": "client_credentials", "audience": self._credentials.audience}
            who = (self._credentials.client_id, self._credentials.client_secret)
            answer = await self._http.post(self._credentials.token_url, data=asked, auth=who)
            if answer.is_error:
                raise Refused(answer.status_code, f"no access token: {answer.text}")
            told = answer.json()
            self._token = told["access_token"]
            self._token_ends_s = time.monotonic() + told["expires_in"] - RENEWED_S
        return self._token


def _detail(answer: httpx.Response) -> str:
    try:
        told = answer.json()
    except ValueError:
        return f"HTTP {answer.status_code}"
    where = f"{told['field']} " if told.get("field") else ""
    return f"{where}{told.get('detail') or told.get('status_message') or answer.status_code}"

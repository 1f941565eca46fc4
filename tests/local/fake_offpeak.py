"""A small Offpeak to examine the CPO simulator with: it registers CPOs, keeps what they send, and sends profiles."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from local.loopback_server import LoopbackServer

TOKEN_A, TOKEN_C = "invitation-token", "token-for-the-cpo"
ROUTING = {
    "OCPI-from-country-code": "NL",
    "OCPI-from-party-id": "OFP",
    "OCPI-to-country-code": "DE",
    "OCPI-to-party-id": "SIM",
}
IDS = {"X-Request-ID": "request-1", "X-Correlation-ID": "correlation-1"}
FULL_POWER = {"charging_rate_unit": "W", "charging_profile_period": [{"start_period": 0, "limit": 11000}]}


def token(value: str) -> str:
    return f"Token {base64.b64encode(value.encode()).decode()}"


@dataclass
class Received:
    """A call from the CPO, with the token as it was meant."""

    method: str
    path: str
    token: str
    headers: dict[str, str]
    body: Any


@dataclass
class FakeOffpeak:
    """`statuses` maps a method to the HTTP status that the sessions receiver answers with. `events` holds, in
    order, what arrived ("result") and what this fake was told ("answer")."""

    received: list[Received] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    raw_headers: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    token_b: str = ""
    cpo_versions_url: str = ""
    refuses: bool = False

    def serve(self) -> LoopbackServer:
        return LoopbackServer(self._build)

    def forget(self) -> None:
        """Be as new, at the same address."""
        self.__dict__ |= FakeOffpeak().__dict__

    def _build(self, url: str) -> ASGIApp:
        self.url = url
        self.versions_url = f"{url}/ocpi/versions"
        every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return Starlette(
            routes=[
                Route("/ocpi/versions", self._versions),
                Route("/ocpi/2.2.1", self._details),
                Route("/ocpi/2.2.1/credentials", self._credentials, methods=every),
                Route("/ocpi/emsp/2.2.1/{rest:path}", self._module, methods=every),
            ]
        )

    # -- what the CPO calls

    async def _versions(self, request: Request) -> Response:
        await self._keep(request)
        return self._envelope(request, [{"version": "2.2.1", "url": f"{self.url}/ocpi/2.2.1"}])

    async def _details(self, request: Request) -> Response:
        await self._keep(request)
        modules = [
            ("credentials", "RECEIVER", "/ocpi/2.2.1/credentials"),
            ("sessions", "RECEIVER", "/ocpi/emsp/2.2.1/sessions"),
            ("chargingprofiles", "SENDER", "/ocpi/emsp/2.2.1/chargingprofiles"),
        ]
        endpoints = [{"identifier": name, "role": role, "url": self.url + path} for name, role, path in modules]
        return self._envelope(request, {"version": "2.2.1", "endpoints": endpoints})

    async def _credentials(self, request: Request) -> Response:
        call = await self._keep(request)
        if self.refuses:
            return self._envelope(request, None, status_code=3001, message="your versions cannot be read")
        if call.method == "DELETE":
            return self._envelope(request, None)
        self.token_b, self.cpo_versions_url = call.body["token"], call.body["url"]
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            answer = await client.get(self.cpo_versions_url, headers={"Authorization": token(self.token_b), **IDS})
        assert answer.status_code == 200, "a CPO answers our call-back within its POST"
        role = {"role": "SCSP", "country_code": "NL", "party_id": "OFP", "business_details": {"name": "Offpeak"}}
        renewed = TOKEN_C if call.method == "POST" else f"{TOKEN_C}-renewed"
        return self._envelope(request, {"token": renewed, "url": self.versions_url, "roles": [role]})

    async def _module(self, request: Request) -> Response:
        call = await self._keep(request)
        self.events.append("result" if "/results/" in call.path else call.method)
        return self._envelope(request, None, http_status=self.statuses.get(call.method, 200))

    async def _keep(self, request: Request) -> Received:
        self.raw_headers.append(request.headers.get("authorization", ""))
        header = self.raw_headers[-1].removeprefix("Token ")
        body = await request.json() if await request.body() else None
        call = Received(
            request.method, request.url.path, base64.b64decode(header).decode(), dict(request.headers), body
        )
        self.received.append(call)
        return call

    def _envelope(
        self,
        request: Request,
        data: Any,
        *,
        status_code: int = 1000,
        message: str | None = None,
        http_status: int = 200,
    ) -> Response:
        body = {"status_code": status_code, "timestamp": "2026-01-01T00:00:00Z", "data": data}
        headers = {name: request.headers.get(name, "") for name in IDS} | {"OCPI-to-party-id": "SIM"}
        return JSONResponse(
            body | ({"status_message": message} if message else {}), status_code=http_status, headers=headers
        )

    # -- what it saw

    def session_messages(self, session_id: str) -> list[Received]:
        return [call for call in self.received if call.path.endswith(f"/sessions/DE/SIM/{session_id}")]

    def results(self, request_id: str = "r1") -> list[Any]:
        return [call.body for call in self.received if call.path.endswith(f"/results/{request_id}")]

    def active_profiles(self, session_id: str) -> list[Any]:
        return [call.body for call in self.received if call.path.endswith(f"/chargingprofiles/{session_id}")]

    def wait_for(self, condition: Any) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "it did not come"
            time.sleep(0.005)

    # -- what it asks of the CPO

    def response_url(self, request_id: str) -> str:
        return f"{self.url}/ocpi/emsp/2.2.1/results/{request_id}"

    def ask(self, method: str, path: str, *, timeout_s: float = 5.0, **request: Any) -> httpx.Response:
        """Call the CPO as a registered partner on a functional module."""
        base = self.cpo_versions_url.removesuffix("/versions")
        headers = {"Authorization": token(self.token_b), **IDS, **ROUTING}
        with httpx.Client(trust_env=False, verify=False, timeout=timeout_s) as client:
            return client.request(method, f"{base}/cpo/2.2.1/{path}", headers=headers, **request)

    def set_profile(
        self, session_id: str, profile: Any, *, request_id: str = "r1", timeout_s: float = 5.0
    ) -> httpx.Response:
        body = {"charging_profile": profile, "response_url": self.response_url(request_id)}
        answer = self.ask("PUT", f"chargingprofiles/{session_id}", json=body, timeout_s=timeout_s)
        self.events.append("answer")
        return answer

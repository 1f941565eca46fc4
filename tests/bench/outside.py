"""The world outside both chains, on one event loop: clients that push, and a server that takes what comes out.

To Offpeak it is a CPO that takes every profile, to the empty chain a server. Both get their result at once.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from local.loopback_server import LoopbackServer
from offpeak.instants import format_instant
from tests.bench.sessions import EVENING, PARTY, Json, session_object

Answer = TypeVar("Answer", covariant=True)
Job = Callable[[], Coroutine[Any, Any, Answer]]

GIVEN_UP_AFTER_S = 60.0
MOST_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Passed:
    """When an empty message was where, in seconds since the epoch."""

    received_at: float
    planned_at: float
    sent_at: float
    arrived_at: float
    confirmed_at: float


class Outside:
    """`empty_url` is the empty chain's API, `offpeak_url` Offpeak's; calls on them come from the server's own loop."""

    def __init__(self, offpeak_url: str, empty_url: str) -> None:
        self._offpeak_url, self._empty_url = offpeak_url, empty_url
        self._token = ""
        self._done: dict[str, asyncio.Future[Any]] = {}
        self.arrived_at: dict[str, float] = {}
        """When the profile of each session arrived here, in seconds since the epoch."""
        limits = httpx.Limits(max_connections=MOST_AT_ONCE, max_keepalive_connections=MOST_AT_ONCE)
        self._http = httpx.AsyncClient(timeout=GIVEN_UP_AFTER_S, trust_env=False, limits=limits)
        self._server = LoopbackServer(self._build)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.run(self._http.aclose())
        self._server.stop()

    def register(self, token_a: str) -> None:
        """Register with Offpeak as a CPO."""
        country_code, party_id = PARTY
        role = {"role": "CPO", "country_code": country_code, "party_id": party_id, "business_details": {"name": "B"}}
        body = {"token": secrets.token_urlsafe(24), "url": f"{self._server.url}/versions", "roles": [role]}
        path = "/ocpi/2.2.1/credentials"
        answer = self._server.run(self._call("POST", f"{self._offpeak_url}{path}", body, token_a))
        self._token = answer["data"]["token"]

    @property
    def token(self) -> str:
        """The token with which Offpeak lets us in."""
        return self._token

    def run_at_once(self, jobs: Sequence[Job[Answer]], at_once: int) -> list[Answer]:
        """Do all jobs, always `at_once` of them at the same time; return what they return, in their order."""

        async def work() -> list[Answer]:
            waiting = iter(enumerate(jobs))
            answers: dict[int, Answer] = {}

            async def one_by_one() -> None:
                for place, job in waiting:
                    answers[place] = await job()

            await asyncio.gather(*(one_by_one() for _ in range(at_once)))
            return [answers[place] for place in range(len(jobs))]

        return self._server.run(work())

    # -- jobs

    async def session(self, session_id: str) -> None:
        """Push a new session, and wait until Offpeak has taken the result of its profile."""
        done = self._expect(session_id)
        await self.put(session_id)
        await asyncio.wait_for(done, GIVEN_UP_AFTER_S)

    async def empty_message(self, message_id: str) -> Passed:
        """Send a message through the empty chain, and wait until its result was taken."""
        await self.enter(message_id)
        return await self.passed(message_id)

    async def put(self, session_id: str, **fields: Any) -> float:
        """PUT a new session, with these fields in place of its own; return the seconds until the answer."""
        return await self._timed("PUT", session_id, {**session_object(session_id), **fields})

    async def patch(self, session_id: str, fields: Json) -> float:
        return await self._timed("PATCH", session_id, fields)

    async def enter(self, message_id: str) -> float:
        """Hand a message in at the empty chain; return the seconds until the answer."""
        self._expect(message_id)
        began = time.perf_counter()
        message = {"id": message_id, "url": f"{self._server.url}/passed", "session": session_object(message_id)}
        await self._call("POST", f"{self._empty_url}/messages", message)
        return time.perf_counter() - began

    async def passed(self, message_id: str) -> Passed:
        """Wait until a message that was handed in is through."""
        return await asyncio.wait_for(self._done[message_id], GIVEN_UP_AFTER_S)

    async def _timed(self, method: str, session_id: str, body: Json) -> float:
        began = time.perf_counter()
        path = f"/ocpi/emsp/2.2.1/sessions/{'/'.join(PARTY)}/{session_id}"
        await self._call(method, self._offpeak_url + path, body, self._token)
        return time.perf_counter() - began

    async def _call(self, method: str, url: str, body: Json, token: str = "anybody") -> Any:
        headers = {"Authorization": f"Token {base64.b64encode(token.encode()).decode()}"}
        answer = await self._http.request(method, url, json=body, headers=headers)
        said = answer.json()
        if answer.status_code >= 300 or said.get("status_code", 1000) != 1000:
            raise RuntimeError(f"{method} {url}: HTTP {answer.status_code}, {answer.text[:300]}")
        return said

    def _expect(self, name: str) -> asyncio.Future[Any]:
        self._done[name] = asyncio.get_running_loop().create_future()
        return self._done[name]

    # -- the server

    def _build(self, url: str) -> ASGIApp:
        endpoints = [{"identifier": "chargingprofiles", "role": "RECEIVER", "url": f"{url}/chargingprofiles"}]
        details = {"version": "2.2.1", "endpoints": endpoints}

        async def versions(_: Request) -> JSONResponse:
            return _ocpi([{"version": "2.2.1", "url": f"{url}/2.2.1"}])

        async def version_details(_: Request) -> JSONResponse:
            return _ocpi(details)

        return Starlette(
            routes=[
                Route("/versions", versions),
                Route("/2.2.1", version_details),
                Route("/chargingprofiles/{session_id}", self._take_profile, methods=["PUT"]),
                Route("/passed", self._take_message, methods=["PUT"]),
            ]
        )

    async def _take_profile(self, request: Request) -> JSONResponse:
        session_id = request.path_params["session_id"]
        self.arrived_at.setdefault(session_id, time.time())
        response_url = (await request.json())["response_url"]

        async def post_result() -> None:
            await self._settle(session_id, self._call("POST", response_url, {"result": "ACCEPTED"}, self._token))

        return _ocpi({"result": "ACCEPTED", "timeout": 30}, BackgroundTask(post_result))

    async def _take_message(self, request: Request) -> JSONResponse:
        arrived_at = time.time()
        message = await request.json()

        async def post_result() -> Passed:
            said = await self._call("POST", f"{self._empty_url}/results", {"result": "ACCEPTED"})
            stamps = {name: message[name] for name in ("received_at", "planned_at", "sent_at")}
            return Passed(**stamps, arrived_at=arrived_at, confirmed_at=said["confirmed_at"])

        return JSONResponse({}, background=BackgroundTask(self._settle, message["id"], post_result()))

    async def _settle(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        """Let whoever waits for `name` have what the work returns or raises; the first time counts."""
        waiting = self._done.get(name)
        try:
            result = await work
        except Exception as error:  # noqa: BLE001  (raised where somebody waits for it)
            if waiting and not waiting.done():
                waiting.set_exception(error)
            return
        if waiting and not waiting.done():
            waiting.set_result(result)


def _ocpi(data: object, background: BackgroundTask | None = None) -> JSONResponse:
    envelope = {"status_code": 1000, "timestamp": format_instant(EVENING), "data": data}
    return JSONResponse(envelope, background=background)

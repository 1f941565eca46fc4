"""A receiver of webhooks: real HTTP, checks signatures as a careful receiver does, and misbehaves on demand.

POST anything but /control is a delivery. GET /control tells what was received; PUT /control {"behaviour", "secret"}
changes how it behaves and by which secret it checks.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
import time
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

TOLERANCE_S = 300
SLOW_S = 1.0
SILENT_S = 60.0


class Behaviour(StrEnum):
    WELL = "well"
    SLOW = "slow"
    """Answers well after a second."""
    SILENT = "silent"
    """Takes the request and says nothing for a minute."""
    FAILS = "fails"
    """HTTP 500."""
    GONE = "gone"
    """HTTP 410."""
    REDIRECTS = "redirects"
    """HTTP 307 to a place of its own."""
    BABBLES = "babbles"
    """Answers 200 and does not stop."""
    REFUSES = "refuses"
    """HTTP 401 where the signature is wrong, as a careful receiver does; well otherwise."""


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery as it came in. `is_genuine` says whether its signature is right and its time is now."""

    delivery_id: str
    event_id: str
    body: dict[str, Any]
    is_genuine: bool
    at_s: float
    path: str


@dataclass
class WebhookReceiver:
    """`secrets`: deliveries are genuine where one of them signed; none known: nothing is."""

    url: str = ""
    behaviour: Behaviour = Behaviour.WELL
    secrets: list[str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    _came: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def app(self, url: str) -> ASGIApp:
        """Return the application that is served at `url`."""
        self.url = url
        return Starlette(
            routes=[
                Route("/control", self._tell, methods=["GET"]),
                Route("/control", self._change, methods=["PUT"]),
                Route("/{path:path}", self._receive, methods=["POST"]),
            ]
        )

    def wait_for(self, number: int, within_s: float = 10.0) -> list[Received]:
        """Return all that was received once it is `number` deliveries. Raises TimeoutError."""
        with self._came:
            if not self._came.wait_for(lambda: len(self.received) >= number, within_s):
                raise TimeoutError(f"{len(self.received)} of {number} deliveries came within {within_s} s")
            return list(self.received)

    @property
    def sequences(self) -> list[int | None]:
        """The numbers of the events that were received, in the order in which they came."""
        return [each.body["sequence"] for each in self.received]

    async def _receive(self, request: Request) -> Response:
        content = await request.body()
        is_genuine = any(self._is_genuine(request, content, secret) for secret in self.secrets)
        received = Received(
            request.headers.get("Offpeak-Delivery", ""),
            request.headers.get("Offpeak-Event", ""),
            json.loads(content),
            is_genuine,
            time.time(),
            request.url.path,
        )
        with self._came:
            self.received.append(received)
            self._came.notify_all()
        return await self._answer(received)

    async def _answer(self, received: Received) -> Response:
        if self.behaviour is Behaviour.SLOW:
            await asyncio.sleep(SLOW_S)
        if self.behaviour is Behaviour.SILENT:
            await asyncio.sleep(SILENT_S)
        if self.behaviour is Behaviour.REFUSES and not received.is_genuine:
            return PlainTextResponse("who are you?", 401)
        return {
            Behaviour.FAILS: Response("it broke", 500),
            Behaviour.GONE: Response(status_code=410),
            Behaviour.REDIRECTS: Response(status_code=307, headers={"Location": f"{self.url}/elsewhere"}),
            Behaviour.BABBLES: Response(b"bla " * 100_000),
        }.get(self.behaviour, Response(status_code=204))

    def _is_genuine(self, request: Request, content: bytes, secret: str) -> bool:
        """What docs/webhooks.md tells receivers to do."""
        parts = [part.partition("=") for part in request.headers.get("Offpeak-Signature", "").split(",")]
        (at,) = [value for name, _, value in parts if name == "t"] or ["0"]
        expected = hmac.new(secret.encode(), at.encode() + b"." + content, hashlib.sha256).hexdigest()
        is_signed = any(hmac.compare_digest(expected, value) for name, _, value in parts if name == "v1")
        return is_signed and abs(time.time() - int(at)) <= TOLERANCE_S

    async def _tell(self, _: Request) -> Response:
        received = [asdict(each) for each in self.received]
        return JSONResponse({"behaviour": self.behaviour.value, "received": received})

    async def _change(self, request: Request) -> Response:
        said = await request.json()
        self.behaviour = Behaviour(said.get("behaviour", self.behaviour))
        if "secret" in said:
            self.secrets = [said["secret"]]
        return JSONResponse({"behaviour": self.behaviour.value})

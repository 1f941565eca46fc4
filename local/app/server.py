"""The app's server: it holds the tenant's secrets, so that the page in the browser needs none."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from local.app.driver import Driver
from local.app.offpeak import Credentials, Offpeak, Refused
from local.webhook_receiver import WebhookReceiver

PAGE = Path(__file__).parent / "page"
FILES = ("app.css", "app.js", "chart.js")
SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


Act = Callable[[Driver, dict[str, Any]], Awaitable[Any]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class AppSettings:
    """What `make up` tells the app once the tenant is made."""

    credentials: Credentials
    cpo_url: str
    price_feed_url: str
    evse_uid: str
    code: str
    """What a driver is to type. In life the CPO gives it to him."""

    @classmethod
    def read(cls, path: Path) -> AppSettings:
        told = json.loads(path.read_text())
        return cls(**{**told, "credentials": Credentials(**told["credentials"])})


class App:
    """`settings` is a file that is written after the app has begun to serve: the tenant needs the app's address."""

    def __init__(self, settings: Path, url: str) -> None:
        self._settings = settings
        self._url = url
        self._receiver = WebhookReceiver()
        self._driver: tuple[Driver, AppSettings] | None = None

    def asgi(self) -> ASGIApp:
        files: list[BaseRoute] = [Route(f"/{name}", _file(name)) for name in FILES]
        acts: dict[str, Act] = {
            "/api/connect": lambda driver, _: driver.connect(),
            "/api/plug-in": lambda driver, said: driver.plug_in(float(said.get("soc", 0.3))),
            "/api/unplug": lambda driver, _: driver.unplug(),
            "/api/departure": lambda driver, said: driver.depart_at(str(said["at"])),
            "/api/boost": lambda driver, said: driver.boost(on=bool(said["on"])),
            "/api/unpair": lambda driver, _: driver.unpair(),
        }
        return Starlette(
            routes=[
                Route("/", _file("index.html")),
                *files,
                Route("/paired", self._back),
                Route("/api/state", self._state),
                *(Route(path, self._doing(act), methods=["POST"]) for path, act in acts.items()),
                Mount("/hooks", self._receiver.app(f"{self._url}/hooks")),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        )

    async def _back(self, _: Request) -> Response:
        """Where Offpeak's pages lead back to. How it ended is asked for, not read from the address."""
        return RedirectResponse("/", 303, SAFE)

    async def _state(self, _: Request) -> Response:
        try:
            driver, settings = self._ready()
            return JSONResponse(await driver.shown(settings.code), headers=SAFE)
        except (Refused, httpx.TransportError) as error:
            return _refusal(error)

    def _doing(
        self, act: Callable[[Driver, dict[str, Any]], Awaitable[Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            # A page of somebody else's cannot send this type here without being asked for leave first.
            if request.headers.get("content-type") != "application/json":
                return _refusal(Refused(415, "say it in JSON"))
            try:
                driver, _ = self._ready()
                return JSONResponse(await act(driver, await request.json()), headers=SAFE)
            except (Refused, httpx.TransportError) as error:
                return _refusal(error)

        return endpoint

    def _ready(self) -> tuple[Driver, AppSettings]:
        if self._driver is None:
            if not self._settings.exists():
                raise Refused(503, "Offpeak is still being started")
            settings = AppSettings.read(self._settings)
            driver = Driver(
                Offpeak(settings.credentials),
                self._receiver,
                self._url,
                settings.cpo_url,
                settings.price_feed_url,
                settings.evse_uid,
            )
            self._driver = driver, settings
        return self._driver


def _file(name: str) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return FileResponse(PAGE / name, headers=SAFE)

    return endpoint


def _refusal(error: Refused | httpx.TransportError) -> Response:
    """Answer what Offpeak said, or that nobody said anything."""
    if isinstance(error, Refused):
        return JSONResponse({"detail": str(error)}, error.http_status, headers=SAFE)
    return JSONResponse({"detail": f"no answer: {type(error).__name__}"}, 502, headers=SAFE)

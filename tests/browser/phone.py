"""A real Chromium, Debian's, and browsers of phone size in it, each with cookies of its own."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE: Mapping[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
EXPECTED = (
    "status of 403",
    "status of 404",
    "status of 410",
    "status of 413",
    "status of 422",
    "status of 499",
    "favicon",
)
"""What a browser's console may say: the statuses of our refusals."""


class Phone:
    """A browser of phone size with cookies of its own; keeps what it complained of, and whom it asked."""

    def __init__(self, browser: Browser, **how: Any) -> None:
        self.context = browser.new_context(**{**PHONE, "locale": "en-GB", **how})
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        said = f"{message.text} {message.location}"
        if message.type in ("error", "warning") and not any(each in said for each in EXPECTED):
            self.complaints.append(said)

    def _asked(self, request: Request) -> None:
        if request.headers.get("referer"):
            self.complaints.append(f"{request.url} was told of {request.headers['referer']}")

    def heard(self) -> list[str]:
        """Return what it complained of since it was last asked."""
        heard, self.complaints = self.complaints, []
        return heard

    def close(self) -> None:
        self.context.close()


OpenPhone = Callable[..., Page]


@cache
def chromium() -> Browser | None:
    """Return the one browser of this process, None where none is installed. Playwright runs once in a process."""
    path = shutil.which("chromium")
    if path is None:
        return None
    playwright = sync_playwright().start()
    atexit.register(playwright.stop)
    return playwright.chromium.launch(executable_path=path, args=list(FLAGS))

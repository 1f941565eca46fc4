"""The example app's server keeps to itself: what it holds are a tenant's secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.app.server import App
from local.loopback_server import LoopbackServer
from offpeak.profiles.model import RequestKind


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[httpx.Client]:
    with (
        LoopbackServer(lambda url: App(tmp_path / "not-there-yet.json", url).asgi()) as server,
        httpx.Client(base_url=server.url, trust_env=False) as browser,
    ):
        yield browser


def test_the_page_loads_nothing_from_elsewhere(browser: httpx.Client) -> None:
    page = browser.get("/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for name in ("app.css", "app.js", "chart.js"):
        text = browser.get(f"/{name}").text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text


def test_the_page_speaks_of_profiles_as_the_api_does(browser: httpx.Client) -> None:
    """What takes a limit away is no charging profile."""
    assert re.findall(r'\.kind === "(.*?)"', browser.get("/app.js").text) == [RequestKind.CLEAR.value]


def test_until_the_tenant_is_made_it_says_so(browser: httpx.Client) -> None:
    answer = browser.get("/api/state")
    assert (answer.status_code, answer.json()) == (503, {"detail": "Offpeak is still being started"})


def test_another_site_can_neither_press_buttons_nor_read_by_a_name_of_its_own(browser: httpx.Client) -> None:
    for path in ("connect", "plug-in", "unplug", "departure", "boost", "unpair"):
        pressed = browser.post(f"/api/{path}", content="{}", headers={"Content-Type": "text/plain"})
        assert pressed.status_code == 415
    assert browser.get("/api/state", headers={"Host": "evil.example"}).status_code == 400


def test_whoever_comes_back_from_pairing_is_led_to_the_page(browser: httpx.Client) -> None:
    back = browser.get("/paired?connect_state=PAIRED")
    assert (back.status_code, back.headers["Location"]) == (303, "/")

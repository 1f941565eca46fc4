"""The API's description: written anew from the code whenever that changes, valid, complete, and readable offline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from infra.routes import OPERATOR_ROUTES, ROUTES
from openapi.__main__ import WRITTEN, main, text
from openapi.document import NotDescribed, check_all_are_described, document
from openapi.page import page

DESCRIBED = [each for each in (*ROUTES, *OPERATOR_ROUTES) if each.caller != "driver"]
"""Drivers' pages are none of the API's endpoints."""


@pytest.fixture(scope="module")
def described() -> Any:
    return document()


def test_the_description_is_what_the_code_says() -> None:
    assert WRITTEN.read_text() == text(), "`make openapi` writes it anew"


def test_a_stale_description_fails_the_check(tmp_path: Path) -> None:
    stale = tmp_path / "openapi.json"
    assert main(["--check"], stale) == 1
    assert main([], stale) == 0
    assert main(["--check"], stale) == 0
    stale.write_text(stale.read_text().replace("/ocpi/versions", "/ocpi/version"))
    assert main(["--check"], stale) == 1


def test_every_method_of_every_route_is_described(described: Any) -> None:
    routed = {(method.lower(), route.path) for route in DESCRIBED for method in route.methods}
    found = {(method, path) for path, item in described["paths"].items() for method in item if method != "servers"}
    assert found == routed
    names = [
        each["operationId"] for item in described["paths"].values() for key, each in item.items() if key in METHODS
    ]
    assert len(names) == len(set(names)) == len(routed)


METHODS = {"get", "put", "post", "patch", "delete"}


def test_a_route_that_is_not_described_stops_the_description() -> None:
    with pytest.raises(NotDescribed, match="GET /ocpi/versions"):
        check_all_are_described(tuple(route for route in DESCRIBED if route.path != "/ocpi/versions"))


def test_whatever_is_refused_for_its_credentials_says_so(described: Any) -> None:
    """T1, T6"""
    for route in (each for each in DESCRIBED if each not in OPERATOR_ROUTES):
        for method in route.methods:
            operation = described["paths"][route.path][method.lower()]
            refused = {"429"} if route.caller == "anyone" else {"401", "403", "429"}
            assert refused <= operation["responses"].keys(), operation["operationId"]


def test_the_page_shows_every_endpoint_and_object_and_needs_nothing_else(described: Any) -> None:
    shown = page(described)
    for item in described["paths"].values():
        for method in item.keys() & METHODS:
            assert f'id="{item[method]["operationId"]}"' in shown
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b|@import|url\(", shown)
    assert set(re.findall(r'href="([^#"][^"]*)"', shown)) == set()
    missing = set(re.findall(r'href="#([^"]+)"', shown)) - set(re.findall(r'id="([^"]+)"', shown))
    assert missing == set()
    assert list(_unbalanced(shown)) == []
    assert "width=device-width" in shown
    assert "color-scheme: light dark" in shown


def _unbalanced(shown: str) -> Iterator[str]:
    """Yield each end tag of a page that ends something else than what was begun last, and what nothing ends."""
    reader = _Tags()
    reader.feed(shown)
    yield from reader.wrong
    yield from reader.open


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

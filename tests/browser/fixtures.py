"""What tests in a browser start from."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.phone import OpenPhone, Phone, chromium

MISSING = "Chromium is missing: as root, tests/browser/install.sh installs it"


@pytest.fixture(scope="session")
def browser() -> Browser:
    running = chromium()
    if running is None:
        warnings.warn(MISSING, stacklevel=1)
        pytest.skip(MISSING)
    return running


@pytest.fixture
def phone(browser: Browser) -> Iterator[OpenPhone]:
    """Opens browsers of phone size, each with cookies of its own; fails a test whose pages complained."""
    phones: list[Phone] = []

    def opened(**how: object) -> Page:
        phones.append(Phone(browser, **how))
        return phones[-1].page

    yield opened
    for each in phones:
        each.close()
    assert [complaint for each in phones for complaint in each.complaints] == []

"""Every page that there is, in a real browser of phone size: as it is served, in each language, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, product

import pytest
from playwright.sync_api import Browser, Page, Route

from offpeak.tenants.model import Look
from offpeak.web.render import render
from offpeak.web.texts import LANGUAGES, texts
from tests.browser.accessible import check_accessible, check_fits
from tests.browser.phone import Phone
from tests.web.pages import LOOK, every_page

PAGES = every_page()
ADDRESS = "https://pages.offpeak.example/pair/token"
LOOKS = {"ours": LOOK, "bright": Look("Sonnenstrom Stadtwerke Musterstadt GmbH & Co. KG", "#ffd400")}


@pytest.fixture(scope="module")
def phones(browser: Browser) -> Iterator[dict[str, Phone]]:
    """A phone in light, and one in dark."""
    opened = {scheme: Phone(browser, color_scheme=scheme) for scheme in ("light", "dark")}
    yield opened
    for each in opened.values():
        each.close()


def serve(page: Page, name: str, language: str, look: Look) -> None:
    """Show a page with the headers that it is served with, its content security policy among them."""
    shown = render(PAGES[name], None if name in ("unknown", "broken") else look, texts(language))
    headers = {key: value for key, value in shown.headers.items() if key != "Refresh"}

    def answer(route: Route) -> None:
        status = min(shown.http_status, 499)  # a 500 would be a complaint of the browser's
        route.fulfill(status=status, headers={**headers, "Content-Type": "text/html"}, body=shown.html)

    page.context.unroute_all()
    page.context.route("**/*", answer)
    page.goto(ADDRESS)


@pytest.mark.parametrize(("name", "language"), list(zip(PAGES, cycle(LANGUAGES), strict=False)))
def test_a_page_can_be_used_by_everybody(phones: dict[str, Phone], name: str, language: str) -> None:
    """axe sees no difference between languages but that of the page's mark: each has every fourth page."""
    phone = phones["light"]
    serve(phone.page, name, language, LOOK)
    check_accessible(phone.page)
    assert phone.heard() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_fits_in_every_language(phones: dict[str, Phone], language: str) -> None:
    phone = phones["light"]
    for name in PAGES:
        serve(phone.page, name, language, LOOK)
        check_fits(phone.page)
        assert phone.page.evaluate("document.documentElement.lang") == language
    assert phone.heard() == []


@pytest.mark.parametrize(("name", "look"), list(product(PAGES, LOOKS)))
def test_a_page_can_be_read_in_the_dark_and_in_any_tenants_colour(
    phones: dict[str, Phone], name: str, look: str
) -> None:
    phone = phones["dark"]
    serve(phone.page, name, "en", LOOKS[look])
    background = phone.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(18, 22, 20)"
    check_accessible(phone.page)
    assert phone.heard() == []


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("name", ["welcome", "PATTERN", "slow", "paired"])
def test_a_page_fits_a_small_phone_and_a_desk(browser: Browser, name: str, width: int) -> None:
    phone = Phone(browser, viewport={"width": width, "height": 700})
    serve(phone.page, name, "de", LOOKS["bright"])
    check_accessible(phone.page)
    phone.close()


@pytest.mark.parametrize("name", ["EMPTY", "PATTERN", "UNKNOWN_CODE", "LINKED_ELSEWHERE", "CPO_UNREACHABLE"])
def test_a_problem_has_the_focus_and_leads_to_the_field(phones: dict[str, Phone], name: str) -> None:
    page = phones["light"].page
    serve(page, name, "en", LOOK)
    assert page.evaluate("document.activeElement.id") == "problem"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") in ("INPUT", "BUTTON")


def test_the_first_key_press_reaches_what_stops_a_page_from_renewing_itself(phones: dict[str, Phone]) -> None:
    page = phones["light"].page
    serve(page, "progress", "en", LOOK)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "?lang=en&auto=no"


def test_nothing_is_run_that_somebody_slipped_into_a_page(phones: dict[str, Phone]) -> None:
    page = phones["light"].page
    page.context.unroute_all()
    shown = render(PAGES["code"], LOOK, texts("en"))
    html = shown.html.replace("</main>", "<script>document.title = 'run'</script><p style='color: red'>x</p></main>")
    headers = {**shown.headers, "Content-Type": "text/html"}
    page.context.route("**/*", lambda route: route.fulfill(headers=headers, body=html))
    page.goto(ADDRESS)
    assert page.title().startswith("Enter the code")
    assert page.evaluate("getComputedStyle(document.querySelector('main p[style]')).color") != "rgb(255, 0, 0)"
    assert "Content Security Policy" in str(phones["light"].heard())

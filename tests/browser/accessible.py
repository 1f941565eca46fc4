"""What a page owes to whoever cannot see it well, or cannot use a mouse: held by axe, and by measuring."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SMALLEST_TARGET_PX = 44
"""Of what is to be touched (WCAG 2.2, 2.5.5)."""
MEASURE = """() => [...document.querySelectorAll('a, button, input:not([type=hidden])')]
    .filter(each => each.getClientRects().length).map(each => {
    const box = each.getBoundingClientRect();
    const isText = each.tagName === 'A' && getComputedStyle(each).display === 'inline';
    return {text: each.textContent.trim() || each.name, height: box.height, isText};
})"""


def check_accessible(page: Page) -> None:
    """Fail where axe finds anything against WCAG 2.2 A and AA or good practice, or the page does not fit."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    violations = [(each["id"], each["help"], [node["html"] for node in each["nodes"]]) for each in found]
    assert violations == []
    check_fits(page)


def check_fits(page: Page) -> None:
    """Fail where something is too small to be touched, or a phone would have to scroll sideways."""
    small = [
        each for each in page.evaluate(MEASURE) if not each["isText"] and each["height"] < SMALLEST_TARGET_PX - 0.5
    ]
    assert small == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0

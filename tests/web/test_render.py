"""Every page in every language: whole, safe, and with nothing to fetch."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from offpeak.tenants.model import Look
from offpeak.web import screens
from offpeak.web.render import Page, render
from offpeak.web.texts import LANGUAGES, texts
from tests.pairing.builders import NOW
from tests.pairing.test_connect import made, validating
from tests.web.pages import LOOK, every_page, scene

PAGES = every_page()
VOID = {"meta", "input", "br", "link", "path", "circle"}


class Balanced(HTMLParser):
    """Fails at an element that is not closed where it should be, and keeps what was used."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.used: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.used.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.used.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: Page) -> list[tuple[str, dict[str, str | None]]]:
    parser = Balanced()
    parser.feed(page.html)
    assert parser.open == []
    return parser.used


def shown(name: str, language: str = "en") -> Page:
    look = None if name in ("unknown", "broken") else LOOK
    return render(PAGES[name], look, texts(language))


def links(name: str) -> list[str]:
    return [attributes["href"] or "" for tag, attributes in parsed(shown(name)) if tag == "a"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_says_which_language_it_is_in(name: str, language: str) -> None:
    page = shown(name, language)
    elements = parsed(page)
    assert page.html.lstrip().startswith("<!doctype html>")
    assert [attributes["lang"] for tag, attributes in elements if tag == "html"] == [language]
    assert [tag for tag, _ in elements].count("h1") == 1
    assert not re.search(r"\{\w*\}", re.sub(r"<style>.*</style>", "", page.html, flags=re.S)), "a placeholder is left"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fetches_and_runs_nothing(name: str) -> None:
    page = shown(name)
    elements = parsed(page)
    assert not {"script", "img", "link", "iframe", "base", "object"} & {tag for tag, _ in elements}
    for _, attributes in elements:
        assert not [each for each in attributes if each.startswith("on") or each == "style"]
    [style] = re.findall(r"<style>(.*?)</style>", page.html, flags=re.S)
    assert "url(" not in style
    assert "@import" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert page.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize("name", PAGES)
def test_nobody_keeps_a_page_and_nobody_is_told_of_it(name: str) -> None:
    headers = shown(name).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", PAGES)
def test_every_form_carries_its_token(name: str) -> None:
    page = shown(name)
    assert page.html.count("<form") == page.html.count('<input type="hidden" name="form_token" value="form-token">')


@pytest.mark.parametrize(
    "name",
    sorted(
        set(PAGES)
        - {
            "code",
            "EMPTY",
            "PATTERN",
            "UNKNOWN_CODE",
            "LINKED_ELSEWHERE",
            "CPO_UNREACHABLE",
            "closed",
            "unknown",
            "broken",
        }
    ),
)
def test_a_way_leads_back_to_the_app(name: str) -> None:
    assert '<a class="button' in shown(name).html
    assert "https://app.hearth.example/paired?tenant=hearth&amp;connect_session=con_1" in shown(name).html


def test_what_drivers_and_tenants_wrote_is_text_and_nothing_else() -> None:
    hostile = '"><script>alert(1)</script>{{ 7 * 7 }}{tenant}'
    look = Look(hostile, "#fff; } body { display: none")
    screen = screens.code_screen(scene(made()), "PATTERN", typed=hostile)
    for each in (screen, screens.screen_of(scene(made(), location=hostile), NOW)):
        page = render(each, look, texts("en"))
        assert "<script" not in page.html
        assert "49" not in page.html
        assert "display: none" not in page.html
        parsed(page)


def test_a_problem_is_read_out_first_and_named_in_the_title() -> None:
    page = shown("UNKNOWN_CODE")
    assert "<title>Problem: Enter the code" in page.html
    assert "<title>You have this charger already" in shown("ALREADY_YOURS").html, "which is no problem"
    assert re.search(r'role="alert" tabindex="-1" autofocus', page.html)
    [code] = [attributes for tag, attributes in parsed(page) if tag == "input" and attributes.get("id") == "code"]
    assert code["aria-invalid"] == "true"
    assert str(code["aria-describedby"]).split() == ["problem", "hint", "lead"]


def test_the_progress_page_renews_itself_without_a_script_until_somebody_does_not_want_that() -> None:
    assert shown("progress").headers["Refresh"] == "2"
    assert shown("slow").headers["Refresh"] == "5"
    assert 'role="status"' in shown("progress").html
    assert links("progress")[0] == "?lang=en&auto=no", (
        "the first that the keyboard reaches: there are two seconds for it"
    )
    assert "Refresh" not in shown("still").headers
    ours = [each for each in links("still") if each.startswith("?")]
    assert len(ours) == 1 + len(LANGUAGES)
    assert all(each.endswith("&auto=no") for each in ours), "in another language, too, and looked at again"


def test_a_tenants_phone_page_shows_its_name_and_its_colour() -> None:
    page = render(screens.screen_of(scene(validating()), NOW), Look("Volt", "#ffcc00"), texts("en"))
    assert "<p>Volt</p>" in page.html
    assert ".band { background: #ffcc00; color: #000000; }" in page.html

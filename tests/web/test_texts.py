"""The catalogues say the same things, and a visitor gets the one that he can read."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from offpeak.pairing.connect import ConnectProblem
from offpeak.web.render import TEMPLATES
from offpeak.web.texts import FOLDER, LANGUAGES, language_for, texts

OTHERS = sorted(set(LANGUAGES) - {"en"})


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_language_has_a_catalogue_and_every_catalogue_is_a_language() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(LANGUAGES)


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_all_texts_and_no_other(language: str) -> None:
    assert set(texts(language).by_key) == set(texts("en").by_key)


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_placeholders_of_the_original(language: str) -> None:
    translated = texts(language).by_key
    for key, text in texts("en").by_key.items():
        assert placeholders(translated[key]) == placeholders(text), key


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_one(language: str) -> None:
    same = {key for key, text in texts("en").by_key.items() if texts(language).by_key[key] == text}
    assert same <= {"code.label", "problem.mark", "paired.where"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language: str) -> None:
    assert all(text.strip() == text != "" for text in texts(language).by_key.values())


def test_french_marks_never_begin_a_line() -> None:
    assert [key for key, text in texts("fr").by_key.items() if re.search(r"[ \w][:;!?»]", text)] == []


def test_every_text_is_shown_somewhere_and_every_text_shown_exists() -> None:
    sources = [*TEMPLATES.glob("*.html"), Path(TEMPLATES.parent / "screens.py")]
    written = " ".join(path.read_text() for path in sources)
    problems = {*ConnectProblem, "EMPTY", "PATTERN"} - {ConnectProblem.TOO_MANY_TRIES, ConnectProblem.LOCATION_GONE}
    shown = {key for key in re.findall(r'"([a-z_]+\.[a-z_]+)"', written) if not key.endswith(".html")}
    shown |= {f"problem.{each}" for each in problems}
    ends = (ConnectProblem.TOO_MANY_TRIES, ConnectProblem.LOCATION_GONE)
    shown |= {f"failed.{end}{part}" for end in ends for part in ("", "_heading")}
    assert shown - set(texts("en").by_key) == set()
    assert set(texts("en").by_key) - shown == set()


@pytest.mark.parametrize(
    ("chosen", "told", "accepted", "language"),
    [
        (None, None, None, "en"),
        (None, None, "nl-BE,nl;q=0.9,en;q=0.8", "nl"),
        (None, None, "en;q=0.1, DE-at;q=0.7, fr;q=0.6", "de"),
        (None, None, "es, pt;q=0.9, fr-CA;q=0.1", "fr"),
        (None, None, "de;q=0, fr;q=0.1", "fr"),
        (None, None, "*", "en"),
        (None, None, "de;q=much, ;;;=,", "en"),
        (None, "fr", "nl", "fr"),
        ("de", "fr", "nl", "de"),
        ("xx", None, "nl", "nl"),
        ("../../etc/passwd", "<script>", "nl", "nl"),
    ],
)
def test_a_visitor_reads_his_language(
    chosen: str | None, told: str | None, accepted: str | None, language: str
) -> None:
    assert language_for(chosen=chosen, told=told, accepted=accepted) == language

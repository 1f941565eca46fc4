"""What the pages say, in each language: texts/{language}.toml, which a translator edits.

All catalogues have the same keys, and each text the same {placeholders}: a test holds that.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "texts"
LANGUAGES: Mapping[str, str] = {"en": "English", "nl": "Nederlands", "de": "Deutsch", "fr": "Français"}
"""By what a page says in its `lang`: what speakers of a language call it, in the order in which they are offered."""
USUAL = "en"
MOST_PREFERENCES = 20
"""Of an Accept-Language header that are looked at."""


@dataclass(frozen=True, slots=True)
class Texts:
    language: str
    by_key: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its placeholders filled in: plain text, not HTML. Raises KeyError."""
        return self.by_key[key].format_map(values)

    def has(self, key: str) -> bool:
        return key in self.by_key


@cache
def texts(language: str) -> Texts:
    """Return the catalogue of one of LANGUAGES."""
    return Texts(language, dict(_flat(tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8")))))


def _flat(table: Mapping[str, object], above: str = "") -> Iterable[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, str(value)


def language_for(*, chosen: str | None, told: str | None, accepted: str | None) -> str:
    """Return the language of a page: what the visitor chose on it, else what the app told of him, else what his
    browser prefers (Accept-Language, RFC 9110, 12.5.4), else English."""
    wanted = [chosen, told, *_preferences(accepted or "")]
    return next((each for each in map(_known, wanted) if each), USUAL)


def _known(tag: str | None) -> str | None:
    language = (tag or "").partition("-")[0].lower()
    return language if language in LANGUAGES else None


def _preferences(header: str) -> list[str]:
    weighed = [_weighed(each) for each in header.split(",")[:MOST_PREFERENCES]]
    return [tag for weight, tag in sorted(weighed, key=lambda each: -each[0]) if weight > 0]


def _weighed(preference: str) -> tuple[float, str]:
    tag, _, parameter = preference.partition(";")
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0, tag.strip()
    try:
        return float(value), tag.strip()
    except ValueError:
        return 0.0, tag.strip()

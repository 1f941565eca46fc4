"""Makes HTML of a page: one document without a script, an image or anything else to fetch, and headers that let a
browser run and show no more than that."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from offpeak.tenants.model import Look
from offpeak.web.colours import OURS, palette
from offpeak.web.screens import Screen
from offpeak.web.texts import LANGUAGES, Texts

TEMPLATES = Path(__file__).parent / "templates"
NOTHING: Mapping[str, object] = {
    "problem": None,
    "step": None,
    "back": None,
    "again": False,
    "is_still": False,
    "lead": None,
    "lead_values": {},
}
"""What a page that does not say otherwise shows."""

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Strict-Transport-Security": "max-age=31536000",
    "Vary": "Accept-Language, Cookie",
}


@dataclass(frozen=True, slots=True)
class Page:
    http_status: int
    html: str
    headers: Mapping[str, str]


def render(screen: Screen, look: Look | None, texts: Texts) -> Page:
    """Return a page in a tenant's look; in none where `look` is None, because nobody knows whose it is."""
    style = _environment().get_template("style.css").render(palette=palette(look.colour if look else OURS))
    values = {**NOTHING, **screen.values}
    if values["lead"] is not None:
        values["lead"] = texts(str(values["lead"]), **_mapping(values["lead_values"]))
    still = "&auto=no" if values["is_still"] else ""
    html = (
        _environment()
        .get_template(f"{screen.template}.html")
        .render(
            **values,
            t=texts,
            heading=texts(screen.heading),
            tenant=look.name if look else None,
            here=f"?lang={texts.language}{still}",
            still=still,
            languages=LANGUAGES,
            style=Markup(style),  # noqa: S704 - ours, and colours in it are #rrggbb
        )
    )
    refresh = {"Refresh": str(screen.refresh_s)} if screen.refresh_s else {}
    return Page(
        screen.http_status,
        html,
        {**HEADERS, **refresh, "Content-Security-Policy": _policy(style), "Content-Language": texts.language},
    )


def _policy(style: str) -> str:
    """Nothing may be fetched, run or framed; this one style holds, and forms go to where the page came from."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _mapping(values: object) -> Mapping[str, object]:
    return values if isinstance(values, Mapping) else {}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )

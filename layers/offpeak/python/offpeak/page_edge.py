"""The edge of the pages for drivers: browsers' cookies and forms in, pages and redirects out, errors as pages too."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import Response

from offpeak.errors import ConcurrentChange, MethodNotAllowed, UnknownObject
from offpeak.resolver import Api
from offpeak.telemetry import count, logger
from offpeak.web.render import render
from offpeak.web.screens import BROKEN, UNKNOWN_LINK
from offpeak.web.texts import language_for, texts
from offpeak.web.visit import Shown, Visitor

if TYPE_CHECKING:
    from offpeak.web.visit import GoOn

COOKIE = "__Host-offpeak"
"""Browsers take it from this host over TLS alone, and send it to this host alone."""
OURS = re.compile(r"[A-Za-z0-9_-]{43}")
"""What our cookies are made of."""
COOKIE_KEPT_S = 86_400
ATTRIBUTES = f"Path=/; Max-Age={COOKIE_KEPT_S}; Secure; HttpOnly; SameSite=Lax"
"""Lax and not Strict: an app that opens its link a second time is another site, and means the same browser."""


def page_api() -> Api:
    """Return an empty API whose errors are pages, in the language of whoever meets them."""

    def refuse(error: Exception) -> Response[str]:
        who = visitor(api, "")
        return refusal(error, language_for(chosen=who.language, told=None, accepted=who.accepted))

    api = Api(refuse)
    return api


def visitor(api: Api, token: str) -> Visitor:
    """Return what the browser says of itself."""
    headers = api.current_event.headers
    query: Mapping[str, str] = api.current_event.query_string_parameters or {}
    return Visitor(
        token,
        cookie_in(headers.get("Cookie")),
        query.get("lang"),
        headers.get("Accept-Language"),
        renews=query.get("auto") != "no",
    )


def cookie_in(header: str | None) -> str | None:
    """Return our cookie's value; None where there is none that could be ours."""
    for each in (header or "").split(";"):
        name, _, value = each.strip().partition("=")
        if name == COOKIE and OURS.fullmatch(value):
            return value
    return None


def sent_form(api: Api) -> str:
    """Return the body of a form as text; what is no text is none."""
    body = api.current_event.body or ""
    if not api.current_event.is_base64_encoded:
        return body
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def page(shown: Shown) -> Response[str]:
    """Answer a page, and the cookie that the browser is to keep: each look begins its day anew, or who comes back at
    its end would lose it in the midst of a pairing."""
    made = render(shown.screen, shown.look, texts(shown.language))
    headers: dict[str, str | list[str]] = dict(made.headers)
    if shown.cookie is not None:
        headers["Set-Cookie"] = f"{COOKIE}={shown.cookie}; {ATTRIBUTES}"
    return Response(made.http_status, "text/html; charset=utf-8", made.html, headers=headers)


def goes_on(token: str, done: GoOn) -> Response[str]:
    """Send the browser to look at the page of the link whose form it has sent."""
    headers: dict[str, str | list[str]] = {
        "Location": f"{token}?lang={done.language}",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(303, "text/plain", "", headers=headers)


def refusal(error: Exception, language: str) -> Response[str]:
    """Answer an error with a page that says what to do."""
    if isinstance(error, UnknownObject | MethodNotAllowed):
        return page(Shown(UNKNOWN_LINK, None, language))
    if not isinstance(error, ConcurrentChange):
        logger.exception("request_failed", exc_info=error)
        count("RequestsFailed")
    return page(Shown(BROKEN, None, language))

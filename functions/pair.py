"""The pages on which a driver connects a charger, opened by an app or in a browser: /pair/{token}."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from functools import cache

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import rest_handler
from offpeak.page_edge import goes_on, page, page_api, sent_form, visitor
from offpeak.pairing.ask import ask_for
from offpeak.web.visit import GoOn, Visits, look, send

api = page_api()


@cache
def visits() -> Visits:
    return Visits(
        connects=wiring.connects(),
        accounts=wiring.accounts(),
        tenant=wiring.tenants().load_cached,
        partner=wiring.partners().load_cached,
        ask=lambda session: ask_for(session, wiring.pairing_queue()),
        new_cookie=lambda: secrets.token_urlsafe(32),
        new_charger_id=lambda: f"chg_{secrets.token_urlsafe(16)}",
        real_now=lambda: datetime.now(UTC),
    )


@api.get("/pair/<token>")
def show(token: str) -> Response[str]:
    return page(look(visitor(api, token), visits()))


@api.post("/pair/<token>")
def take(token: str) -> Response[str]:
    done = send(visitor(api, token), sent_form(api), visits())
    return goes_on(token, done) if isinstance(done, GoOn) else page(done)


handler = rest_handler(api)

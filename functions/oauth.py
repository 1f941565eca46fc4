"""Our OAuth2 endpoints: access tokens for partners' and tenants' clients, and the keys to check tokens with."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response

from offpeak import wiring
from offpeak.edge import rest_handler
from offpeak.oauth.token_request import give_token, read_token_request
from offpeak.oauth_edge import answer, form_body, oauth_api

api = oauth_api()
KEYS_KEPT_S = 3600
"""A new key is published for a day before it signs, so whoever keeps the set for an hour is never behind."""


@api.post("/oauth/token")
def post_token() -> Response[str]:
    headers = api.current_event.headers
    asked = read_token_request(headers.get("Content-Type"), form_body(api), headers.get("Authorization"))
    given = give_token(
        asked,
        wiring.token_office(asked.client_id),
        wiring.signer(),
        token_id=secrets.token_urlsafe(16),
        now=datetime.now(UTC),
    )
    return answer(given)


@api.get("/.well-known/jwks.json")
def get_keys() -> Response[str]:
    keys = wiring.signer().look_after_keys(datetime.now(UTC))
    return answer(
        {"keys": [dict(key.public) for key in keys]},
        headers={"Cache-Control": f"public, max-age={KEYS_KEPT_S}"},
    )


handler = rest_handler(api)

"""The edge of our OAuth2 endpoints: forms in, JSON out, errors as RFC 6749, 5.2 writes them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import Response

from offpeak.errors import ConcurrentChange, MethodNotAllowed, TokenRefused, UnknownObject
from offpeak.resolver import Api
from offpeak.telemetry import count, logger

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CHALLENGE = {"WWW-Authenticate": 'Basic realm="offpeak"'}
"""API Gateway hands it on as x-amzn-remapped-www-authenticate: it keeps the real name for itself."""


def oauth_api() -> Api:
    """Return an empty API whose errors are those of OAuth2."""
    return Api(refusal)


def form_body(api: Api) -> str:
    """Return the request's body as text; nothing where it is no text. Raises TokenRefused."""
    body = api.current_event.body or ""
    if not api.current_event.is_base64_encoded:
        return body
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise TokenRefused("invalid_request", "the body is not text in UTF-8") from None


def answer(data: Mapping[str, object], *, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Answer a JSON object; nobody may keep it unless `headers` say so."""
    return _json(200, data, NO_STORE if headers is None else headers)


def refusal(error: Exception) -> Response[str]:
    """Answer an error."""
    if isinstance(error, TokenRefused):
        logger.info("access_token_refused", error=error.error, problem=error.problem)
        count("AccessTokensRefused")
        said = {"error": error.error, "error_description": error.problem}
        is_401 = error.error == "invalid_client"
        return _json(401 if is_401 else 400, said, {**NO_STORE, **(CHALLENGE if is_401 else {})})
    if isinstance(error, UnknownObject | MethodNotAllowed):
        http_status = 404 if isinstance(error, UnknownObject) else 405
        return _json(http_status, {"error": "invalid_request", "error_description": str(error)}, NO_STORE)
    if isinstance(error, ConcurrentChange):
        return _json(503, {"error": "temporarily_unavailable"}, NO_STORE)
    logger.exception("request_failed", exc_info=error)
    count("RequestsFailed")
    return _json(500, {"error": "server_error"}, NO_STORE)


def _json(http_status: int, data: Mapping[str, object], headers: Mapping[str, str]) -> Response[str]:
    text = json.dumps(data, separators=(",", ":"))
    return Response(http_status, "application/json", text, headers=dict(headers))

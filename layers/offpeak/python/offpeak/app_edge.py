"""The edge of the app API: which tenant is calling, and problems (RFC 9457) for whoever lacks something.

Versions of things, pages and answers are those of the operators' API (operator_edge.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from offpeak.errors import NotAuthenticated, UnknownObject
from offpeak.pairing.model import UserKey
from offpeak.telemetry import count

if TYPE_CHECKING:
    from offpeak.resolver import Api

LARGEST_BODY = 32 * 1024
"""Bytes."""
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What ids of ours are made of; others are in no key."""


def app_api() -> Api:
    """Return an empty API whose errors are problem details, and which lets in whom the authoriser found."""
    from offpeak.problems import app_problem
    from offpeak.resolver import Api

    api = Api(app_problem)
    api.use([_let_in])
    return api


def tenant_id(api: Api) -> str:
    """Return which tenant is calling, as the authoriser found out: all that it names is looked for among its own."""
    return str(_told(api)["tenant_id"])


def user_key(api: Api, user_id: str) -> UserKey:
    """Return where a user of the calling tenant is kept. Raises UnknownObject for what can be no id of ours."""
    if not ID.fullmatch(user_id):
        raise UnknownObject(f"there is no user {user_id[:40]}")
    return UserKey(tenant_id(api), user_id)


def gone() -> Response[str]:
    """Answer that something was taken away, or came to an end: 204, without a body."""
    return Response(204, headers={"Cache-Control": "no-store"})


def _let_in(api: APIGatewayRestResolver, go_on: NextMiddleware) -> Response[str]:
    """Refuse whom the authoriser knows but does not let in: it cannot say why itself, its refusals have fixed texts."""
    told = _told(api)
    if "refusal" in told:
        count("CallersRefused")
        raise NotAuthenticated(told["refusal"])
    if "tenant_id" not in told:
        raise NotAuthenticated("the request did not pass the authoriser")
    return go_on(api)


def _told(api: APIGatewayRestResolver) -> dict[str, str]:
    context: dict[str, str] = api.current_event.request_context.authorizer.get_context()
    return context

"""The edge of the app API: which tenant is calling, and problems (RFC 9457) for whoever lacks something.

Versions of things, pages and answers are those of the operators' API (operator_edge.py).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from offpeak.errors import Erased, InvalidMessage, NotAuthenticated, OffpeakError, SecretReplaced, UnknownObject
from offpeak.pairing.model import ChargerKey, UserKey
from offpeak.telemetry import count

if TYPE_CHECKING:
    from offpeak.resolver import Api
    from offpeak.tenants.repeats import RepeatStore

REPLAYED = "Idempotent-Replayed"
"""Says that an answer is the one that was given before."""
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
    return UserKey(tenant_id(api), checked_id("user", user_id))


def charger_key(api: Api, user_id: str, charger_id: str) -> ChargerKey:
    """Return where a charger of a user is kept. Raises UnknownObject for what can be no id of ours."""
    return ChargerKey(user_key(api, user_id), checked_id("charger", charger_id))


def checked_id(what: str, said: str) -> str:
    """Return an id that may be a key. Raises UnknownObject for what can be no id of ours."""
    if not ID.fullmatch(said):
        raise UnknownObject(f"there is no such {what}")
    return said


def idempotent(
    api: Api,
    repeats: RepeatStore,
    make: Callable[[str], Response[str]],
    *,
    about: str | Callable[[str], str] | None = None,
    again: Callable[[str], Response[str]] | None = None,
) -> Response[str]:
    """Answer a POST that its caller may send again with the same Idempotency-Key: it is done once.

    `make(chance)` does it: all its ids are made of `chance`, a text of 22 characters that are fit for ids, and what is
    there already by those ids is answered like what is new, because whoever did it first may have died before he could
    answer. `about` is the id of the user whom the answer is about (or makes it of the chance), so that it is erased
    with him. An answer that holds a secret is not kept: `again(chance)` gives it once more, of what is there by then
    (it may be `make` itself, where that makes nothing twice).

    Raises InvalidMessage for a key that cannot be one or was used for another request, BeingDone, Erased, and
    what `make` and `again` raise.
    """
    from offpeak.tenants.repeats import GONE, HEADER, LONGEST_KEY, Asked, KeptAnswer

    event, chance, now = api.current_event, secrets.token_urlsafe(16), datetime.now(UTC)
    key = event.headers.get(HEADER)
    if key is None:
        return make(chance)
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InvalidMessage(HEADER, f"must have 1 to {LONGEST_KEY} printable characters of ASCII")
    asked = Asked(tenant_id(api), key, f"{event.http_method} {event.path}\n{event.body or ''}".encode())
    whom = about if about is None or isinstance(about, str) else about(chance)
    turn = repeats.begin(asked, whom, chance, now=now)
    if turn.answered is not None:
        if turn.answered.http_status == GONE:
            raise Erased("what this request made was erased since, with its user")
        if again is not None:
            return again(turn.chance)
        headers: dict[str, str | list[str]] = {**turn.answered.headers, REPLAYED: "true"}
        return Response(turn.answered.http_status, "application/json", turn.answered.body, headers=headers)
    try:
        answer = make(turn.chance)
    except OffpeakError as error:
        # Who says that what was made is no more follows somebody who died before he could answer. Were his request
        # forgotten, the same one once more would make another.
        was_done = isinstance(error, Erased | SecretReplaced)
        (repeats.let_go if error.retry or was_done else repeats.refuse)(asked)
        raise
    except Exception:
        repeats.let_go(asked)
        raise
    headers_kept = {name: str(value) for name, value in answer.headers.items()}
    whom = about if about is None or isinstance(about, str) else about(turn.chance)
    body = None if again is not None else answer.body
    repeats.finish(asked, whom, KeptAnswer(answer.status_code, headers_kept, body), now=now)
    return answer


def taken_on(data: object, location: str) -> Response[str]:
    """Answer that something was begun, and where it is told how far it is: 202."""
    from offpeak.ocpi.wire_json import write_json

    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store", "Location": location}
    return Response(202, "application/json", write_json(data), headers=headers)


def gone() -> Response[str]:
    """Answer that something was taken away, or came to an end: 204, without a body."""
    return Response(204, body="", headers={"Cache-Control": "no-store"})


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

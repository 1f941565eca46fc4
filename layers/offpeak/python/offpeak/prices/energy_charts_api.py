"""The Energy-Charts API of Fraunhofer ISE, which needs no key: how it is asked, whatever about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any, NoReturn

import httpx

from offpeak.errors import PeerUnavailable, PeerUnusable

TIMEOUT_S = 5.0
LARGEST_ANSWER_BYTES = 1_000_000

QUARTER_S = 900
LAST_STAMP = 2**33


def ask(
    url: str, path: str, parameters: Mapping[str, str], what: str, transport: httpx.BaseTransport | None = None
) -> bytes:
    """Return the body that the API at `url` answers; `what` names the feed in errors, `transport` is for tests.

    Raises PeerUnavailable when asking again may help, PeerUnusable when the answer makes no sense.
    """
    try:
        with (
            httpx.Client(timeout=TIMEOUT_S, transport=transport, trust_env=False) as client,
            client.stream("GET", f"{url.rstrip('/')}{path}", params=dict(parameters)) as response,
        ):
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.status_code >= 500:
                raise PeerUnavailable(f"{what} answered HTTP {response.status_code}")
            if response.status_code != httpx.codes.OK:
                refuse(what, f"answered HTTP {response.status_code}")
            return _bounded(response, what)
    except httpx.HTTPError as error:
        raise PeerUnavailable(f"{what} did not answer: {type(error).__name__}") from error


def read_answer(body: bytes, what: str) -> Mapping[str, Any]:
    """Return the JSON object in an answer, its numbers exact. Raises PeerUnusable."""
    try:
        answer = json.loads(body, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise PeerUnusable(3001, f"{what}: the answer is not JSON") from error
    if not isinstance(answer, dict):
        refuse(what, "the answer is not a JSON object")
    return answer


def columns(answer: Mapping[str, Any], what: str, *names: str) -> tuple[list[int], list[list[Any]]]:
    """Return the stamps of an answer, which begin quarter-hours and ascend, and the columns beside them, not looked
    into. Raises PeerUnusable."""
    stamps, beside = answer.get("unix_seconds"), [answer.get(name) for name in names]
    if not isinstance(stamps, list) or not all(isinstance(each, list) and len(each) == len(stamps) for each in beside):
        refuse(what, f"unix_seconds and {', '.join(names)} are not lists of one length")
    if not all(type(stamp) is int and stamp % QUARTER_S == 0 and 0 <= stamp < LAST_STAMP for stamp in stamps):
        refuse(what, "unix_seconds has a value that begins no quarter-hour")
    if any(later <= earlier for earlier, later in pairwise(stamps)):
        refuse(what, "unix_seconds does not ascend")
    return stamps, [each for each in beside if isinstance(each, list)]


def number(value: object, what: str, name: str, lowest: int, highest: int) -> Decimal | None:
    """Return a number within bounds, None for null. Raises PeerUnusable."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        refuse(what, f"{name} has a value that is not a number")
    if not lowest <= value <= highest:
        refuse(what, f"{name} has a value beyond all limits")
    return Decimal(value)


def refuse(what: str, problem: str) -> NoReturn:
    raise PeerUnusable(3001, f"{what}: {problem}")


def _bounded(response: httpx.Response, what: str) -> bytes:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            refuse(what, "answer is too large")
    return body

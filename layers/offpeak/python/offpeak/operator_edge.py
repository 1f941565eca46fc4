"""The edge of the operator API: who signed the request, which version of a thing it has seen, and pages of lists."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from offpeak.errors import InvalidMessage, NotAuthenticated, OutOfDate
from offpeak.ocpi.wire_json import write_json
from offpeak.partners.audit import Actor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_lambda_powertools.event_handler import Response

    from offpeak.partners.audit import Entry
    from offpeak.resolver import Api

ROOT = "/ops/v1/"
USUAL_PAGE = 50
LARGEST_PAGE = 100
LONGEST_CURSOR = 1200
"""Characters, which are 900 bytes: part of a key, and DynamoDB refuses a key over 1,024 bytes with an error of its own.
Ours are shorter, the longest session id included."""


def operator_api() -> Api:
    """Return an empty API whose errors are problem details (RFC 9457)."""
    from offpeak.problems import problem
    from offpeak.resolver import Api

    return Api(problem)


def operator(api: Api) -> Actor:
    """Return who signed the request, as API Gateway checked it (AWS Signature Version 4)."""
    arn = api.current_event["requestContext"].get("identity", {}).get("userArn")
    if not arn:
        raise NotAuthenticated("the request is not signed by an IAM identity")
    return Actor(arn, "api")


def seen_revision(api: Api) -> int | None:
    """Return the revision that the request's If-Match names; None for `*`, which stands for any.

    Raises OutOfDate where there is none: whoever changes a thing has to say which version he has looked at.
    """
    header = api.current_event.headers.get("If-Match")
    if header is None:
        raise OutOfDate("say in If-Match which version you have seen: GET tells it as ETag", is_missing=True)
    if header.strip() == "*":
        return None
    tag = re.fullmatch(r'\s*"(\d{1,18})"\s*', header)
    if tag is None:
        raise OutOfDate("If-Match is no ETag that we gave out")
    return int(tag[1])


def page_asked(api: Api) -> tuple[str | None, int]:
    """Return the place where the page starts that the query asks for, None for the first, and how many items it wants.

    Raises InvalidMessage naming the parameter.
    """
    query = api.current_event.query_string_parameters or {}
    limit = query.get("limit", str(USUAL_PAGE))
    if not re.fullmatch(r"\d{1,4}", limit) or not 1 <= int(limit) <= LARGEST_PAGE:
        raise InvalidMessage("limit", f"must be a number from 1 to {LARGEST_PAGE}")
    return _place(query.get("cursor")), int(limit)


def cursor_at(place: str | None) -> str | None:
    """Return what leads to the page that starts at `place`: opaque, and fit for a query."""
    return None if place is None else base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def audit_asked(api: Api) -> tuple[int | None, int]:
    """Return the entry of an audit trail before which the page is that the query asks for, None for the newest, and how
    many entries it wants. Raises InvalidMessage naming the parameter."""
    place, limit = page_asked(api)
    if place is not None and not place.isdecimal():
        raise InvalidMessage("cursor", "is none that we gave out")
    return int(place) if place else None, limit


def audit_answer(entries: Sequence[Entry]) -> Response[str]:
    """Answer a page of an audit trail, newest first; it begins with entry 1."""
    from offpeak.partners.show import entry_shown

    oldest = entries[-1].number if entries else 1
    following = cursor_at(str(oldest) if oldest > 1 else None)
    return answer({"entries": [entry_shown(each) for each in entries], "next": following})


def here(api: Api, path: str) -> str:
    """Return the address of a path of this API, as a path on the server that was asked."""
    before, *_ = api.current_event["requestContext"]["path"].partition(ROOT)
    return f"{before}{path}"


def answer(data: object, *, revision: int | None = None, location: str | None = None) -> Response[str]:
    """Answer a JSON object: at 201 where `location` says what was made, else at 200."""
    from aws_lambda_powertools.event_handler import Response

    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    if revision is not None:
        headers["ETag"] = f'"{revision}"'
    if location is not None:
        headers["Location"] = location
    return Response(201 if location else 200, "application/json", write_json(data), headers=headers)


def _place(cursor: str | None) -> str | None:
    if not cursor:
        return None
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError("longer than any of ours")
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidMessage("cursor", "is none that we gave out") from None

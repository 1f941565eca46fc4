"""A list of objects that a CPO serves in pages, and all that may be wrong with it (OCPI 2.2.1, 4.1.4)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.cpo.wire import Json, envelope, read_instant

MOST_LISTED = 100
BAD_OBJECTS: tuple[Json, ...] = ("no object", {"id": "BAD-1"}, {"id": "BAD-2", "kwh": -1, "evses": "none"})


@dataclass(frozen=True, slots=True)
class ListTrouble:
    """What goes wrong with pages. The defaults are a list without fault."""

    page_size: int = MOST_LISTED
    leads_to: str | None = None
    """Links lead to this server (https://other.example) in place of our own."""
    leads_in_a_circle: bool = False
    """The last page links to the first."""
    has_bad_objects: bool = False
    """Each page begins with objects that are none of the list's."""
    filler_bytes: int = 0
    """Each page is so much larger."""
    counts: bool = True
    """Whether pages carry X-Total-Count and X-Limit."""
    http_status: int | None = None
    """Answer with this HTTP status instead."""
    dies: bool = False
    """Break the connection off in the middle of the page."""
    slow_s: float = 0.0
    """Real seconds before the answer; longer than the caller waits for is silence."""
    from_page: int = 1
    """Pages before this one are without fault, page size and counts excepted."""
    pages: int | None = None
    """So many pages are treated so, then the CPO has mended its ways; None: all of them."""


@dataclass(frozen=True, slots=True)
class ListCall:
    """A call on the list: when it came, in real time, and what it asked for."""

    received_at: datetime
    query: Mapping[str, str]

    @property
    def offset(self) -> int:
        return max(int(self.query.get("offset", 0)), 0)


class ObjectList:
    """The objects of one module. `archive` holds those that are in the CPO's books since before the simulation.

    Only the list of sessions `needs_date_from` (OCPI 2.2.1, 9.2.1.1).
    """

    def __init__(self, *, needs_date_from: bool = False) -> None:
        self._needs_date_from = needs_date_from
        self.calls: list[ListCall] = []
        self.archive: list[Mapping[str, Json]] = []
        self._trouble = ListTrouble()
        self._troubled = 0

    def order(self, trouble: ListTrouble) -> None:
        """Treat calls so from now on."""
        self._trouble, self._troubled = trouble, 0

    def put(self, said: Mapping[str, Json]) -> None:
        """List an object as it is now."""
        self.archive = [each for each in self.archive if each["id"] != said["id"]] + [said]

    async def answer(
        self, request: Request, here: str, begun: Iterable[tuple[datetime, Mapping[str, Json]]], now: datetime
    ) -> Response:
        """Answer a call at the address `here`; `begun` are more objects, with their last updates.

        Raises ValueError for a query that cannot be understood.
        """
        call = ListCall(datetime.now(UTC), dict(request.query_params))
        if self._needs_date_from and "date_from" not in call.query:
            raise ValueError("date_from is required")
        date_from, date_to = (
            read_instant(call.query[name]) if name in call.query else None for name in ("date_from", "date_to")
        )
        trouble = self._next_trouble(call)
        self.calls.append(call)
        await asyncio.sleep(trouble.slow_s)
        if trouble.http_status is not None:
            return Response(status_code=trouble.http_status)
        known = [*((read_instant(str(each["last_updated"])), each) for each in self.archive), *begun]
        found = [
            each for at, each in known if (date_from is None or date_from <= at) and (date_to is None or at < date_to)
        ]
        end = call.offset + min(max(int(call.query.get("limit", MOST_LISTED)), 1), trouble.page_size)
        page: list[Json] = [*(BAD_OBJECTS if trouble.has_bad_objects else ()), *found[call.offset : end]]
        body = {**envelope(now, data=page), "filler": "x" * trouble.filler_bytes}
        headers = {}
        if trouble.counts:
            headers = {"X-Total-Count": str(len(found)), "X-Limit": str(trouble.page_size)}
        following = end if end < len(found) else 0 if trouble.leads_in_a_circle else None
        if following is not None:
            there = here.replace("/".join(here.split("/")[:3]), trouble.leads_to) if trouble.leads_to else here
            headers["Link"] = f'<{there}?{urlencode({**call.query, "offset": following})}>; rel="next"'
        text = json.dumps(body).encode()
        answer = _HalfSent if trouble.dies else Response
        return answer(text, headers=headers, media_type="application/json")

    def _next_trouble(self, call: ListCall) -> ListTrouble:
        """Return how a call is treated, and count it."""
        ordered = self._trouble
        number = call.offset // ordered.page_size + 1
        if number < ordered.from_page or (ordered.pages is not None and self._troubled >= ordered.pages):
            return replace(ListTrouble(), page_size=ordered.page_size, counts=ordered.counts)
        self._troubled += 1
        return ordered


class _HalfSent(Response):
    """An answer whose connection breaks in the middle of the body."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})

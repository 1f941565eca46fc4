"""Lists at partners, page by page (OCPI 2.2.1, 4.1.4; CONFORMANCE T9, T10).

The next page is where the Link header says, and nowhere else: offsets are the peer's affair. A Link is what a peer
supplies, so it stays on the server that was asked first, and a walk of pages that leads nowhere ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from offpeak.errors import InvalidMessage, PeerRefused, PeerUnavailable, PeerUnusable, UnparseableBody
from offpeak.ocpi.client import LONGEST_MESSAGE, OcpiClient
from offpeak.ocpi.envelope import RequestIds, Routing, Status
from offpeak.ocpi.guarded_http import HttpAnswer
from offpeak.ocpi.peer_address import origin_of
from offpeak.ocpi.tokens import PeerToken
from offpeak.ocpi.wire_json import JsonValue, read_list

PAGE_S = 10.0
"""The time for one page, from the look-up of the name to the last byte."""
LARGEST_PAGE = 4 * 1024 * 1024
MOST_ITEMS = 500
"""Of a page; we ask for fewer."""
MOST_PAGES = 5000
"""Of one walk."""
LONGEST_LINK = 2000
"""Characters. OCPI's 255 are for URLs in objects; cursors in Links are longer."""
LONGEST_HEADER = 4 * LONGEST_LINK
LARGEST_TOTAL = 10**9

Item = TypeVar("Item")

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s;,=]+\s*(?:=\s*(?:\"[^\"]*\"|[^\s;,\"]+))?)*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `total` is how many items the peer counts in the whole list, None where it does not say."""

    items: tuple[JsonValue | InvalidMessage, ...]
    next_url: str | None
    total: int | None
    fingerprint: str
    """Equal for pages with the same items; empty for a page without any."""


@dataclass(frozen=True, slots=True)
class Trail:
    """How far a walk has come, and one page of it that later ones are compared with.

    The mark moves on to pages 1, 2, 4, 8 and so on, so any circle is noticed within a few rounds of it, however long
    it is, and the walk needs no memory of all its pages (R. P. Brent, "An improved Monte Carlo factorization
    algorithm", 1980).
    """

    pages: int = 0
    url_mark: str = ""
    content_mark: str = ""

    def after(self, url: str, page: Page) -> Trail:
        """Return the trail with one more page. Raises PeerUnusable where the walk goes in a circle, or too far."""
        url_mark = _digest(url)
        if url_mark == self.url_mark or (page.fingerprint and page.fingerprint == self.content_mark):
            raise _unusable(f"its Links lead in a circle: page {self.pages + 1} was there before")
        if self.pages == MOST_PAGES:
            raise _unusable(f"its list has more than {MOST_PAGES} pages")
        pages = self.pages + 1
        if pages & (pages - 1):
            return Trail(pages, self.url_mark, self.content_mark)
        return Trail(pages, url_mark, page.fingerprint)


def get_page(
    client: OcpiClient,
    url: str,
    token: PeerToken,
    *,
    endpoint: str,
    ids: RequestIds,
    raw_token: bool = False,
    routing: Routing | None = None,
    timeout_s: float = PAGE_S,
) -> Page:
    """Ask for the page at `url`, which begins the list at `endpoint` or is a Link from there.

    A Link that was kept is no good any more when the partner has moved: its token is for where it is now. Raises
    PeerUnavailable for what may go better later, PeerUnusable for a page, or a Link, that we do not take.
    """
    if origin_of(url) != origin_of(endpoint):
        raise _unusable("its list has moved to another server since this page was linked to")
    address, _, query = url.partition("?")
    answer = client.fetch(
        "GET",
        address,
        token,
        ids=ids,
        raw_token=raw_token,
        routing=routing,
        params=query or None,
        timeout_s=timeout_s,
        largest=LARGEST_PAGE,
    )
    items = _items(answer)
    return Page(
        items=tuple(items),
        next_url=next_link(answer.headers.get("link"), url, endpoint),
        total=_count(answer.headers.get("x-total-count")),
        fingerprint=_digest(repr(items)) if items else "",
    )


def next_link(header: str | None, url: str, endpoint: str) -> str | None:
    """Return the address of the next page by a Link header (RFC 8288), None after the last page.

    `url` is the page's own address, against which a relative Link is read. Raises PeerUnusable for a Link that leaves
    the server of `endpoint`, and for one that cannot be read: to end there would pass for the end of the list.
    """
    if header is None or not header.strip():
        return None
    links = list(_LINK.finditer(header)) if len(header) <= LONGEST_HEADER else []
    if not links:
        raise _unusable("its Link header cannot be read")
    targets = [link[1].strip() for link in links if "next" in _relations(link[2])]
    if not targets:
        return None
    target = targets[0]
    if len(target) > LONGEST_LINK or not target.isascii() or not target.isprintable() or " " in target:
        raise _unusable("its Link is too long, or holds characters that no URL has")
    try:
        following: str = urljoin(url, target)
        is_there = origin_of(following) == origin_of(endpoint)
    except ValueError:
        raise _unusable("its Link is no URL") from None
    if not is_there:
        raise _unusable(f"its Link leaves {urlsplit(endpoint).netloc} for another server, {following[:100]!r}")
    return following.partition("#")[0]


def newest(
    items: Iterable[Item], identity: Callable[[Item], object], stamp: Callable[[Item], datetime]
) -> dict[object, Item]:
    """Return the newest item of each identity; of those with equal stamps, the last."""
    found: dict[object, Item] = {}
    for item in items:
        before = found.get(identity(item))
        if before is None or stamp(item) >= stamp(before):
            found[identity(item)] = item
    return found


def _items(answer: HttpAnswer) -> list[JsonValue | InvalidMessage]:
    if answer.http_status == 429:
        raise PeerUnavailable("the peer answered HTTP 429")
    if answer.http_status in (401, 403):
        raise PeerRefused(answer.http_status, f"the list was answered with HTTP {answer.http_status}")
    try:
        envelope, items = read_list(answer.body.decode(), "data")
    except (UnicodeDecodeError, UnparseableBody, InvalidMessage) as error:
        problem = f"HTTP {answer.http_status}" if answer.http_status >= 300 else f"a page that is not readable: {error}"
        raise _unusable(f"the list was answered with {problem}") from error
    status, message = envelope.get("status_code"), envelope.get("status_message")
    if answer.http_status >= 300 or not isinstance(status, int) or not 1000 <= status < 2000:
        said = f"HTTP {answer.http_status}, OCPI {status}: {str(message or '')[:LONGEST_MESSAGE]}"
        if isinstance(status, int) and status >= 3000:
            raise PeerUnavailable(f"the list was answered with {said}")
        raise _unusable(f"the list was answered with {said}")
    if len(items) > MOST_ITEMS:
        raise _unusable(f"a page has {len(items)} objects, {MOST_ITEMS} are taken")
    return items


def _relations(parameters: str) -> list[str]:
    """The relation types of a link; of several `rel` the first counts (RFC 8288, 3.3)."""
    found = _REL.search(parameters)
    return (found[1] if found[1] is not None else found[2]).lower().split() if found else []


def _count(text: str | None) -> int | None:
    count = int(text) if text and text.strip().isdecimal() and len(text) < 20 else LARGEST_TOTAL
    return count if count < LARGEST_TOTAL else None


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _unusable(problem: str) -> PeerUnusable:
    return PeerUnusable(Status.PEER_UNUSABLE, problem)

"""Lists at a partner: its Links are followed, on its own server and only so far (CONFORMANCE T9, T10)."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.errors import InvalidMessage, PeerUnavailable, PeerUnusable
from offpeak.ocpi.client import OcpiClient
from offpeak.ocpi.envelope import RequestIds
from offpeak.ocpi.paging import LARGEST_PAGE, MOST_ITEMS, MOST_PAGES, Page, Trail, get_page, newest, next_link
from offpeak.ocpi.peer_address import PeerAddressRule
from offpeak.ocpi.wire_json import JsonValue
from tests.ocpi.peer import Answering, Peer, Respond, ocpi, text

ENDPOINT = "https://cpo.example/ocpi/sessions"
NEXT = f"{ENDPOINT}?offset=10"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Listing:
    """A server's list: `page(offset, limit)` is what it answers, without a network."""

    items: list[JsonValue] = field(default_factory=list)
    page_size: int = 10

    def page(self, url: str) -> Page:
        offset = int(parse_qs(urlsplit(url).query).get("offset", ["0"])[0])
        end = offset + self.page_size
        link = f'<{ENDPOINT}?offset={end}>; rel="next"' if end < len(self.items) else None
        shown = tuple(self.items[offset:end])
        return Page(shown, next_link(link, url, ENDPOINT), len(self.items), f"{shown}" if shown else "")


def walk(page_at: dict[str, Page] | Listing, first: str = ENDPOINT) -> list[Page]:
    pages, trail, url = [], Trail(), first
    while True:
        page = page_at.page(url) if isinstance(page_at, Listing) else page_at[url]
        trail = trail.after(url, page)
        pages.append(page)
        if page.next_url is None:
            return pages
        url = page.next_url


# -- walking


@given(st.integers(0, 300), st.integers(1, 40))
def test_a_walk_sees_each_item_once_and_in_order_whatever_the_size_of_the_pages(items: int, page_size: int) -> None:
    """T9"""
    pages = walk(Listing(list(range(items)), page_size))
    assert [item for page in pages for item in page.items] == list(range(items))


@given(tail=st.integers(0, 60), circle=st.integers(1, 60))
def test_a_circle_of_links_ends_soon_wherever_it_begins(tail: int, circle: int) -> None:
    """T9"""
    urls = [f"{ENDPOINT}?page={number}" for number in range(tail + circle)]
    follow = {url: urls[number + 1] if number + 1 < len(urls) else urls[tail] for number, url in enumerate(urls)}
    pages = {url: Page((url,), follow[url], None, url) for url in urls}
    with pytest.raises(PeerUnusable, match="circle") as ended:
        walk(pages, urls[0])
    asked = int(str(ended.value).split("page ")[1].split()[0])
    assert asked <= 3 * (tail + circle) + 2


def test_a_server_that_heeds_no_offset_is_noticed_by_its_second_page() -> None:
    """T9"""
    same = Page(("A", "B"), NEXT, None, "same")
    with pytest.raises(PeerUnusable, match="page 2 was there before"):
        Trail().after(f"{ENDPOINT}?offset=0", same).after(f"{ENDPOINT}?offset=2", same)


def test_empty_pages_are_no_circle() -> None:
    """T9"""
    trail = Trail()
    for number in range(20):
        trail = trail.after(f"{ENDPOINT}?after={number}", Page((), NEXT, None, ""))
    assert trail.pages == 20


def test_a_list_without_end_is_left() -> None:
    """T9"""
    trail = Trail(pages=MOST_PAGES)
    with pytest.raises(PeerUnusable, match=f"more than {MOST_PAGES} pages"):
        trail.after(ENDPOINT, Page((), NEXT, None, ""))


# -- the Link header


@pytest.mark.parametrize(
    ("header", "following"),
    [
        (None, None),
        ("", None),
        (f'<{NEXT}>; rel="next"', NEXT),
        (f"<{NEXT}>; rel=next", NEXT),
        (f"<{NEXT}>;REL=Next", NEXT),
        (f'<{NEXT}> ; title="a, b; c" ; rel="next"', NEXT),
        (f'<{NEXT}>; rel="last next"', NEXT),
        (f'<{ENDPOINT}?offset=0>; rel="prev", <{NEXT}>; rel="next"', NEXT),
        (f'<{ENDPOINT}?ids=1,2>; rel="next"', f"{ENDPOINT}?ids=1,2"),
        (f'<{ENDPOINT}?offset=0>; rel="prev"', None),
        (f"<{ENDPOINT}?offset=0>", None),
        (f'<{NEXT}>; rev="next"', None),
        (f'<{NEXT}>; rel="prev"; rel="next"', None),
        ('<?offset=10>; rel="next"', NEXT),
        ('</ocpi/sessions?offset=10>; rel="next"', NEXT),
        (
            '<https://CPO.example:443/ocpi/sessions?offset=10>; rel="next"',
            "https://CPO.example:443/ocpi/sessions?offset=10",
        ),
        (f'<{NEXT}#there>; rel="next"', NEXT),
    ],
)
def test_the_next_page_is_where_the_link_says(header: str | None, following: str | None) -> None:
    """T9"""
    assert next_link(header, ENDPOINT, ENDPOINT) == following


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/ocpi/sessions?offset=10",
        "https://cpo.example.evil.example/ocpi/sessions",
        "https://cpo.example:8443/ocpi/sessions",
        "http://cpo.example/ocpi/sessions",
        "//evil.example/ocpi/sessions",
        "https://cpo.example@evil.example/",
        "https://user:secret@cpo.example/ocpi/sessions",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::1/",
        "file:///etc/passwd",
        "https://cpo.example:port/",
        f"{ENDPOINT}?a= b",
        f"{ENDPOINT}?a=é",
        f"{ENDPOINT}?{'x' * 2000}",
    ],
)
def test_a_link_that_leads_elsewhere_is_not_followed(target: str) -> None:
    """T9, C7"""
    with pytest.raises(PeerUnusable, match="its Link"):
        next_link(f'<{target}>; rel="next"', ENDPOINT, ENDPOINT)


@pytest.mark.parametrize("header", [f'{NEXT}; rel="next"', "next", "<", " " * 9000 + "x"])
def test_a_link_that_cannot_be_read_is_not_taken_for_the_end(header: str) -> None:
    """T9"""
    with pytest.raises(PeerUnusable, match="cannot be read"):
        next_link(header, ENDPOINT, ENDPOINT)


@given(st.text(max_size=200))
def test_no_link_leads_off_the_server(target: str) -> None:
    """T9, C7"""
    try:
        following = next_link(f'<{target}>; rel="next"', ENDPOINT, ENDPOINT)
    except PeerUnusable:
        return
    if following is not None:
        parts = urlsplit(following)
        assert (parts.scheme, parts.hostname, parts.port or 443) == ("https", "cpo.example", 443)


# -- items


def test_the_newest_of_each_id_stays_wherever_it_stands() -> None:
    """T9"""
    older, newer = ("A", NOON, "older"), ("A", NOON + timedelta(seconds=1), "newer")
    other = ("B", NOON, "other")
    for order in ([older, newer, other], [newer, other, older]):
        found = newest(order, identity=lambda item: item[0], stamp=lambda item: item[1])
        assert sorted(found.values()) == [newer, other]


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 5), st.integers())))
def test_of_each_id_one_item_stays_and_none_of_it_is_newer(items: list[tuple[str, int, int]]) -> None:
    """T9"""
    found = newest(items, identity=lambda item: item[0], stamp=lambda item: NOON + timedelta(seconds=item[1]))
    assert found.keys() == {name for name, *_ in items}
    assert all(found[name][1] >= stamp for name, stamp, _ in items)


# -- over the wire


def get(peer: Peer, path: str = "/sessions", timeout_s: float = 1.0) -> Page:
    return get_page(
        OcpiClient(PeerAddressRule(loopback=True)),
        peer.url + path,
        "token",
        endpoint=f"{peer.url}/sessions",
        ids=RequestIds("request-1", "chain-1"),
        timeout_s=timeout_s,
    )


def listed(*items: str, **headers: str) -> Respond:
    """A page of items that are written as they are."""
    body = f'{{"status_code": 1000, "timestamp": "2026-01-31T12:00:00Z", "data": [{", ".join(items)}]}}'
    return text(body, **headers)


def test_a_page_has_its_items_its_link_and_its_counts(peer: Peer) -> None:
    """T9"""
    link = f'<{peer.url}/sessions?offset=2>; rel="next"'
    peer.answers["/sessions"] = listed('{"kwh": 1.10}', "{}", Link=link, X_Total_Count="7", X_Limit="2")
    page = get(peer, "/sessions?date_from=2026-01-31T00%3A00%3A00Z&limit=100")
    assert page.items == ({"kwh": Decimal("1.10")}, {})
    assert (page.next_url, page.total) == (f"{peer.url}/sessions?offset=2", 7)
    assert peer.requests[0].path == "/sessions?date_from=2026-01-31T00%3A00%3A00Z&limit=100"


@pytest.mark.parametrize("count", [None, "many", "-1", "9" * 30])
def test_counts_may_be_missing_or_nonsense(peer: Peer, count: str | None) -> None:
    """T9"""
    peer.answers["/sessions"] = listed("{}", **({} if count is None else {"X_Total_Count": count}))
    assert get(peer).total is None


@pytest.mark.parametrize("data", ["[]", "null", '{"status_code": 1000}'])
def test_a_list_without_data_is_empty(peer: Peer, data: str) -> None:
    """T13"""
    peer.answers["/sessions"] = text(data if "status" in data else f'{{"status_code": 1000, "data": {data}}}')
    page = get(peer)
    assert (page.items, page.next_url, page.fingerprint) == ((), None, "")


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        ('{"kwh": NaN}', "kwh"),
        ('{"kwh": 1e999}', "kwh"),
        ('{"a": {"b": [1, -Infinity]}}', "a.b.1"),
        ('{"id": "A", "id": "B"}', "id"),
        ('{"id": "\\ud800"}', "id"),
        ("[" * 30 + "]" * 30, ".".join("0" * 24)),
    ],
)
def test_a_bad_object_spoils_itself_only(peer: Peer, bad: str, where: str) -> None:
    """T10"""
    peer.answers["/sessions"] = listed('{"id": "A"}', bad, '{"id": "C"}')
    first, wrong, last = get(peer).items
    assert (first, last) == ({"id": "A"}, {"id": "C"})
    assert isinstance(wrong, InvalidMessage)
    assert wrong.field == where


@pytest.mark.parametrize(
    "respond",
    [
        text("<html>"),
        text("[]"),
        text('{"status_code": 1000, "data": {}}'),
        text('{"status_code": 1000, "data": "none"}'),
        text('{"status_code": NaN, "data": []}'),
        text('{"status_code": 1000, "data": [], "data": [{}]}'),
        text('{"data": []}'),
        ocpi([], status=2001),
        ocpi([], http_status=404),
        ocpi([], http_status=401),
        text("{}", http_status=302, Location="http://127.0.0.1/"),
        ocpi([{}] * (MOST_ITEMS + 1)),
        text(" " * (LARGEST_PAGE + 1)),
        text('{"status_code": 1000, "data": []}', Link='<https://evil.example/>; rel="next"'),
    ],
)
def test_what_is_no_page_of_a_list_is_not_taken(peer: Peer, respond: Respond) -> None:
    """T9, T10"""
    peer.answers["/sessions"] = respond
    with pytest.raises(PeerUnusable):
        get(peer)


def test_a_link_that_was_kept_is_not_called_once_the_partner_has_moved(peer: Peer) -> None:
    """C7"""
    peer.answers["/sessions"] = listed()
    client = OcpiClient(PeerAddressRule(loopback=True))
    with pytest.raises(PeerUnusable, match="moved"):
        get_page(client, f"{peer.url}/sessions?offset=9", "token", endpoint=ENDPOINT, ids=RequestIds("r", "c"))
    assert peer.requests == []


@pytest.mark.parametrize("respond", [ocpi(http_status=503), ocpi(http_status=429), ocpi([], status=3000)])
def test_a_peer_that_cannot_just_now_may_be_asked_later(peer: Peer, respond: Respond) -> None:
    peer.answers["/sessions"] = respond
    with pytest.raises(PeerUnavailable):
        get(peer)


def dies_in_the_middle(it: Answering) -> None:
    it.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"status_code": 1000, "data": [{}')
    it.wfile.flush()
    it.connection.shutdown(socket.SHUT_RDWR)
    it.close_connection = True


def trickles(it: Answering) -> None:
    it.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(40):
        it.wfile.write(b" ")
        it.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("respond", [dies_in_the_middle, trickles])
def test_a_peer_that_dies_or_dawdles_in_the_middle_is_cut_off(peer: Peer, respond: Respond) -> None:
    """T9"""
    peer.answers["/sessions"] = respond
    began = time.monotonic()
    with pytest.raises(PeerUnavailable):
        get(peer, timeout_s=0.4)
    assert time.monotonic() - began < 1


def test_a_page_is_read_as_it_is_written_elsewhere(peer: Peer) -> None:
    """The reader of lists and the reader of answers agree on what is a good document."""
    data = [{"id": "A", "kwh": 0.25, "periods": [{"volume": None}, True]}]
    peer.answers["/sessions"] = ocpi(data)
    assert json.loads(json.dumps(get(peer).items, default=float)) == data

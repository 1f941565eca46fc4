"""Calls to a partner's real server, which misbehaves."""

from __future__ import annotations

import re
import socket
import time
from base64 import b64encode
from decimal import Decimal

import pytest

from offpeak.errors import PeerUnavailable, PeerUnusable
from offpeak.ocpi.client import LARGEST_ANSWER, OcpiAnswer, OcpiClient
from offpeak.ocpi.envelope import RequestIds, Routing
from offpeak.ocpi.peer_address import PeerAddressRule
from tests.ocpi.peer import Answering, Peer, Respond, ocpi, text

IDS = RequestIds("request-1", "chain-1")
TOKEN = "partner's-token"


@pytest.fixture
def client() -> OcpiClient:
    return OcpiClient(PeerAddressRule(loopback=True))


def get(client: OcpiClient, peer: Peer, path: str = "/it", timeout_s: float = 0.5) -> OcpiAnswer:
    return client.call("GET", peer.url + path, TOKEN, ids=IDS, timeout_s=timeout_s)


def trickle(it: Answering, parts: list[bytes], pause_s: float) -> None:
    for part in parts:
        it.wfile.write(part)
        it.wfile.flush()
        time.sleep(pause_s)
    it.close_connection = True


def test_an_answer_is_read_with_exact_numbers(client: OcpiClient, peer: Peer) -> None:
    peer.answers["/it"] = text('{"status_code": 1000, "data": {"kwh": 1.10}, "timestamp": "2026-01-01T00:00:00Z"}')
    assert get(client, peer) == OcpiAnswer(200, 1000, None, {"kwh": Decimal("1.10")})


def test_a_request_carries_the_token_in_base64_the_ids_and_the_routing(client: OcpiClient, peer: Peer) -> None:
    """T1, T3, T4"""
    peer.answers["/it"] = ocpi()
    client.call(
        "PUT",
        f"{peer.url}/it",
        TOKEN,
        ids=IDS,
        routing=Routing("NL", "CPO", "DE", "OFP"),
        body={"limit": Decimal("16.0")},
        params={"response_url": "https://offpeak.example/a?b"},
    )
    (sent,) = peer.requests
    assert sent.path == "/it?response_url=https%3A%2F%2Foffpeak.example%2Fa%3Fb"
    assert sent.body == b'{"limit":16}'
    expected = {
        "authorization": f"Token {b64encode(TOKEN.encode()).decode()}",
        "content-type": "application/json",
        "x-request-id": "request-1",
        "x-correlation-id": "chain-1",
        "ocpi-to-country-code": "NL",
        "ocpi-to-party-id": "CPO",
        "ocpi-from-country-code": "DE",
        "ocpi-from-party-id": "OFP",
    }
    assert {name: sent.headers.get(name) for name in expected} == expected


def test_without_routing_there_are_no_routing_headers(client: OcpiClient, peer: Peer) -> None:
    """T4"""
    peer.answers["/it"] = ocpi()
    get(client, peer)
    assert not [name for name in peer.requests[0].headers if name.startswith("ocpi-")]


def test_a_peer_of_old_habits_gets_the_token_as_it_is(client: OcpiClient, peer: Peer) -> None:
    """T2"""
    peer.answers["/it"] = ocpi()
    client.call("GET", f"{peer.url}/it", TOKEN, ids=IDS, raw_token=True)
    assert peer.requests[0].headers["authorization"] == f"Token {TOKEN}"


@pytest.mark.parametrize(
    ("respond", "answer"),
    [
        (ocpi("x", http_status=201), OcpiAnswer(201, 1000, None, "x")),
        (ocpi(status=2003, http_status=404), OcpiAnswer(404, 2003)),
        (ocpi(status=3000), OcpiAnswer(200, 3000)),
        (text("<html>", http_status=404), OcpiAnswer(404, None)),
        (text("[]", http_status=401), OcpiAnswer(401, None)),
        (text(""), OcpiAnswer(200, 1000)),
        (lambda it: it.answer(204, b""), OcpiAnswer(204, 1000)),
    ],
)
def test_whatever_http_status_below_500_is_an_answer(
    client: OcpiClient, peer: Peer, respond: Respond, answer: OcpiAnswer
) -> None:
    """T5, T6"""
    peer.answers["/it"] = respond
    assert get(client, peer) == answer


@pytest.mark.parametrize(
    ("answer", "is_success"),
    [
        (OcpiAnswer(200, 1000), True),
        (OcpiAnswer(299, 1001), True),
        (OcpiAnswer(200, 2000), False),
        (OcpiAnswer(404, 1000), False),
        (OcpiAnswer(200, None), False),
    ],
)
def test_success_is_what_both_statuses_call_so(answer: OcpiAnswer, is_success: bool) -> None:
    """T6"""
    assert answer.is_success is is_success


@pytest.mark.parametrize("http_status", [500, 502, 503])
def test_a_peer_that_fails_is_unavailable(client: OcpiClient, peer: Peer, http_status: int) -> None:
    peer.answers["/it"] = ocpi(http_status=http_status)
    with pytest.raises(PeerUnavailable):
        get(client, peer)


@pytest.mark.parametrize(
    "respond",
    [
        text("<html>hello</html>"),
        text('{"result": "ACCEPTED"}'),
        text('{"status_code": "1000"}'),
        text('{"status_code": 1000, "data": NaN}'),
        text("[" * 5000),
        lambda it: it.answer(200, b'{"status_code": 1000, "data": "\xff"}'),
        lambda it: it.answer(200, b"\x1f\x8b compressed", Content_Encoding="gzip"),
        text(" " * (LARGEST_ANSWER + 1)),
    ],
)
def test_an_answer_that_is_no_ocpi_makes_the_peer_unusable(client: OcpiClient, peer: Peer, respond: Respond) -> None:
    peer.answers["/it"] = respond
    with pytest.raises(PeerUnusable) as unusable:
        get(client, peer)
    assert unusable.value.ocpi_status == 3001


@pytest.mark.parametrize("http_status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(client: OcpiClient, peer: Peer, http_status: int) -> None:
    """C7"""
    peer.answers["/it"] = text("", http_status=http_status, Location=f"{peer.url}/metadata")
    peer.answers["/metadata"] = ocpi("secret")
    with pytest.raises(PeerUnusable):
        get(client, peer)
    assert [each.path for each in peer.requests] == ["/it"]


def silent(it: Answering) -> None:
    time.sleep(1)
    it.close_connection = True


def slow_headers(it: Answering) -> None:
    trickle(it, [b"HTTP/1.1 200 OK\r\n", *[b"X-%d: y\r\n" % n for n in range(30)]], 0.05)


def slow_body(it: Answering) -> None:
    trickle(it, [b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", *[b" "] * 30], 0.05)


def endless(it: Answering) -> None:
    it.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        it.wfile.write(b"1\r\n \r\n")
        time.sleep(0.02)


@pytest.mark.parametrize("respond", [silent, slow_headers, slow_body, endless])
def test_the_time_out_bounds_the_whole_call_however_slowly_bytes_drip(
    client: OcpiClient, peer: Peer, respond: Respond
) -> None:
    peer.answers["/it"] = respond
    began = time.monotonic()
    with pytest.raises(PeerUnavailable, match="no answer within 0.3 s"):
        get(client, peer, timeout_s=0.3)
    assert time.monotonic() - began < 0.8


def test_a_peer_that_nobody_listens_at_is_unavailable(client: OcpiClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(PeerUnavailable):
        client.call("GET", f"http://127.0.0.1:{port}/", TOKEN, ids=IDS)


def test_a_peer_that_hangs_up_is_unavailable(client: OcpiClient, peer: Peer) -> None:
    def hang_up(it: Answering) -> None:
        it.close_connection = True

    peer.answers["/it"] = hang_up
    with pytest.raises(PeerUnavailable):
        get(client, peer)


def test_a_peer_that_speaks_no_http_is_unavailable(client: OcpiClient, peer: Peer) -> None:
    peer.answers["/it"] = lambda it: trickle(it, [b"220 mail.example ESMTP\r\n"], 0)
    with pytest.raises(PeerUnavailable):
        get(client, peer)


def test_a_name_that_does_not_exist_is_unavailable(client: OcpiClient) -> None:
    with pytest.raises(PeerUnavailable):
        client.call("GET", "https://no-such-host.invalid/ocpi", TOKEN, ids=IDS, timeout_s=2)


@pytest.mark.parametrize("url", ["http://cpo.example/", "https://10.0.0.1/", "https://169.254.169.254/", "nothing"])
def test_an_address_that_is_not_ours_to_call_is_not_called(client: OcpiClient, url: str) -> None:
    """C7"""
    with pytest.raises(PeerUnusable):
        client.call("GET", url, TOKEN, ids=IDS)


def test_a_name_that_leads_to_a_closed_address_is_refused_when_the_connection_is_made(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C7: the number is 127.0.0.1 to the resolver, and as good as a name where nothing is seen in its text."""
    monkeypatch.setattr("offpeak.ocpi.peer_address._NUMBER", re.compile(r"(?!)"))
    peer.answers["/it"] = ocpi("secret")
    port = peer.url.rpartition(":")[2]
    with pytest.raises(PeerUnusable, match="public address"):
        OcpiClient(PeerAddressRule()).call("GET", f"https://2130706433:{port}/it", TOKEN, ids=IDS)
    assert peer.requests == []


def test_a_connection_is_used_again_and_survives_that_the_peer_closed_it(client: OcpiClient, peer: Peer) -> None:
    def close_after(it: Answering) -> None:
        ocpi()(it)
        it.close_connection = True

    peer.answers["/it"] = ocpi()
    peer.answers["/last"] = close_after
    for path in ("/it", "/it", "/last", "/it"):
        assert get(client, peer, path).is_success
        time.sleep(0.02)


def test_a_call_that_timed_out_does_not_spoil_the_next_one(client: OcpiClient, peer: Peer) -> None:
    peer.answers["/slow"] = silent
    peer.answers["/it"] = ocpi("fine")
    with pytest.raises(PeerUnavailable):
        get(client, peer, "/slow", timeout_s=0.1)
    assert get(client, peer).data == "fine"

"""Which addresses of partners are called (C7)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.errors import PeerUnusable
from offpeak.ocpi.peer_address import PeerAddressRule

PUBLIC_ONLY = PeerAddressRule()
WITH_LOOPBACK = PeerAddressRule(loopback=True)

CLOSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:127.0.0.1",
    "::10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "2001::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_that_is_not_public_is_never_connected_to(address: str) -> None:
    """C7"""
    assert not PUBLIC_ONLY.allows(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2a00:1450:4001:80b::200e", "::ffff:8.8.8.8"])
def test_a_public_address_is_connected_to(address: str) -> None:
    """C7"""
    assert PUBLIC_ONLY.allows(ip_address(address))


@pytest.mark.parametrize("address", [each for each in CLOSED if not ip_address(each).is_loopback])
def test_the_local_stack_opens_loopback_and_nothing_else(address: str) -> None:
    """C7"""
    opened = WITH_LOOPBACK.allows(ip_address(address))
    assert opened == (address == "::ffff:127.0.0.1" or address.startswith("127."))


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_that_the_standard_library_calls_private_is_closed(address: IPv4Address) -> None:
    """C7"""
    if address.is_private or address.is_multicast or address.is_reserved or address in IPv4Network("100.64.0.0/10"):
        assert not PUBLIC_ONLY.allows(address)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://cpo.example/ocpi", "https://"),
        ("ftp://cpo.example/ocpi", "https://"),
        ("//cpo.example/ocpi", "https://"),
        ("https:///ocpi", "host"),
        ("cpo.example", "host"),
        ("", "host"),
        ("https://user:secret@cpo.example/", "user or password"),
        ("https://cpo.example/\n", "characters"),
        ("https://cpo.example/a b", "characters"),
        ("https://cpo.example\\@10.0.0.1/", "characters"),
        ("https://cpo.exämple/", "characters"),
        ("https://cpo.example:99999/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://cpo.example/" + "a" * 255, "longer than 255"),
        ("https://localhost/ocpi", "public"),
        ("https://LOCALHOST./ocpi", "public"),
        ("https://peer.localhost/ocpi", "public"),
        ("https://127.0.0.1/ocpi", "public"),
        ("https://169.254.169.254/latest/meta-data", "public"),
        ("https://[fd00:ec2::254]/", "public"),
        ("https://2130706433/", "four decimal numbers"),
        ("https://0x7f000001/", "four decimal numbers"),
        ("https://0177.0.0.1/", "four decimal numbers"),
        ("https://127.1/", "four decimal numbers"),
        ("https://0/", "four decimal numbers"),
        ("https://127.0.0.1./", "four decimal numbers"),
        ("https://[::ffff:10.0.0.1]/", "public"),
    ],
)
def test_a_url_that_cannot_be_a_partners_is_refused_with_the_reason(url: str, problem: str) -> None:
    """C7, T15"""
    assert problem in str(PUBLIC_ONLY.problem(url))
    with pytest.raises(PeerUnusable) as refused:
        PUBLIC_ONLY.check(url)
    assert refused.value.ocpi_status == 3001


@pytest.mark.parametrize(
    "url",
    [
        "https://cpo.example/ocpi/versions",
        "https://cpo.example:8443/x?y=z",
        "HTTPS://8.8.8.8",
        "https://1.cpo2.example",
    ],
)
def test_a_public_https_address_is_fine(url: str) -> None:
    assert PUBLIC_ONLY.problem(url) is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/", "http://localhost:1/", "http://[::1]/", "https://127.0.0.1/"]
)
def test_loopback_is_for_the_local_stack_alone(url: str) -> None:
    """C7"""
    assert WITH_LOOPBACK.problem(url) is None
    assert PUBLIC_ONLY.problem(url) is not None


@pytest.mark.parametrize("url", ["http://cpo.example/", "http://10.0.0.1/", "https://10.0.0.1/", "http://8.8.8.8/"])
def test_the_local_stack_calls_nothing_else_without_tls(url: str) -> None:
    """C7"""
    assert WITH_LOOPBACK.problem(url) is not None


@given(st.text(max_size=60).map(lambda rest: f"https://{rest}") | st.text(max_size=60))
def test_any_text_is_judged_without_failing(url: str) -> None:
    assert PUBLIC_ONLY.problem(url) is None or isinstance(PUBLIC_ONLY.problem(url), str)

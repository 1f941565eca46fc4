"""Which addresses we call: public ones over https, whatever a partner tells us (CONFORMANCE C7, T15).

A name says little: it may point to our own network, or begin to do so after it was checked. So the URL is checked when
it comes, and the address that its name resolves to when the connection is made (ocpi/connections.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from offpeak.errors import PeerUnusable
from offpeak.ocpi.envelope import Status

LONGEST_URL = 255
"""Characters (OCPI 2.2.1, 16.6)."""

_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
PORTS = {"https": 443, "http": 80}

Address = IPv4Address | IPv6Address

CLOSED_V4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local: the metadata services live here
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
OPEN_V6 = IPv6Network("2000::/3")
"""Global unicast. Everything else is closed: loopback, link-local, unique local (fd00:ec2::254 is a metadata service),
multicast, NAT64 (64:ff9b::/96), IPv4-compatible."""
CLOSED_V6 = tuple(
    IPv6Network(each)
    for each in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries any IPv4 address
        "3fff::/20",  # documentation
    )
)


@dataclass(frozen=True, slots=True)
class PeerAddressRule:
    """With `loopback`, addresses of this machine are allowed too, over http as well: the local stack's simulators."""

    loopback: bool = False

    def problem(self, url: str) -> str | None:
        """Say what is wrong with a URL, as far as its text shows it; None where nothing is."""
        if len(url) > LONGEST_URL:
            return f"is longer than {LONGEST_URL} characters"
        if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            return "holds characters that no URL has"
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return "is no URL"
        if not host:
            return "is no URL with a host"
        if parts.username is not None or parts.password is not None:
            return "must not hold a user or password"
        local = _names_loopback(host)
        if parts.scheme != "https" and not (parts.scheme == "http" and self.loopback and local):
            return "must begin with https://"
        if local:
            return None if self.loopback else "must be a public address"
        literal = _literal(host)
        if literal is None and _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            # Resolvers take 2130706433, 0x7f.1 and 0177.0.0.1 for 127.0.0.1; no name of a host ends in a number.
            return "holds an IPv4 address that is not four decimal numbers"
        return "must be a public address" if literal is not None and not self.allows(literal) else None

    def check(self, url: str) -> None:
        """Raise PeerUnusable (OCPI 3001) for a URL that we do not call."""
        problem = self.problem(url)
        if problem is not None:
            raise PeerUnusable(Status.PEER_UNUSABLE, f"the address {url[:LONGEST_URL]!r} {problem}")

    def allows(self, address: Address) -> bool:
        """Say whether we connect to `address`."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address.is_loopback:
            return self.loopback
        if isinstance(address, IPv4Address):
            return not any(address in network for network in CLOSED_V4)
        return address in OPEN_V6 and not any(address in network for network in CLOSED_V6)


def _names_loopback(host: str) -> bool:
    literal = _literal(host)
    name = host.rstrip(".").lower()
    return literal.is_loopback if literal is not None else name == "localhost" or name.endswith(".localhost")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of a URL: its server. Raises ValueError for a URL that is none, or names a user."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("a user in the URL")
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)

"""A tenant: a company whose app embeds pairing and shows plans. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

OWNER = "tenant~"
LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([0-9]{1,5}))?(/.*)?")
"""An app on the driver's own machine: plain http that leaves no machine, by its address because whatever answers to
`localhost` is up to name look-up (RFC 8252, 7.3 and 8.3)."""
LARGEST_PORT = 65535

UNSAFE_SCHEMES = frozenset({"javascript", "data", "file", "blob", "vbscript", "about", "ftp", "ws", "wss"})
"""A link with one of these would run or show what somebody else wrote, in our place, or leads to no app."""


@dataclass(frozen=True, slots=True)
class Look:
    """What drivers see of a tenant on our pages: its name, and a colour in sRGB as `#rrggbb`."""

    name: str
    colour: str = "#0b6e4f"


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose users, chargers and webhooks these are: every row of theirs has the tenant's id in its key.

    `partner_ids` are the CPO connections whose chargers its drivers may pair, in the order in which a code is tried.
    `redirect_urls` are where a driver may be sent back to; what follows one of them, behind a `?`, may be anything, and
    so may the port of one on the loopback interface.
    """

    tenant_id: str
    look: Look
    partner_ids: tuple[str, ...] = ()
    redirect_urls: tuple[str, ...] = ()
    suspended_at: datetime | None = None
    """Since when an operator has shut the tenant out. Its drivers' chargers go on charging by their plans."""
    usage_key: str | None = None
    """The value of the tenant's API key, by which API Gateway throttles it. It opens nothing."""
    usage_key_id: str | None = None
    revision: int = 0

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None


def place_of(redirect_url: str) -> str:
    """Return what of a redirect URL has to be as a tenant has listed it: not the query, and not the port of the
    loopback interface, which an app is given by its system as it begins to listen (RFC 8252, 7.3)."""
    place = redirect_url.partition("?")[0]
    return on_loopback(place) or place


def on_loopback(url: str) -> str | None:
    """Return a URL on the loopback interface without its port, None where it is none."""
    loopback = LOOPBACK.fullmatch(url)
    if loopback is None or int(loopback[2] or 0) > LARGEST_PORT:
        return None
    return loopback[1] + (loopback[3] or "")


def owner_id(tenant_id: str) -> str:
    """Return what a tenant is called where partners have ids too: its clients, its API key, its audit trail."""
    return OWNER + tenant_id


def tenant_in(owner: str) -> str | None:
    """Return the tenant that an owner is, None where it is a partner: no partner's id has a tilde."""
    return owner.removeprefix(OWNER) if owner.startswith(OWNER) else None

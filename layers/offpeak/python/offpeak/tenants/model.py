"""A tenant: a company whose app embeds pairing and shows plans. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

OWNER = "tenant~"


@dataclass(frozen=True, slots=True)
class Look:
    """What drivers see of a tenant on our pages: its name, and a colour in sRGB as `#rrggbb`."""

    name: str
    colour: str = "#0b6e4f"


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose users, chargers and webhooks these are: every row of theirs has the tenant's id in its key.

    `partner_ids` are the CPO connections whose chargers its drivers may pair, in the order in which a code is tried.
    `redirect_urls` are where a driver may be sent back to; what follows one of them, behind a `?`, may be anything.
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


def owner_id(tenant_id: str) -> str:
    """Return what a tenant is called where partners have ids too: its clients, its API key, its audit trail."""
    return OWNER + tenant_id


def tenant_in(owner: str) -> str | None:
    """Return the tenant that an owner is, None where it is a partner: no partner's id has a tilde."""
    return owner.removeprefix(OWNER) if owner.startswith(OWNER) else None

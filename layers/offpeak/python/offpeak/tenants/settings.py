"""What operators may set of a tenant: checked by name, shown as it is set."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from offpeak.instants import format_instant
from offpeak.partners.settings import UNNAMED, Name, PartnerId
from offpeak.tenants.model import UNSAFE_SCHEMES, Look, Tenant, on_loopback


def _way_back(url: str) -> str:
    if on_loopback(url):
        return url
    scheme, _, rest = url.partition("://")
    if scheme.lower() in {"http", *UNSAFE_SCHEMES} or not rest.strip("/"):
        raise ValueError(
            "must be https://, an app's own scheme such as com.example.app://, or http://127.0.0.1 or http://[::1]"
        )
    if scheme.lower() == "https" and ("@" in rest.partition("/")[0] or rest.startswith("/")):
        raise ValueError("must name a host, and nobody before it")
    return url


TenantId = PartnerId
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]
"""sRGB."""
RedirectUrl = Annotated[
    str,
    StringConstraints(max_length=500, pattern=r"^[A-Za-z][A-Za-z0-9.+-]*://[!$-;=@-\[\]-~]+$"),
    AfterValidator(_way_back),
]
"""Where drivers may be sent back to: without what follows a `?`, which is free, as is the port on the loopback
interface. ASCII but for white space and ? # \\ " < >."""


class TenantChange(BaseModel):
    """A change names only what it sets; a name that does not exist is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")

    name: Name = UNNAMED
    colour: Colour = UNNAMED
    partner_ids: Annotated[list[PartnerId], Field(max_length=100)] = UNNAMED
    redirect_urls: Annotated[list[RedirectUrl], Field(max_length=50)] = UNNAMED


def tenant_with(tenant: Tenant, change: TenantChange) -> Tenant:
    """Return the tenant with what `change` names."""
    named: dict[str, Any] = {name: getattr(change, name) for name in change.model_fields_set}
    look = {name: named.pop(name) for name in ("name", "colour") if name in named}
    lists: dict[str, Any] = {name: tuple(dict.fromkeys(values)) for name, values in named.items()}
    return replace(tenant, look=replace(tenant.look, **look), **lists)


def new_tenant(tenant_id: str, change: TenantChange) -> Tenant:
    """Make a tenant of what it must have, its name, and what else is said. It can do nothing yet."""
    return tenant_with(Tenant(tenant_id, Look(change.name)), change)


def settings_of(tenant: Tenant) -> dict[str, object]:
    """Return all that can be shown of a tenant: no keys."""
    return {
        "tenant_id": tenant.tenant_id,
        "name": tenant.look.name,
        "colour": tenant.look.colour,
        "partner_ids": list(tenant.partner_ids),
        "redirect_urls": list(tenant.redirect_urls),
        "suspended_at": format_instant(tenant.suspended_at) if tenant.suspended_at else None,
    }


def tenant_shown(tenant: Tenant) -> dict[str, object]:
    return {**settings_of(tenant), "revision": tenant.revision}


def tenant_in_list(tenant: Tenant) -> dict[str, object]:
    status = "SUSPENDED" if tenant.is_suspended else "ACTIVE"
    return {"tenant_id": tenant.tenant_id, "name": tenant.look.name, "status": status}

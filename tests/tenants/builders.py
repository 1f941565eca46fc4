"""Tenants as tests need them."""

from __future__ import annotations

from typing import Any

from offpeak.tenants.model import Look, Tenant


def a_tenant(tenant_id: str = "hearth", **changes: Any) -> Tenant:
    usual = {
        "look": Look("Hearth Energy", "#224488"),
        "partner_ids": ("acme",),
        "redirect_urls": ("https://hearth.example/paired",),
    }
    return Tenant(tenant_id, **{**usual, **changes})

"""Tenants, in a table of their own, with what opens doors for them.

Rows: TENANT#{id}/TENANT; TENANT#{id}/ACCESS, its OAuth2 clients and ApiKeys (oauth/access_store.py); TENANT#{id}/AUDIT,
where its audit trail ends (partners/trail.py). The index `directory` lists all tenants.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

from offpeak.aws.tables import Also, Delete, Item, Key, Put, Table, write_together
from offpeak.errors import UnknownObject
from offpeak.instants import format_instant, parse_instant
from offpeak.memory import Memory
from offpeak.tenants.model import Look, Tenant, tenant_in

CACHED_S = 30.0
"""Settings take effect within this time."""


class TenantStore:
    """All tenants. `now_s` tells real epoch seconds."""

    def __init__(self, table: Table, now_s: Callable[[], float] = time.time) -> None:
        self._table = table
        self._memory: Memory[str, Tenant] = Memory(CACHED_S, now_s)

    def load(self, tenant_id: str) -> Tenant | None:
        """Return a tenant as it is now."""
        row = self._table.get(_key(tenant_id, "TENANT"))
        return _tenant(row) if row else None

    def known(self, tenant_id: str) -> Tenant:
        """Return a tenant as it is now. Raises UnknownObject."""
        tenant = self.load(tenant_id)
        if tenant is None:
            raise UnknownObject(f"there is no tenant {tenant_id}")
        return tenant

    def load_cached(self, tenant_id: str) -> Tenant:
        """Return a tenant as it was at most CACHED_S ago. Raises UnknownObject."""
        return self._memory.get(tenant_id, lambda: self.known(tenant_id))

    def is_shut_out(self, tenant_id: str) -> bool:
        """Say whether nothing is done for a tenant now: it is suspended, or was removed."""
        tenant = self.load(tenant_id)
        return tenant is None or tenant.is_suspended

    def all(self) -> Iterator[Tenant]:
        """Yield every tenant by its id."""
        return map(_tenant, self._table.query("directory = :all", {":all": "tenants"}, index="directory"))

    def page(self, after: str | None, limit: int) -> tuple[list[Tenant], str | None]:
        """Return up to `limit` tenants by their ids, and where the next page starts, None after the last."""
        rows = self._table.query(
            "directory = :all" + (" AND tenant_id > :after" if after else ""),
            {":all": "tenants", **({":after": after} if after else {})},
            index="directory",
            limit=limit + 1,
        )
        tenants = [_tenant(row) for row in rows]
        return tenants[:limit], tenants[limit - 1].tenant_id if len(tenants) > limit else None

    def save(self, tenant: Tenant, *, also: Also = ()) -> Tenant:
        """Write a tenant that was new or loaded before; its revision goes up. Raises ConcurrentChange."""
        saved = replace(tenant, revision=tenant.revision + 1)
        condition = ("revision = :before", {":before": tenant.revision}) if tenant.revision else (FREE, {})
        write_together([(self._table, Put(_row(saved), *condition)), *also])
        return saved

    def remove(self, tenant: Tenant, *, also: Also = ()) -> None:
        """Take a tenant away with all that opens doors for it. Raises ConcurrentChange."""
        delete = Delete(_key(tenant.tenant_id, "TENANT"), "revision = :before", {":before": tenant.revision})
        access = Delete(_key(tenant.tenant_id, "ACCESS"))
        write_together([(self._table, delete), (self._table, access), *also])


FREE = "attribute_not_exists(pk)"


def access_key_of(owner: str) -> Key:
    """Return where the access of an owner that is a tenant stands."""
    return _key(tenant_in(owner) or "", "ACCESS")


def trail_head(owner: str) -> Key:
    """Return where the head of a tenant's audit trail stands."""
    return _key(tenant_in(owner) or "", "AUDIT")


def _key(tenant_id: str, what: str) -> dict[str, str]:
    return {"pk": f"TENANT#{tenant_id}", "sk": what}


def _row(tenant: Tenant) -> Item:
    return {
        **_key(tenant.tenant_id, "TENANT"),
        "directory": "tenants",
        "tenant_id": tenant.tenant_id,
        "look": asdict(tenant.look),
        "partner_ids": list(tenant.partner_ids),
        "redirect_urls": list(tenant.redirect_urls),
        "suspended_at": format_instant(tenant.suspended_at) if tenant.suspended_at else None,
        "usage_key": tenant.usage_key,
        "usage_key_id": tenant.usage_key_id,
        "revision": tenant.revision,
    }


def _tenant(row: Item) -> Tenant:
    return Tenant(
        tenant_id=row["tenant_id"],
        look=Look(**row["look"]),
        partner_ids=tuple(row["partner_ids"]),
        redirect_urls=tuple(row["redirect_urls"]),
        suspended_at=parse_instant(row["suspended_at"]) if "suspended_at" in row else None,
        usage_key=row.get("usage_key"),
        usage_key_id=row.get("usage_key_id"),
        revision=int(row["revision"]),
    )

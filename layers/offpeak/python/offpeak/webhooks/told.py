"""What tenants know of partners in trouble: rows of the events table, PARTNER#{partner}/TOLD#{tenant}.

A row PARTNER#{partner}/TOLD is from an older version, which told all tenants of a partner alike: who has no row of its
own knows what that one says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from offpeak.aws.tables import Put, Table
from offpeak.errors import ConcurrentChange
from offpeak.tenants.model import Tenant


@dataclass(frozen=True, slots=True)
class Told:
    """What a tenant knows of a partner: `number` counts how often that changed, and events have their ids by it."""

    is_in_trouble: bool = False
    number: int = 0

    def otherwise(self) -> Told:
        return Told(not self.is_in_trouble, self.number + 1)


class ToldStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, partner_id: str, tenant_ids: Iterable[str]) -> dict[str, Told]:
        """Return what each of these tenants knows of a partner."""
        rows = self._table.query("pk = :pk AND begins_with(sk, :told)", {":pk": _key(partner_id), ":told": "TOLD"})
        told = {row.get("tenant_id"): Told(row["is_in_trouble"], int(row["number"])) for row in rows}
        told_all = told.get(None, Told())
        return {tenant_id: told.get(tenant_id, told_all) for tenant_id in tenant_ids}

    def put(self, partner_id: str, tenant_id: str, told: Told) -> tuple[Table, Put]:
        """Return the write of what a tenant is told now, for the transaction that tells it."""
        row = {"pk": _key(partner_id), "sk": f"TOLD#{tenant_id}", "tenant_id": tenant_id, **asdict(told)}
        newer = "attribute_not_exists(pk) OR #number < :number"
        return self._table, Put(row, newer, {":number": told.number}, {"#number": "number"})

    def forget(self, tenant: Tenant) -> None:
        """Let nobody who comes to have this tenant's id hear of the end of a trouble that only this one was told of.
        The count stays: events of the id are remembered, and one that repeats an id is told to nobody."""
        for partner_id in tenant.partner_ids:
            told = self.of(partner_id, [tenant.tenant_id])[tenant.tenant_id]
            if not told.is_in_trouble:
                continue
            table, put = self.put(partner_id, tenant.tenant_id, told.otherwise())
            try:
                table.write(put)
            except ConcurrentChange:
                continue  # It was just told of the end.


def _key(partner_id: str) -> str:
    return f"PARTNER#{partner_id}"

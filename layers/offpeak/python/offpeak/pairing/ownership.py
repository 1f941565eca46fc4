"""The evse_ownership table: who has an EVSE, across all tenants. One row an EVSE, {partner}#{evse uid}/EVSE."""

from __future__ import annotations

from offpeak.aws.tables import Table
from offpeak.pairing.model import Ownership
from offpeak.pairing.rows import ownership_from, ownership_key


class OwnershipStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, partner_id: str, evse_uid: str) -> Ownership | None:
        """Return who has an EVSE now, or had it (a tombstone); None where nobody ever paired it."""
        row = self._table.get(ownership_key(partner_id, evse_uid))
        return ownership_from(row) if row else None

"""Partners in trouble: their tenants are told when a partner's circuit has opened, and when it has closed again.

It is looked at once a minute rather than told by whoever finds the circuit open: so those who call partners need no
right to tell events, what opens for seconds wakes nobody, and nothing is lost with a process that dies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from offpeak.aws.tables import Put, Table, write_together
from offpeak.errors import ConcurrentChange
from offpeak.events.model import Event, EventKind, Stream
from offpeak.events.outbox import Outbox
from offpeak.partners.gates import Gates
from offpeak.telemetry import logger
from offpeak.tenants.model import Tenant


@dataclass(frozen=True, slots=True)
class Told:
    """What a tenant knows of a partner: `number` counts how often that changed."""

    is_in_trouble: bool = False
    number: int = 0


class TroubleWatch:
    """Rows of the events table: PARTNER#{partner}/TOLD#{tenant}. Each is written together with the event that it says
    was told, so whoever dies between two tenants leaves the second one to the next look, whatever has become of the
    partner by then."""

    def __init__(self, table: Table, outbox: Outbox, gates: Gates) -> None:
        self._table = table
        self._outbox = outbox
        self._gates = gates

    def look(self, tenants: Iterable[Tenant], *, now: datetime, real_now: datetime) -> int:
        """Tell each tenant of a partner that does not know yet that its trouble has begun, or ended; return how often
        somebody was told."""
        told = 0
        for partner_id, concerned in _by_partner(tenants).items():
            known = self._known(partner_id)
            is_in_trouble = self._gates.is_broken(partner_id)
            for tenant_id in concerned:
                before = known.get(tenant_id, Told())
                if is_in_trouble != before.is_in_trouble:
                    self._tell(partner_id, tenant_id, Told(is_in_trouble, before.number + 1), now, real_now)
                    told += 1
        return told

    def _tell(self, partner_id: str, tenant_id: str, told: Told, now: datetime, real_now: datetime) -> None:
        kind = EventKind.PARTNER_TROUBLE if told.is_in_trouble else EventKind.PARTNER_RECOVERED
        event_id = f"evt_{partner_id}-{told.number}"
        event = Event(event_id, Stream(tenant_id), kind, now, {"partner_id": partner_id})
        row = {"pk": _key(partner_id), "sk": f"TOLD#{tenant_id}", "tenant_id": tenant_id, **asdict(told)}
        newer = "attribute_not_exists(pk) OR #number < :number"
        mark = Put(row, newer, {":number": told.number}, {"#number": "number"})
        try:
            write_together([self._outbox.put(event, at=real_now), (self._table, mark)])
        except ConcurrentChange:
            logger.info("partner_trouble_told_by_another", partner_id=partner_id, tenant_id=tenant_id)
            return
        self._outbox.wake(event.stream, f"{tenant_id}-{event_id}")
        logger.info("partner_trouble_told", partner_id=partner_id, kind=kind.value, tenant_id=tenant_id)

    def _known(self, partner_id: str) -> Mapping[str, Told]:
        rows = self._table.query("pk = :pk AND begins_with(sk, :told)", {":pk": _key(partner_id), ":told": "TOLD#"})
        return {row["tenant_id"]: Told(row["is_in_trouble"], int(row["number"])) for row in rows}


def _by_partner(tenants: Iterable[Tenant]) -> Mapping[str, list[str]]:
    concerned: dict[str, list[str]] = {}
    for tenant in tenants:
        for partner_id in tenant.partner_ids:
            concerned.setdefault(partner_id, []).append(tenant.tenant_id)
    return concerned


def _key(partner_id: str) -> str:
    return f"PARTNER#{partner_id}"

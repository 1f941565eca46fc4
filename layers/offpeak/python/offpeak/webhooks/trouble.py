"""Partners in trouble: their tenants are told when a partner's circuit has opened, and when it has closed again.

It is looked at once a minute rather than told by whoever finds the circuit open: so those who call partners need no
right to tell events, what opens for seconds wakes nobody, and nothing is lost with a process that dies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from offpeak.aws.tables import Put, Table
from offpeak.errors import ConcurrentChange
from offpeak.events.model import Event, EventKind, Stream
from offpeak.events.outbox import Outbox
from offpeak.partners.gates import Gates
from offpeak.telemetry import logger
from offpeak.tenants.model import Tenant


@dataclass(frozen=True, slots=True)
class Told:
    """What tenants know of a partner: `number` counts how often that changed."""

    is_in_trouble: bool = False
    number: int = 0


class TroubleWatch:
    """Rows of the events table: PARTNER#{partner}/TOLD."""

    def __init__(self, table: Table, outbox: Outbox, gates: Gates) -> None:
        self._table = table
        self._outbox = outbox
        self._gates = gates

    def look(self, tenants: Iterable[Tenant], *, now: datetime, real_now: datetime) -> int:
        """Tell the tenants of each partner whose trouble has begun or ended; return how many partners those are."""
        told = 0
        for partner_id, concerned in _by_partner(tenants).items():
            before = self._told(partner_id)
            is_in_trouble = self._gates.is_broken(partner_id)
            if is_in_trouble != before.is_in_trouble:
                self._tell(partner_id, concerned, Told(is_in_trouble, before.number + 1), now, real_now)
                told += 1
        return told

    def _tell(self, partner_id: str, concerned: Sequence[str], told: Told, now: datetime, real_now: datetime) -> None:
        """Tell all, and only then that they know: an event that is told twice has the same id."""
        kind = EventKind.PARTNER_TROUBLE if told.is_in_trouble else EventKind.PARTNER_RECOVERED
        for tenant_id in concerned:
            event_id = f"evt_{partner_id}-{told.number}"
            event = Event(event_id, Stream(tenant_id), kind, now, {"partner_id": partner_id})
            table, write = self._outbox.put(event, at=real_now)
            table.write(write)
            self._outbox.wake(event.stream, f"{tenant_id}-{event_id}")
        row = {**_key(partner_id), "is_in_trouble": told.is_in_trouble, "number": told.number}
        newer = "attribute_not_exists(pk) OR #number < :number"
        try:
            self._table.write(Put(row, newer, {":number": told.number}, {"#number": "number"}))
        except ConcurrentChange:
            logger.info("partner_trouble_told_by_another", partner_id=partner_id)
        logger.info("partner_trouble_told", partner_id=partner_id, kind=kind.value, tenants=len(concerned))

    def _told(self, partner_id: str) -> Told:
        row = self._table.get(_key(partner_id))
        return Told(row["is_in_trouble"], int(row["number"])) if row else Told()


def _by_partner(tenants: Iterable[Tenant]) -> Mapping[str, list[str]]:
    concerned: dict[str, list[str]] = {}
    for tenant in tenants:
        for partner_id in tenant.partner_ids:
            concerned.setdefault(partner_id, []).append(tenant.tenant_id)
    return concerned


def _key(partner_id: str) -> dict[str, str]:
    return {"pk": f"PARTNER#{partner_id}", "sk": "TOLD"}

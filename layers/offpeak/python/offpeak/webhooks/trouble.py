"""Partners in trouble: their tenants are told when a partner's circuit has opened, and when it has closed again.

It is looked at once a minute rather than told by whoever finds the circuit open: so those who call partners need no
right to tell events, what opens for seconds wakes nobody, and nothing is lost with a process that dies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from offpeak.aws.tables import write_together
from offpeak.errors import ConcurrentChange
from offpeak.events.model import Event, EventKind, Stream
from offpeak.events.outbox import Outbox
from offpeak.partners.gates import Gates
from offpeak.telemetry import logger
from offpeak.tenants.model import Tenant
from offpeak.webhooks.told import Told, ToldStore


class TroubleWatch:
    """What each tenant was told is written together with the event that tells it, so whoever dies between two tenants
    leaves the second one to the next look, whatever has become of the partner by then."""

    def __init__(self, told: ToldStore, outbox: Outbox, gates: Gates) -> None:
        self._told = told
        self._outbox = outbox
        self._gates = gates

    def look(self, tenants: Iterable[Tenant], *, now: datetime, real_now: datetime) -> int:
        """Tell each tenant of a partner that does not know yet that its trouble has begun, or ended; return how often
        somebody was told."""
        told = 0
        for partner_id, concerned in _by_partner(tenants).items():
            is_in_trouble = self._gates.is_broken(partner_id)
            for tenant_id, known in self._told.of(partner_id, concerned).items():
                if is_in_trouble != known.is_in_trouble:
                    self._tell(partner_id, tenant_id, known.otherwise(), now, real_now)
                    told += 1
        return told

    def _tell(self, partner_id: str, tenant_id: str, told: Told, now: datetime, real_now: datetime) -> None:
        kind = EventKind.PARTNER_TROUBLE if told.is_in_trouble else EventKind.PARTNER_RECOVERED
        event_id = f"evt_{partner_id}-{told.number}"
        event = Event(event_id, Stream(tenant_id), kind, now, {"partner_id": partner_id})
        try:
            write_together([self._outbox.put(event, at=real_now), self._told.put(partner_id, tenant_id, told)])
        except ConcurrentChange:
            logger.info("partner_trouble_told_by_another", partner_id=partner_id, tenant_id=tenant_id)
            return
        self._outbox.wake(event.stream, f"{tenant_id}-{event_id}")
        logger.info("partner_trouble_told", partner_id=partner_id, kind=kind.value, tenant_id=tenant_id)


def _by_partner(tenants: Iterable[Tenant]) -> Mapping[str, list[str]]:
    concerned: dict[str, list[str]] = {}
    for tenant in tenants:
        for partner_id in tenant.partner_ids:
            concerned.setdefault(partner_id, []).append(tenant.tenant_id)
    return concerned

"""What operators do to tenants. Every change is written together with the entry of the audit trail that tells of it.

A suspended tenant is refused within half a minute; its drivers' chargers go on charging by their plans, and CPOs go on
telling of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.aws.tables import Also
from offpeak.aws.usage_plans import UsageKey
from offpeak.errors import AlreadyExists, ConcurrentChange, InUse, InvalidMessage, OutOfDate
from offpeak.partners.administer import Keys
from offpeak.partners.audit import Action, Actor, Entry, changes_in
from offpeak.partners.client_keeper import ClientKeeper, NewClient
from offpeak.partners.trail import AuditTrail
from offpeak.telemetry import count, logger
from offpeak.tenants.model import Tenant, owner_id
from offpeak.tenants.settings import TenantChange, new_tenant, settings_of, tenant_with
from offpeak.tenants.store import TenantStore

MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class TenantAdministration:
    """Changes tenants. `is_partner` says whether there is a partner of an id, `has_users` whether a tenant has users,
    `real_now` tells real time. `end_webhooks` ends the webhooks of a tenant, and returns what makes a transaction fail
    where there is one again; it is part of no transaction itself.

    In each method `seen` is the revision that the operator has looked at, None where any will do. All raise
    UnknownObject for a tenant that does not exist, OutOfDate when it has changed since `seen`, InvalidMessage naming
    the setting, and ConcurrentChange when others keep changing it.
    """

    store: TenantStore
    trail: AuditTrail
    keys: Keys
    clients: ClientKeeper
    is_partner: Callable[[str], bool]
    has_users: Callable[[str], bool]
    end_webhooks: Callable[[Tenant], Also]
    real_now: Callable[[], datetime]

    def known(self, tenant_id: str) -> Tenant:
        """Return a tenant as it is."""
        return self.store.known(tenant_id)

    def add(self, tenant_id: str, change: TenantChange, actor: Actor) -> Tenant:
        """Make a tenant, with a key by which it is throttled. Raises AlreadyExists."""
        if "name" not in change.model_fields_set:
            raise InvalidMessage("settings.name", "is required of a new tenant")
        self._check(change)
        if self.store.load(tenant_id) is not None:
            raise AlreadyExists(f"there is a tenant {tenant_id} already")
        key = self.keys.add_key(owner_id(tenant_id))
        tenant = replace(new_tenant(tenant_id, change), usage_key=key.value, usage_key_id=key.key_id)
        for _ in range(MOST_TRIES):
            # An app is let in for half a minute after its tenant was removed: what it made then is not for the next.
            without_webhooks = self.end_webhooks(tenant)
            entry, also = self._told(Action.ADDED, actor, None, tenant)
            try:
                return _reported(entry, self.store.save(tenant, also=[*also, *without_webhooks]))
            except ConcurrentChange:
                if self.store.load(tenant_id) is not None:
                    raise AlreadyExists(f"there is a tenant {tenant_id} already") from None
        raise ConcurrentChange(f"tenant {tenant_id} is being changed by others")

    def change(self, tenant_id: str, change: TenantChange, actor: Actor, *, seen: int | None = None) -> Tenant:
        """Change settings; they count within half a minute."""
        self._check(change)
        return self._alter(tenant_id, Action.CHANGED, actor, lambda before: tenant_with(before, change), seen=seen)

    def suspend(self, tenant_id: str, actor: Actor, *, note: str | None = None, seen: int | None = None) -> Tenant:
        """Shut a tenant out within half a minute."""

        def alter(before: Tenant) -> Tenant:
            return before if before.is_suspended else replace(before, suspended_at=self.real_now())

        return self._alter(tenant_id, Action.SUSPENDED, actor, alter, seen=seen, note=note)

    def resume(self, tenant_id: str, actor: Actor, *, seen: int | None = None) -> Tenant:
        """Let a suspended tenant in again."""
        return self._alter(
            tenant_id, Action.RESUMED, actor, lambda before: replace(before, suspended_at=None), seen=seen
        )

    def remove(self, tenant_id: str, actor: Actor, *, seen: int | None = None) -> None:
        """Take a tenant away with its clients, keys and webhooks; its trail stays. Raises InUse where it has users.

        What waits for its webhooks goes to nobody, and ends with its time.
        """
        for _ in range(MOST_TRIES):
            tenant = self._seen(tenant_id, seen)
            if self.has_users(tenant_id):
                raise InUse(f"tenant {tenant_id} has users: erase them first")
            without_webhooks = self.end_webhooks(tenant)
            entry, also = self._told(Action.REMOVED, actor, tenant, None)
            try:
                self.store.remove(tenant, also=[*also, *without_webhooks])
            except ConcurrentChange:
                continue
            _reported(entry, tenant)
            return
        raise ConcurrentChange(f"tenant {tenant_id} is being changed by others")

    def create_client(self, tenant_id: str, actor: Actor) -> NewClient:
        """Make an OAuth2 client with a secret, and an ApiKey where the tenant has none that is good."""
        return self.clients.create_client(owner_id(tenant_id), actor)

    def rotate_client(self, tenant_id: str, client_id: str, overlap: timedelta, actor: Actor) -> str:
        """Give a client another secret and return it; the one before it stays good for `overlap`."""
        return self.clients.rotate_client(owner_id(tenant_id), client_id, overlap, actor)

    def revoke_client(self, tenant_id: str, client_id: str, actor: Actor) -> None:
        """End a client: its access tokens are refused within half a minute."""
        self.clients.revoke_client(owner_id(tenant_id), client_id, None, actor)

    def add_api_key(self, tenant_id: str, overlap: timedelta, actor: Actor) -> str:
        """Give a tenant another ApiKey and return it; the one before it stays good for `overlap`."""
        return self.clients.add_api_key(owner_id(tenant_id), overlap, actor)

    def revoke_api_key(self, tenant_id: str, hint: str, actor: Actor) -> None:
        """End the ApiKey that begins with `hint`, within half a minute."""
        self.clients.revoke_api_key(owner_id(tenant_id), hint, actor)

    def restore_key(self, tenant_id: str) -> Tenant:
        """Put a tenant's key into the usage plan, which is a new one after the Service stack was made anew. No setting
        changes, so there is nothing for the trail."""
        tenant = self.store.known(tenant_id)
        if tenant.usage_key is None or tenant.usage_key_id is None:
            return tenant
        key = UsageKey(tenant.usage_key_id, tenant.usage_key)
        now = self.keys.restore_key(owner_id(tenant_id), key)
        return tenant if now == key else self.store.save(replace(tenant, usage_key=now.value, usage_key_id=now.key_id))

    def _alter(
        self,
        tenant_id: str,
        action: Action,
        actor: Actor,
        alter: Callable[[Tenant], Tenant],
        *,
        seen: int | None,
        note: str | None = None,
    ) -> Tenant:
        """Write the change and its entry in one transaction. What changes nothing is not written."""
        for _ in range(MOST_TRIES):
            before = self._seen(tenant_id, seen)
            after = alter(before)
            if after == before:
                return before
            entry, also = self._told(action, actor, before, after, note)
            try:
                return _reported(entry, self.store.save(after, also=also))
            except ConcurrentChange:
                continue
        raise ConcurrentChange(f"tenant {tenant_id} is being changed by others")

    def _seen(self, tenant_id: str, seen: int | None) -> Tenant:
        tenant = self.store.known(tenant_id)
        if seen is not None and seen != tenant.revision:
            raise OutOfDate(f"the tenant is at revision {tenant.revision} by now, not {seen}: look at it again")
        return tenant

    def _check(self, change: TenantChange) -> None:
        for place, partner_id in enumerate(change.partner_ids or ()):
            if not self.is_partner(partner_id):
                raise InvalidMessage(f"settings.partner_ids.{place}", f"there is no partner {partner_id}")

    def _told(
        self, action: Action, actor: Actor, before: Tenant | None, after: Tenant | None, note: str | None = None
    ) -> tuple[Entry, Also]:
        tenant = after or before
        assert tenant is not None
        changes = changes_in(settings_of(before) if before else {}, settings_of(after) if after else {})
        return self.trail.next_entry(owner_id(tenant.tenant_id), action, actor, changes, at=self.real_now(), note=note)


def _reported(entry: Entry, saved: Tenant) -> Tenant:
    """Log the change with its hash: the log is one more place that a forged trail would have to agree with."""
    logger.info(
        f"tenant_{entry.action.value}",
        tenant_id=saved.tenant_id,
        who=entry.actor.who,
        via=entry.actor.via,
        audit_entry=entry.number,
        audit_hash=entry.hash,
    )
    count("TenantsChanged")
    return saved

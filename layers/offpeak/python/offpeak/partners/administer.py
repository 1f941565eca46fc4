"""What operators do to partners. Every change is written together with the entry of the audit trail that tells of it.

A suspended partner keeps its tokens, sessions and settings, and can use none of them: the authoriser refuses it, and
its sessions get no new profiles. The profiles that chargers have stay there, because each ends by itself in full power
at the car's departure; to take them away would mean to call the very system that was just shut out. Whoever wants them
gone sets planning.smart_charging to false first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from offpeak.aws.tables import Also
from offpeak.aws.usage_plans import UsageKey
from offpeak.errors import AlreadyExists, ConcurrentChange, InvalidMessage, OutOfDate, UnknownObject
from offpeak.partners.audit import Action, Actor, Entry, changes_between
from offpeak.partners.invite import Invitation, invited
from offpeak.partners.model import Partner, PartnerStatus
from offpeak.partners.settings import Change, changed
from offpeak.partners.store import PartnerStore
from offpeak.partners.trail import AuditTrail
from offpeak.telemetry import count, logger

MOST_TRIES = 4

Save = Callable[[Partner, Also], Partner]


class Keys(Protocol):
    """The usage plan that throttles partners by a key of their own."""

    def add_key(self, partner_id: str) -> UsageKey: ...

    def restore_key(self, partner_id: str, key: UsageKey) -> UsageKey: ...


@dataclass(frozen=True, slots=True)
class Administration:
    """Changes partners. `plan_anew` asks for fresh plans of a partner's running sessions, `forget_access` wipes what
    opens doors beside OCPI's tokens, `real_now` tells real time.

    In each method `seen` is the revision that the operator has looked at, None where any will do. All raise
    UnknownObject for a partner that does not exist, OutOfDate when it has changed since `seen`, and ConcurrentChange
    when others keep changing it.
    """

    store: PartnerStore
    trail: AuditTrail
    keys: Keys
    new_token: Callable[[], str]
    plan_anew: Callable[[str], None]
    forget_access: Callable[[str], None]
    real_now: Callable[[], datetime]

    def known(self, partner_id: str) -> Partner:
        """Return a partner as it is."""
        partner = self.store.load(partner_id)
        if partner is None:
            raise UnknownObject(f"there is no partner {partner_id}")
        return partner

    def invite(self, partner_id: str, change: Change, actor: Actor, *, is_new: bool = False) -> Invitation:
        """Invite a partner, or invite one again. Raises AlreadyExists where `is_new` and it is not, InvalidMessage."""
        token, made = self.new_token(), list[UsageKey]()

        def new_key() -> UsageKey:
            if not made:
                made.append(self.keys.add_key(partner_id))
            return made[0]

        def alter(before: Partner | None) -> Partner:
            if is_new and before is not None:
                raise AlreadyExists(f"there is a partner {partner_id} already")
            return invited(partner_id, before, change, new_key)

        saved = self._write(
            partner_id,
            Action.INVITED,
            actor,
            alter,
            save=lambda partner, also: self.store.save_invitation(partner, token, also=also),
        )
        return Invitation(saved, token)

    def change(self, partner_id: str, change: Change, actor: Actor, *, seen: int | None = None) -> Partner:
        """Change settings, and have running sessions planned by them. Raises InvalidMessage."""
        return self._alter(partner_id, Action.CHANGED, actor, lambda before: changed(before, change), seen=seen)

    def suspend(self, partner_id: str, actor: Actor, *, note: str | None = None, seen: int | None = None) -> Partner:
        """Shut a partner out within half a minute. Raises InvalidMessage for one that is gone already."""

        def alter(before: Partner) -> Partner:
            if before.status in (PartnerStatus.LEFT, PartnerStatus.REMOVED):
                raise InvalidMessage("partner_id", f"the partner is {before.status.value}: there is nobody to suspend")
            return before if before.is_suspended else replace(before, suspended_at=self.real_now())

        return self._alter(partner_id, Action.SUSPENDED, actor, alter, seen=seen, note=note)

    def resume(self, partner_id: str, actor: Actor, *, seen: int | None = None) -> Partner:
        """Let a suspended partner in again, and have its running sessions planned."""
        return self._alter(
            partner_id, Action.RESUMED, actor, lambda before: replace(before, suspended_at=None), seen=seen
        )

    def remove(self, partner_id: str, actor: Actor, *, seen: int | None = None) -> Partner:
        """End the connection: all tokens are wiped; the partner, its sessions and its trail stay for audit."""

        def alter(before: Partner) -> Partner:
            status = PartnerStatus.REMOVED
            ended = replace(before, status=status, suspended_at=None, peer_versions_url=None, endpoints=())
            return replace(ended, uses_oauth=False)

        def save(partner: Partner, also: Also) -> Partner:
            return self.store.save_without_tokens(partner, also=also)

        removed = self._alter(partner_id, Action.REMOVED, actor, alter, seen=seen, save=save)
        # From here on nobody gets in; whoever dies now leaves rows that the next removal wipes.
        self.forget_access(partner_id)
        return removed

    def restore_keys(self) -> list[str]:
        """Put every partner's key into the usage plan, which is a new one after the Service stack was made anew; return
        the partners' ids. No setting changes, so there is nothing for the trail."""
        restored = []
        for partner in self.store.all():
            if partner.usage_key is None or partner.usage_key_id is None:
                continue
            key = UsageKey(partner.usage_key_id, partner.usage_key)
            now = self.keys.restore_key(partner.partner_id, key)
            if now != key:
                self.store.save(replace(partner, usage_key=now.value, usage_key_id=now.key_id))
            restored.append(partner.partner_id)
        logger.info("usage_keys_restored", partners=len(restored))
        return restored

    def _alter(
        self,
        partner_id: str,
        action: Action,
        actor: Actor,
        alter: Callable[[Partner], Partner],
        *,
        seen: int | None,
        note: str | None = None,
        save: Save | None = None,
    ) -> Partner:
        """Change a partner that exists."""

        def alter_known(before: Partner | None) -> Partner:
            if before is None:
                raise UnknownObject(f"there is no partner {partner_id}")
            if seen is not None and seen != before.revision:
                raise OutOfDate(f"the partner is at revision {before.revision} by now, not {seen}: look at it again")
            return alter(before)

        saved = self._write(partner_id, action, actor, alter_known, note=note, save=save)
        if saved.is_registered:
            # A message that gets lost is made good by the replanning of every quarter of an hour.
            self.plan_anew(partner_id)
        return saved

    def _write(
        self,
        partner_id: str,
        action: Action,
        actor: Actor,
        alter: Callable[[Partner | None], Partner],
        *,
        note: str | None = None,
        save: Save | None = None,
    ) -> Partner:
        """Write the change and its entry in one transaction. What changes nothing is not written, invitations apart."""
        for _ in range(MOST_TRIES):
            before = self.store.load(partner_id)
            after = alter(before)
            if after == before and action is not Action.INVITED:
                return after
            entry, also = self.trail.next_entry(
                partner_id, action, actor, changes_between(before, after), at=self.real_now(), note=note
            )
            try:
                saved = save(after, also) if save else self.store.save(after, also=also)
            except ConcurrentChange:
                continue
            _report(entry, saved)
            return saved
        raise ConcurrentChange(f"partner {partner_id} is being changed by others")


def _report(entry: Entry, saved: Partner) -> None:
    """Log the change with its hash: the log is one more place that a forged trail would have to agree with."""
    logger.info(
        f"partner_{entry.action.value}",
        partner_id=entry.partner_id,
        who=entry.actor.who,
        via=entry.actor.via,
        revision=saved.revision,
        audit_entry=entry.number,
        audit_hash=entry.hash,
    )
    count("PartnersChanged")

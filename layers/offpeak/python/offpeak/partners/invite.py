"""Inviting a partner: we agree on its parties, and give it a token A for our versions (CONFORMANCE C1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from offpeak.aws.usage_plans import UsageKey
from offpeak.errors import InvalidMessage
from offpeak.partners.model import Partner, PartnerStatus
from offpeak.partners.settings import Change, changed


@dataclass(frozen=True, slots=True)
class Invitation:
    """What goes to the partner, by a safe way. The token can be shown this once only: the store keeps its hash."""

    partner: Partner
    token: str


def agreed(partner_id: str, before: Partner | None, change: Change) -> Partner:
    """Return a partner with which a connection may begin, by an invitation of ours or of its own.

    Raises InvalidMessage naming the setting that is missing.
    """
    partner = changed(before or Partner(partner_id, name="", parties=()), change)
    for name in ("name", "parties"):
        if not getattr(partner, name):
            raise InvalidMessage(f"settings.{name}", "is required")
    if partner.is_suspended:
        raise InvalidMessage("partner_id", "is suspended: resume the partner first")
    if partner.status in (PartnerStatus.LEFT, PartnerStatus.REMOVED):
        partner = replace(partner, status=PartnerStatus.INVITED)
    return partner


def invited(partner_id: str, before: Partner | None, change: Change, new_key: Callable[[], UsageKey]) -> Partner:
    """Return a partner as it is invited, or invited again because its token A got lost or it lost its credentials.

    A partner that is registered already goes on as it is until it uses what the new invitation leads to. `new_key`
    makes the key by which its requests are throttled, where it has none. Raises InvalidMessage as `agreed` does.
    """
    partner = agreed(partner_id, before, change)
    if partner.usage_key is not None:
        return partner
    key = new_key()
    return replace(partner, usage_key=key.value, usage_key_id=key.key_id)

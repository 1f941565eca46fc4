"""Inviting a partner: we agree on its parties, and give it a token A for our versions (CONFORMANCE C1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from offpeak.errors import InvalidMessage
from offpeak.partners.model import Partner
from offpeak.partners.settings import Change, changed
from offpeak.partners.store import PartnerStore
from offpeak.telemetry import logger


class Keys(Protocol):
    """Hands out the key by which a partner's requests are throttled."""

    def add_key(self, partner_id: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Invitation:
    """What goes to the partner, by a safe way. The token can be shown this once only: the store keeps its hash."""

    partner: Partner
    token: str


def invite(
    partner_id: str, change: Change, store: PartnerStore, keys: Keys, new_token: Callable[[], str]
) -> Invitation:
    """Invite a partner, or invite one again whose token A got lost or who lost its credentials.

    A partner that is registered already goes on as it is until it uses what the new invitation leads to. Raises
    InvalidMessage naming the setting that is missing, ConcurrentChange.
    """
    partner = store.load(partner_id)
    if partner is None:
        partner = Partner(partner_id, name="", parties=())
    partner = changed(partner, change)
    for name in ("name", "parties"):
        if not getattr(partner, name):
            raise InvalidMessage(f"settings.{name}", "is required")
    if partner.usage_key is None:
        partner = replace(partner, usage_key=keys.add_key(partner_id))
    token = new_token()
    saved = store.save_invitation(partner, token)
    logger.info("partner_invited", partner_id=partner_id)
    return Invitation(saved, token)

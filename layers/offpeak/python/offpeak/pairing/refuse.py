"""What is not taken of sessions: what is told of an EVSE that was un-paired, until it is paired anew."""

from __future__ import annotations

from datetime import datetime

from offpeak.pairing.model import Held, Ownership
from offpeak.pairing.ownership import OwnershipStore


def why_refused(ownership: Ownership | None, began: datetime | None) -> str | None:
    """Say why a session that began then is not taken; None where it is. Pure.

    Whoever pairs an EVSE anew gets nothing of what went on there before it was un-paired.
    """
    if ownership is None:
        return None
    if ownership.held is Held.RELEASED:
        return "was un-paired: nothing is taken of its sessions until it is paired anew"
    if began is not None and ownership.released_at is not None and began < ownership.released_at:
        return "was un-paired after this session began: nothing more is taken of it"
    return None


def refusing(ownership: OwnershipStore, partner_id: str, evse_uid: str, began: datetime | None) -> str | None:
    """Say why a session at an EVSE is not taken; None where it is. That is read now, not from memory."""
    return why_refused(ownership.of(partner_id, evse_uid), began)

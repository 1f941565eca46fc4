"""We end a connection: the CPO is told first, so that it calls nobody who knows it no more (CONFORMANCE C6)."""

from __future__ import annotations

from offpeak.errors import InvalidMessage, PeerRefused
from offpeak.partners.model import Partner
from offpeak.partners.propose import Initiator

KNOWS_US_NOT = (401, 403, 404, 405)
"""What a CPO answers that has no registration of ours: it has forgotten us, or our last DELETE's answer got lost."""


def withdraw(partner: Partner, by: Initiator) -> Partner:
    """DELETE our registration at the CPO. Its tokens here are for the caller to wipe, after this has returned.

    May be repeated after any failure. Raises InvalidMessage for a partner that is not registered, PeerUnusable,
    PeerUnavailable.
    """
    if not partner.is_registered:
        raise InvalidMessage("partner_id", "is not registered: there is nothing to withdraw")
    theirs = by.cipher.decrypt(by.store.token_for(partner.partner_id))
    try:
        by.handshake.withdraw_credentials(partner.endpoints, theirs, raw_token=partner.flags.raw_token)
    except PeerRefused as refused:
        if refused.http_status not in KNOWS_US_NOT:
            raise
    return partner

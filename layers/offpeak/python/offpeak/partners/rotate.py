"""We renew the tokens of a connection, every month or when told to (OCPI 2.2.1, 7.2.4; CONFORMANCE C4).

The version is negotiated anew with it: a CPO that has learnt a higher one since is spoken to in that one from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zlib import crc32

from offpeak.errors import InvalidMessage, UnknownObject
from offpeak.partners.model import Partner
from offpeak.partners.propose import Attempt, Initiator, attempt, exchange
from offpeak.partners.store import PartnerStore, Tokens
from offpeak.telemetry import count, logger

LONGEST_AGE = timedelta(days=30)
SPREAD = timedelta(days=2)
"""So much sooner at most, by the partner's id: connections that began on one day are not renewed in one hour."""


def rotate(partner: Partner, by: Initiator) -> Partner:
    """Exchange both tokens for new ones. May be repeated after any failure.

    Raises InvalidMessage for a partner that is not registered, PeerUnusable, PeerUnavailable, ConcurrentChange.
    """
    if not partner.is_registered or partner.peer_versions_url is None:
        raise InvalidMessage("partner_id", "is not registered: there is nothing to renew")
    theirs = by.cipher.decrypt(by.store.token_for(partner.partner_id))
    interface = by.handshake.look_up(partner.peer_versions_url, theirs, raw_token=partner.flags.raw_token)
    return exchange("PUT", partner, interface, theirs, partner.peer_versions_url, by)


def is_due(partner_id: str, tokens: Tokens, now: datetime) -> bool:
    """Say whether a partner's tokens are to be renewed: they are old, or an attempt was not answered."""
    if tokens.proposed is not None or tokens.given_at is None:
        return True
    sooner = SPREAD * (crc32(partner_id.encode()) % 1000 / 1000)
    return now - tokens.given_at >= LONGEST_AGE - sooner


def rotate_one(partner: Partner, by: Initiator) -> Attempt:
    """Exchange both tokens of a partner whose turn it is; what it is to blame for is logged and counted. It may have
    left since its turn came, which keeps nobody else from theirs."""
    try:
        done = attempt(lambda: rotate(partner, by), by.handshake)
    except (InvalidMessage, UnknownObject) as error:
        done = Attempt(None, str(error), ())
    if done.problem is not None:
        logger.warning("rotation_failed", partner_id=partner.partner_id, problem=done.problem)
        count("RotationsFailed")
    return done


def all_due(store: PartnerStore, now: datetime) -> Iterator[Partner]:
    """Yield the partners whose tokens are to be renewed.

    Their order is another one each hour, so that some that fail keep none from its turn.
    """
    for listed in in_turn(store.all(), now):
        tokens = store.tokens(listed.partner_id)
        partner = store.load(listed.partner_id)  # the list may be a moment old
        if partner is not None and tokens.theirs is not None and is_due(partner.partner_id, tokens, now):
            yield partner


def in_turn(partners: Iterable[Partner], now: datetime) -> Iterator[Partner]:
    """Yield the registered partners in another order each hour, so that some that fail keep none from their turn."""
    hour = f"{now:%Y-%m-%dT%H}"
    registered = (each for each in partners if each.is_registered)
    yield from sorted(registered, key=lambda each: crc32(f"{hour}#{each.partner_id}".encode()))

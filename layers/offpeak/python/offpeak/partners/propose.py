"""Registrations that we begin: our token is offered to a CPO, and becomes the one in force once the CPO has answered.

A call may be lost on its way there, in the CPO, or on its way back, and we may die at any point in between. So

- the token on offer is stored before the call and is good from then on: the CPO calls back with it within the call, and
  has it in force from the moment it took it, whether or not its answer reaches us;
- it ends nothing until the answer is stored: if the CPO did not take it, the one before it goes on;
- as long as no answer is stored, whatever the reason, the next attempt offers the same token again, with the token that
  we have of the CPO. A CPO that keeps that one until it has seen us use its successor, as we do, answers again.

What an attempt leaves behind is therefore at worst one more token that only this CPO has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from offpeak.aws.secrets import TokenCipher
from offpeak.errors import ConcurrentChange, PeerUnavailable, PeerUnusable
from offpeak.ocpi.credentials import GivenCredentials, credentials_object
from offpeak.partners.audit import Action
from offpeak.partners.handshake import Handshake, Interface, Step
from offpeak.partners.model import Partner, PartnerStatus
from offpeak.partners.register import MOST_TRIES, Told, registered, succeeded
from offpeak.partners.store import PartnerStore, Purpose, digest
from offpeak.telemetry import count, logger


@dataclass(frozen=True, slots=True)
class Initiator:
    """What it takes to begin. `versions_url` is ours; `now` the time from which a token's age is counted; `told` writes
    the entry of the audit trail that belongs to a change of a partner."""

    store: PartnerStore
    cipher: TokenCipher
    handshake: Handshake
    versions_url: str
    new_token: Callable[[], str]
    now: datetime
    told: Told


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a registration that we began went: the partner as it is then, or what was wrong; and each call on the way."""

    partner: Partner | None
    problem: str | None
    steps: tuple[Step, ...]


def attempt(begin: Callable[[], Partner], handshake: Handshake) -> Attempt:
    """Carry a registration through as far as it goes. What the partner is to blame for is told, not raised."""
    try:
        partner = begin()
    except (PeerUnusable, PeerUnavailable, ConcurrentChange) as error:
        return Attempt(None, str(error), tuple(handshake.steps))
    return Attempt(partner, None, tuple(handshake.steps))


def exchange(method: str, partner: Partner, interface: Interface, shown: str, url: str, by: Initiator) -> Partner:
    """POST or PUT our credentials to a CPO whose token `shown` is, keep the ones it answers with, and use them once.

    `url` is where the CPO's versions are, unless its answer names a better one. Returns the partner as registered.
    Raises what Handshake.give_credentials does, and ConcurrentChange.
    """
    partner, offered = _offer(partner, by)
    us = partner.our_party
    ours = credentials_object(
        offered, by.versions_url, country_code=us.country_code, party_id=us.party_id, name=partner.our_name
    )
    given = by.handshake.give_credentials(method, interface, shown, ours)
    if given.url is not None and by.handshake.rule.problem(given.url) is None:
        url = given.url
    action = Action.REGISTERED if method == "POST" else Action.ROTATED
    saved = _keep(partner.partner_id, action, offered, given, interface, url, by)
    # Only now: the first use of their new token may end the one that we had until this moment.
    works = by.handshake.try_token(url, given.token, raw_token=interface.raw_token)
    logger.info(
        "credentials_exchanged",
        partner_id=saved.partner_id,
        method=method,
        version=saved.version,
        modules=sorted({each.identifier for each in saved.endpoints}),
        their_token_works=works,
    )
    count("CredentialsExchanged" if works else "CredentialsUnusable")
    return saved


def _offer(partner: Partner, by: Initiator) -> tuple[Partner, str]:
    """Return the token that is on offer; a new one only where there is none."""
    tokens = by.store.tokens(partner.partner_id)
    if tokens.proposal is not None:
        token = by.cipher.decrypt(tokens.proposal)
    else:
        token = by.new_token()
        proposal = by.cipher.encrypt(token, partner_id=partner.partner_id, purpose=Purpose.OURS.value)
        tokens = replace(tokens, proposed=digest(token), proposal=proposal)
    before = by.store.load(partner.partner_id)
    also = by.told(Action.INVITED, before, partner) if before != partner else ()
    return by.store.save_proposal(partner, tokens, also=also), token


def _keep(
    partner_id: str,
    action: Action,
    offered: str,
    given: GivenCredentials,
    interface: Interface,
    url: str,
    by: Initiator,
) -> Partner:
    """Put the token that was taken in force, whatever else came meanwhile, but for the connection's end: whoever left
    or was removed while the CPO was answering stays so, and its tokens stay wiped.

    Where the CPO renewed its credentials at the same moment, it holds two tokens of ours and may use either: both are
    good until the one that it took now is first used.
    """
    theirs = by.cipher.encrypt(given.token, partner_id=partner_id, purpose=Purpose.THEIRS.value)
    ours = by.cipher.encrypt(offered, partner_id=partner_id, purpose=Purpose.OURS.value)
    for _ in range(MOST_TRIES):
        before = by.store.load(partner_id)
        assert before is not None, "partners are never deleted"
        if before.status in (PartnerStatus.LEFT, PartnerStatus.REMOVED):
            raise ConcurrentChange(f"partner {partner_id} is {before.status.value} since we offered it our token")
        known = by.store.tokens(partner_id)
        tokens = replace(succeeded(known, known.invitation, digest(offered)), ours=ours, theirs=theirs, given_at=by.now)
        partner = registered(before, url, interface)
        try:
            return by.store.save_credentials(partner, tokens, also=by.told(action, before, partner))
        except ConcurrentChange:
            continue
    raise ConcurrentChange(f"partner {partner_id} is being changed by others")

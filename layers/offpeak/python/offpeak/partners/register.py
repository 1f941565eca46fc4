"""Registration: a partner gives us its token and gets ours, renews both, or leaves (OCPI 2.2.1, 7; CONFORMANCE C1-C6).

Which of its tokens a partner shows decides what it may do: with a token A it may register, with a token C renew or
leave. A token stays good until its successor is first used, and a partner that asks again with the old one, because our
answer got lost, is given the same successor again; so a repeated request is harmless, even at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from offpeak.aws.secrets import TokenCipher
from offpeak.aws.tables import Also
from offpeak.errors import ConcurrentChange, InvalidMessage, MethodNotAllowed, NotAuthenticated
from offpeak.ocpi.credentials import CredentialsObject
from offpeak.ocpi.peer_address import origin_of
from offpeak.partners.audit import Action
from offpeak.partners.handshake import Handshake, Interface
from offpeak.partners.model import Partner, PartnerStatus
from offpeak.partners.store import FoundToken, PartnerStore, Purpose, TokenKind, Tokens, digest
from offpeak.telemetry import count, logger

MOST_TRIES = 4

ALLOWED = {
    "GET": {TokenKind.INVITATION, TokenKind.CREDENTIALS},
    "POST": {TokenKind.INVITATION},
    "PUT": {TokenKind.CREDENTIALS},
    "DELETE": {TokenKind.CREDENTIALS},
}


Told = Callable[[Action, Partner | None, Partner], Also]
"""Returns the writes that tell the audit trail what happened to a partner: before and after."""


def untold(_action: Action, _before: Partner | None, _after: Partner) -> Also:
    """Tell nobody."""
    return ()


@dataclass(frozen=True, slots=True)
class GivenToken:
    """The token that a partner is to use from now on."""

    partner: Partner
    token: str


def find_registrant(method: str, tokens: tuple[str, ...], store: PartnerStore) -> FoundToken:
    """Return whose token was shown, looked up anew: it may have ended since the authoriser saw it.

    Raises NotAuthenticated, and MethodNotAllowed for POST when registered, PUT and DELETE when not (C3).
    """
    found = next((found for found in map(store.by_token, tokens) if found), None)
    if found is None:
        raise NotAuthenticated("the token is not known")
    if found.kind not in ALLOWED[method]:
        raise MethodNotAllowed("already registered" if found.kind is TokenKind.CREDENTIALS else "not registered yet")
    store.confirm(found)
    return found


def current_token(found: FoundToken, shown: tuple[str, ...], store: PartnerStore, cipher: TokenCipher) -> GivenToken:
    """Return the token that whoever asks should be using: a partner's newest, or the token A that was shown (C3).

    A token A is good for a handshake and tells no other token, or an invitation that leaks would open the sessions of
    a partner that is invited again.
    """
    tokens = store.tokens(found.partner.partner_id)
    if found.kind is TokenKind.CREDENTIALS and found.digest != tokens.proposed and tokens.ours is not None:
        return GivenToken(found.partner, cipher.decrypt(tokens.ours))
    return GivenToken(found.partner, next(token for token in shown if digest(token) == found.digest))


def exchange_tokens(
    found: FoundToken,
    theirs: CredentialsObject,
    *,
    store: PartnerStore,
    cipher: TokenCipher,
    handshake: Handshake,
    new_token: Callable[[], str],
    version: str,
    now: datetime,
    told: Told = untold,
) -> GivenToken:
    """Register a partner, or renew its registration: look its interfaces up, keep its token, give it ours.

    `version` is the one in which the partner asks: the connection is in that version from then on (C4).

    Raises InvalidMessage for an address that we do not call, and what Handshake.look_up raises; then nothing has
    changed. Raises ConcurrentChange when others kept changing the partner.
    """
    problem = handshake.rule.problem(theirs.url) or _problem_of_move(found.partner, theirs.url)
    if problem is not None:
        raise InvalidMessage("url", problem)
    interface = handshake.look_up(theirs.url, theirs.token, raw_token=found.partner.flags.raw_token, version=version)
    partner_id = found.partner.partner_id
    encrypted = cipher.encrypt(theirs.token, partner_id=partner_id, purpose=Purpose.THEIRS.value)
    for _ in range(MOST_TRIES):
        partner = store.load(partner_id)
        known = store.tokens(partner_id)
        if partner is None or not is_good(found.digest, known):
            raise NotAuthenticated("the token has ended")
        if found.digest in known.replaces and known.ours is not None:
            token, tokens = cipher.decrypt(known.ours), known
        else:
            token = new_token()
            ours = cipher.encrypt(token, partner_id=partner_id, purpose=Purpose.OURS.value)
            tokens = replace(succeeded(known, found.digest, digest(token)), ours=ours, given_at=now)
        after = registered(partner, theirs.url, interface)
        action = Action.REGISTERED if found.kind is TokenKind.INVITATION else Action.ROTATED
        try:
            saved = store.save_credentials(after, replace(tokens, theirs=encrypted), also=told(action, partner, after))
        except ConcurrentChange:
            continue
        _report(saved, theirs)
        return GivenToken(saved, token)
    raise ConcurrentChange(f"partner {partner_id} is being changed by others")


def _problem_of_move(partner: Partner, url: str) -> str | None:
    """Say why credentials may not lead us to another server, or None.

    A partner that we call with OAuth2 would be shown our access token there, and whoever has stolen an OCPI token could
    name a server of his own.
    """
    if not partner.uses_oauth or not partner.peer_versions_url:
        return None
    if origin_of(url) == origin_of(partner.peer_versions_url):
        return None
    return "is on another server than before, and we call this partner with OAuth2: an operator has to end that first"


def leave(found: FoundToken, store: PartnerStore, told: Told = untold) -> None:
    """End a registration: all tokens are wiped, the partner and its sessions stay for audit (C6)."""
    left = replace(found.partner, status=PartnerStatus.LEFT, peer_versions_url=None, endpoints=())
    store.save_without_tokens(left, also=told(Action.LEFT, found.partner, left))
    logger.info("partner_left", partner_id=left.partner_id)
    count("PartnersLeft")


def is_good(shown: str, tokens: Tokens) -> bool:
    """Say whether a token, by its digest, is one of the partner's that have not ended."""
    return shown in (tokens.invitation, tokens.current, tokens.proposed) or shown in tokens.replaces


def succeeded(tokens: Tokens, shown: str | None, successor: str) -> Tokens:
    """Return the tokens after `successor` was given out for `shown`: its first use ends all that were good before."""
    before = {each for each in (shown, tokens.current, tokens.proposed, *tokens.replaces) if each}
    invitation = None if tokens.invitation == shown else tokens.invitation
    return replace(
        tokens,
        invitation=invitation,
        current=successor,
        replaces=frozenset(before - {successor}),
        proposed=None,
        proposal=None,
    )


def registered(partner: Partner, versions_url: str, interface: Interface) -> Partner:
    """Return the partner as the handshake found it. Its parties stay as agreed; the roles are self-asserted."""
    return replace(
        partner,
        status=PartnerStatus.REGISTERED,
        version=interface.version,
        peer_versions_url=versions_url,
        endpoints=interface.endpoints,
        flags=replace(partner.flags, raw_token=interface.raw_token),
    )


def _report(partner: Partner, theirs: CredentialsObject) -> None:
    asserted = {(role.country_code.casefold(), role.party_id.casefold()) for role in theirs.roles}
    agreed = {(party.country_code.casefold(), party.party_id.casefold()) for party in partner.parties}
    logger.info(
        "partner_registered",
        partner_id=partner.partner_id,
        version=partner.version,
        hub=theirs.hub,
        modules=sorted({each.identifier for each in partner.endpoints}),
        raw_token=partner.flags.raw_token,
        asserts_only_agreed_parties=asserted <= agreed,
    )
    count("PartnersRegistered")

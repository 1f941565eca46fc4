"""The partners table: partners, and the tokens by which they find us and we find them.

Rows: PARTNER#{id}/PARTNER, the partner; PARTNER#{id}/TOKENS, its tokens as ciphertexts; TOKEN#{sha256}/TOKEN, whom one
of our tokens belongs to. A token is looked up by its hash, so the time that takes tells nothing about the token, and a
copy of the table opens no door (CONFORMANCE T2, C3).

A token that is replaced stays good until its successor is first used: an answer that got lost on its way bricks nobody
(C1, C4). The successor's row says whom it `replaces`, and its first use deletes them. A token that we propose by a call
of our own is good from before that call on, replaces nothing until the partner has answered, and is proposed again
until it does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from offpeak.aws.secrets import EncryptedToken
from offpeak.aws.tables import Also, Delete, Key, Put, Table, Update, Write, write_together
from offpeak.errors import ConcurrentChange, UnknownObject
from offpeak.instants import format_instant, parse_instant
from offpeak.memory import Memory
from offpeak.oauth.access_store import AccessStore
from offpeak.partners.model import Partner
from offpeak.partners.row import partner_from_row, partner_to_row

CACHED_S = 30.0
"""Settings take effect within this time."""


class TokenKind(StrEnum):
    INVITATION = "A"
    """OCPI's token A: good for versions and credentials, until the registration that it began is used."""
    CREDENTIALS = "C"


class Purpose(StrEnum):
    """Whose a stored ciphertext is."""

    OURS = "ours"
    """We gave it out; the partner calls us with it."""
    THEIRS = "theirs"
    """The partner gave it to us (OCPI's token B); we call it with it."""


@dataclass(frozen=True, slots=True)
class FoundToken:
    """One of our tokens that somebody showed. `replaces` are the digests that its first use ends."""

    digest: str
    kind: TokenKind
    partner: Partner
    replaces: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tokens:
    """A partner's tokens: `invitation` and `current` are digests of ours, the newest of each kind."""

    invitation: str | None = None
    current: str | None = None
    replaces: frozenset[str] = frozenset()
    """The digests that the first use of `current` ends; empty once it was used."""
    ours: EncryptedToken | None = None
    theirs: EncryptedToken | None = None
    proposed: str | None = None
    """The digest of the token that we have offered by a call that was not answered yet."""
    proposal: EncryptedToken | None = None
    given_at: datetime | None = None
    """When `current` was given out."""


def digest(token: str) -> str:
    """Return the hash under which a token is looked up. Our tokens hold 384 random bits, so it needs no salt."""
    return sha256(token.encode()).hexdigest()


class PartnerStore:
    """All partners. `now_s` tells real epoch seconds."""

    def __init__(self, table: Table, now_s: Callable[[], float] = time.time) -> None:
        self._table = table
        self._memory: Memory[str, Partner] = Memory(CACHED_S, now_s)

    def load(self, partner_id: str) -> Partner | None:
        """Return a partner as it is now."""
        row = self._table.get(_partner_key(partner_id))
        return partner_from_row(row) if row else None

    def known(self, partner_id: str) -> Partner:
        """Return a partner as it is now. Raises UnknownObject."""
        partner = self.load(partner_id)
        if partner is None:
            raise UnknownObject(f"there is no partner {partner_id}")
        return partner

    def load_cached(self, partner_id: str, *, changed_at: datetime | None = None) -> Partner:
        """Return a partner as it was at most CACHED_S ago, with the change that was made at the real time `changed_at`.

        Raises UnknownObject.
        """

        def load() -> Partner:
            partner = self.load(partner_id)
            if partner is None:
                raise UnknownObject(f"partner {partner_id} is not known")
            return partner

        return self._memory.get(partner_id, load, changed_at=changed_at)

    def save(self, partner: Partner, *, also: Also = ()) -> Partner:
        """Write a partner that was new or loaded before; its revision goes up. Raises ConcurrentChange."""
        write, saved = _put_partner(partner)
        if also:
            self._write_together([write], also)
        else:
            self._table.write(write)
        return saved

    def all(self) -> Iterator[Partner]:
        """Yield every partner, by bidding zone."""
        rows = self._table.query("directory = :all", {":all": "partners"}, index="directory")
        return (partner_from_row(row) for row in rows)

    def page(self, after: str | None, limit: int) -> tuple[list[Partner], str | None]:
        """Return up to `limit` partners in the order of `all`, and where the next page starts, None after the last."""
        rows = list(
            self._table.query(
                "directory = :all" + (" AND zone_and_partner > :after" if after else ""),
                {":all": "partners", **({":after": after} if after else {})},
                index="directory",
                limit=limit + 1,
            )
        )
        shown = rows[:limit]
        return [partner_from_row(row) for row in shown], shown[-1]["zone_and_partner"] if len(rows) > limit else None

    def by_token(self, token: str) -> FoundToken | None:
        """Return whose a token of ours is, or None."""
        row = self._table.get(_token_key(digest(token)))
        partner = self.load(row["partner_id"]) if row else None
        if row is None or partner is None:
            return None
        return FoundToken(digest(token), TokenKind(row["kind"]), partner, frozenset(row.get("replaces", ())))

    def tokens(self, partner_id: str) -> Tokens:
        """Return what a partner has in tokens; nothing at all where it has none."""
        row = self._table.get(_tokens_key(partner_id)) or {}
        current = row.get("current")
        current_row = (self._table.get(_token_key(current)) if current else None) or {}
        return Tokens(
            invitation=row.get("invitation"),
            current=current,
            replaces=frozenset(current_row.get("replaces", ())),
            ours=_encrypted(partner_id, Purpose.OURS, row),
            theirs=_encrypted(partner_id, Purpose.THEIRS, row),
            proposed=row.get("proposed"),
            proposal=EncryptedToken(partner_id, Purpose.OURS.value, row["proposal"]) if "proposal" in row else None,
            given_at=parse_instant(row["given_at"]) if "given_at" in row else None,
        )

    def token_for(self, partner_id: str) -> EncryptedToken:
        """Return the token that we call a partner with. Raises UnknownObject for one that is not registered."""
        row = self._table.get(_tokens_key(partner_id)) or {}
        theirs = _encrypted(partner_id, Purpose.THEIRS, row)
        if theirs is None:
            raise UnknownObject(f"partner {partner_id} is not registered")
        return theirs

    def save_invitation(self, partner: Partner, token: str, *, also: Also = ()) -> Partner:
        """Save a partner with a new token A; one that was given out before and not used is void.

        Raises ConcurrentChange.
        """
        tokens = self.tokens(partner.partner_id)
        write, saved = _put_partner(partner)
        writes: list[Write] = [
            write,
            _put_token(digest(token), TokenKind.INVITATION, partner.partner_id),
            _put_tokens(partner.partner_id, replace(tokens, invitation=digest(token))),
        ]
        if tokens.invitation:
            writes.append(Delete(_token_key(tokens.invitation)))
        self._write_together(writes, also)
        return saved

    def save_credentials(self, partner: Partner, tokens: Tokens, *, also: Also = ()) -> Partner:
        """Save a partner with `tokens.current` as the token that it calls us with. Raises ConcurrentChange."""
        assert tokens.current is not None
        write, saved = _put_partner(partner)
        token = _put_token(tokens.current, TokenKind.CREDENTIALS, partner.partner_id, tokens.replaces)
        self._write_together([write, token, _put_tokens(partner.partner_id, tokens)], also)
        return saved

    def save_proposal(self, partner: Partner, tokens: Tokens, *, also: Also = ()) -> Partner:
        """Save a partner with `tokens.proposed` as one more token that it may call us with. Raises ConcurrentChange."""
        assert tokens.proposed is not None
        write, saved = _put_partner(partner)
        token = _put_token(tokens.proposed, TokenKind.CREDENTIALS, partner.partner_id)
        self._write_together([write, token, _put_tokens(partner.partner_id, tokens)], also)
        return saved

    def confirm(self, found: FoundToken) -> None:
        """End the tokens that `found` replaces, now that it has been used."""
        if not found.replaces:
            return
        first_use = Update(_token_key(found.digest), "REMOVE replaces", "attribute_exists(replaces)")
        ends = [Delete(_token_key(each)) for each in sorted(found.replaces)]
        try:
            self._write_together([first_use, *ends])
        except ConcurrentChange:
            return  # Another call with the same token came first and did it.

    def save_without_tokens(self, partner: Partner, *, also: Also = ()) -> Partner:
        """Save a partner that has left, and wipe all its tokens (CONFORMANCE C6), OAuth2's on either side included.

        Raises ConcurrentChange.
        """
        tokens = self.tokens(partner.partner_id)
        write, saved = _put_partner(replace(partner, uses_oauth=False))
        ours = {each for each in (tokens.invitation, tokens.current, tokens.proposed, *tokens.replaces) if each}
        wiped = [Delete(_token_key(each)) for each in sorted(ours)]
        wiped += [Delete(_tokens_key(partner.partner_id)), Delete(peer_access_key(partner.partner_id))]
        access = AccessStore(self._table).removing(partner.partner_id)
        self._write_together([write, *wiped, *access], also)
        return saved

    def _write_together(self, writes: list[Write], also: Also = ()) -> None:
        write_together([*((self._table, write) for write in writes), *also])


def peer_access_key(partner_id: str) -> Key:
    """Where our access at a partner stands (partners/peer_access_store.py)."""
    return {"pk": f"PARTNER#{partner_id}", "sk": "PEER_ACCESS"}


def _put_partner(partner: Partner) -> tuple[Put, Partner]:
    saved = replace(partner, revision=partner.revision + 1)
    row = {
        **_partner_key(partner.partner_id),
        "directory": "partners",
        "zone_and_partner": f"{partner.planning.bidding_zone}#{partner.partner_id}",
        **partner_to_row(saved),
    }
    if partner.revision == 0:
        return Put(row, "attribute_not_exists(pk)"), saved
    return Put(row, "revision = :before", {":before": partner.revision}), saved


def _put_token(token_digest: str, kind: TokenKind, partner_id: str, replaces: frozenset[str] = frozenset()) -> Put:
    row = {**_token_key(token_digest), "kind": kind.value, "partner_id": partner_id}
    return Put({**row, "replaces": sorted(replaces)} if replaces else row)


def _put_tokens(partner_id: str, tokens: Tokens) -> Put:
    return Put(
        {
            **_tokens_key(partner_id),
            "invitation": tokens.invitation,
            "current": tokens.current,
            Purpose.OURS.value: tokens.ours.ciphertext if tokens.ours else None,
            Purpose.THEIRS.value: tokens.theirs.ciphertext if tokens.theirs else None,
            "proposed": tokens.proposed,
            "proposal": tokens.proposal.ciphertext if tokens.proposal else None,
            "given_at": format_instant(tokens.given_at) if tokens.given_at else None,
        }
    )


def _encrypted(partner_id: str, purpose: Purpose, row: dict[str, Any]) -> EncryptedToken | None:
    return EncryptedToken(partner_id, purpose.value, row[purpose.value]) if purpose.value in row else None


def _partner_key(partner_id: str) -> Key:
    return {"pk": f"PARTNER#{partner_id}", "sk": "PARTNER"}


def _tokens_key(partner_id: str) -> Key:
    return {"pk": f"PARTNER#{partner_id}", "sk": "TOKENS"}


def _token_key(token_digest: str) -> Key:
    return {"pk": f"TOKEN#{token_digest}", "sk": "TOKEN"}

"""The audit trail in its tables: one row an entry, written in the same transaction as the change it tells of.

Rows of `audit`: (partner_id, number in eight digits). The row PARTNER#{id}/AUDIT of `partners` is the head: how many
entries there are, and the hash of the last. Whoever writes may put rows into `audit` as part of a transaction, and
query them, and nothing else. IAM cannot demand a condition on a put, so what it cannot forbid, to put a row over
another, shows in the hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from offpeak.aws.tables import Item, Key, Put, Table, Update, Write
from offpeak.errors import UnknownObject
from offpeak.partners.audit import Action, Actor, Entry, Head, SettingChange, StoredEntry, broken_links, entry_of

DIGITS = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying a trail found; it is whole where there are no problems."""

    entries: int
    hash: str
    problems: tuple[str, ...]


def partner_head(partner_id: str) -> Key:
    """Return where the head of a partner's trail stands."""
    return {"pk": f"PARTNER#{partner_id}", "sk": "AUDIT"}


class AuditTrail:
    """The trails of what lives in the table `heads`; `head_key` says where there the head of each stands."""

    def __init__(self, audit: Table, heads: Table, head_key: Callable[[str], Key] = partner_head) -> None:
        self._audit = audit
        self._heads = heads
        self._head_key = head_key

    def next_entry(
        self,
        partner_id: str,
        action: Action,
        actor: Actor,
        changes: tuple[SettingChange, ...],
        *,
        at: datetime,
        note: str | None = None,
    ) -> tuple[Entry, Sequence[tuple[Table, Write]]]:
        """Return the next entry of a partner's trail, and the writes that belong into its change's transaction.

        They fail with ConcurrentChange when another entry came first.
        """
        head = self._head(partner_id)
        entry = Entry(partner_id, head.entries + 1, at, actor, action, changes, head.hash, note)
        row = {**_key(partner_id, entry.number), "entry": entry.text, "hash": entry.hash}
        moved = Update(
            self._head_key(partner_id),
            "SET entries = :number, #hash = :hash",
            "#hash = :before" if head.entries else "attribute_not_exists(pk)",
            {":number": entry.number, ":hash": entry.hash, **({":before": head.hash} if head.entries else {})},
            {"#hash": "hash"},
        )
        return entry, [(self._audit, Put(row, "attribute_not_exists(pk)")), (self._heads, moved)]

    def entries(self, partner_id: str, *, before: int | None = None, limit: int) -> list[Entry]:
        """Return up to `limit` entries, newest first, of those that came before entry `before`."""
        condition, values = "pk = :partner_id", {":partner_id": partner_id}
        if before is not None:
            condition, values = f"{condition} AND sk < :before", {**values, ":before": f"{before:0{DIGITS}d}"}
        rows = self._audit.query(condition, values, newest_first=True, limit=limit)
        return [entry_of(row["entry"]) for row in rows]

    def verify(self, partner_id: str) -> Verdict:
        """Hold the whole trail against its hashes and its head. Raises UnknownObject where there is none."""
        head = self._head(partner_id)
        stored = [_stored(row) for row in self._all(partner_id)]
        if not stored and not head.entries:
            raise UnknownObject(f"there is no trail of {partner_id}")
        return Verdict(head.entries, head.hash, tuple(broken_links(stored, head)))

    def _all(self, partner_id: str) -> Iterator[Item]:
        return self._audit.query("pk = :partner_id", {":partner_id": partner_id})

    def _head(self, partner_id: str) -> Head:
        row = self._heads.get(self._head_key(partner_id))
        return Head(int(row["entries"]), row["hash"]) if row else Head()


def _stored(row: Item) -> StoredEntry:
    return StoredEntry(int(row["sk"]), row["entry"], row["hash"])


def _key(partner_id: str, number: int) -> dict[str, str]:
    return {"pk": partner_id, "sk": f"{number:0{DIGITS}d}"}

"""Deletions of accounts, in the users table: DELETIONS#{tenant}/{deletion id}. They hold opaque ids only, and stay as
the proof of what was done.

The user's row goes in the transaction that makes the deletion, so from then on nothing of him is found by apps, and
nothing can be put where he was. While a deletion is not finished the index `directory` has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from offpeak.aws.tables import ConditionCheck, Delete, Item, Part, Put, Table, write_together
from offpeak.errors import no_such
from offpeak.instants import format_instant, parse_instant
from offpeak.pairing.model import FormerCharger, User, UserKey

LAST_EXPIRY = timedelta(days=30)
"""What is not erased but goes by itself (deliveries, codes, counts of tries) is gone after so long."""
BACKUPS_KEPT_FOR = timedelta(days=35)
"""Tables can be restored as they were at any second of so many days."""
OPEN = "#deletions"
"""Their place in the index. No tenant has such an id."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """`evses` are those of all chargers that the user has or had, as (partner, uid), with when he had them last;
    `chargers` are these chargers' ids; both are empty once it is finished. `done` counts by place what was erased,
    `runs` how often all places were looked at, `left` what the last look found."""

    user: UserKey
    deletion_id: str
    begun_at: datetime
    evses: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    chargers: frozenset[str] = frozenset()
    runs: int = 0
    done: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    looked_at: datetime | None = None
    finished_at: datetime | None = None
    revision: int = 0

    @property
    def backups_expire_at(self) -> datetime | None:
        return self.finished_at + LAST_EXPIRY + BACKUPS_KEPT_FOR if self.finished_at else None

    def noting(self, had: Iterable[FormerCharger]) -> Deletion:
        """Return the deletion when it knows of these chargers, too."""
        evses, chargers = dict(self.evses), set(self.chargers)
        for each in had:
            chargers.add(each.key.charger_id)
            for evse in ((each.partner_id, uid) for uid in each.evse_uids):
                evses[evse] = max(each.until, evses.get(evse, each.until))
        return replace(self, evses=evses, chargers=frozenset(chargers))


def deletion_id_of(user_id: str) -> str:
    """Return the id of a user's deletion: there is one at most."""
    return f"del_{user_id.removeprefix('usr_')}"


class DeletionStore:
    def __init__(self, users: Table) -> None:
        self._table = users

    def begin(self, user: User, *, now: datetime) -> Deletion:
        """Take a user's row away and leave his deletion in its place. Raises ConcurrentChange where he has changed."""
        deletion = Deletion(user.key, deletion_id_of(user.key.user_id), now, revision=1)
        gone = Delete({"pk": user.key.text, "sk": "USER"}, "revision = :seen", {":seen": user.revision})
        put = Put(_row(deletion), "attribute_not_exists(pk)")
        write_together([(self._table, gone), (self._table, put)])
        return deletion

    def load(self, tenant_id: str, deletion_id: str) -> Deletion | None:
        row = self._table.get(_key(tenant_id, deletion_id))
        return _deletion(row) if row else None

    def known(self, tenant_id: str, deletion_id: str) -> Deletion:
        """Return a deletion of a tenant's user. Raises UnknownObject."""
        deletion = self.load(tenant_id, deletion_id)
        if deletion is None:
            raise no_such("deletion", deletion_id)
        return deletion

    def open(self) -> Iterator[tuple[str, str]]:
        """Yield tenant and id of each that is not finished, and of some that just were: an index tells late."""
        for row in self._table.query("directory = :open", {":open": OPEN}, index="directory"):
            yield row["tenant_id"], row["sk"]

    def save(self, deletion: Deletion) -> Deletion:
        """Write what follows `deletion.revision`. Raises ConcurrentChange."""
        saved = replace(deletion, revision=deletion.revision + 1)
        self._table.write(Put(_row(saved), "revision = :seen", {":seen": deletion.revision}))
        return saved

    def none_of(self, user: UserKey) -> tuple[Table, Part]:
        """Return what makes the transaction fail that would make a user anew who was erased."""
        key = _key(user.tenant_id, deletion_id_of(user.user_id))
        return self._table, ConditionCheck(key, "attribute_not_exists(pk)")


def _key(tenant_id: str, deletion_id: str) -> dict[str, str]:
    return {"pk": f"DELETIONS#{tenant_id}", "sk": deletion_id}


def _row(deletion: Deletion) -> Item:
    user, looked_at, finished_at = deletion.user, deletion.looked_at, deletion.finished_at
    return {
        **_key(user.tenant_id, deletion.deletion_id),
        "directory": None if finished_at else OPEN,
        "tenant_id": user.tenant_id,
        "user_id": user.user_id,
        "begun_at": format_instant(deletion.begun_at),
        "evses": [[*evse, format_instant(until)] for evse, until in sorted(deletion.evses.items())],
        "chargers": sorted(deletion.chargers),
        "runs": deletion.runs,
        "done": deletion.done,
        "left": deletion.left,
        "looked_at": format_instant(looked_at) if looked_at else None,
        "finished_at": format_instant(finished_at) if finished_at else None,
        "revision": deletion.revision,
    }


def _deletion(row: Item) -> Deletion:
    begun_at, looked_at = parse_instant(row["begun_at"]), _instant_at(row, "looked_at")
    finished_at = _instant_at(row, "finished_at")
    # Older rows do not say until when he had an EVSE: he was un-paired by the last look at the latest.
    had_until = format_instant(looked_at or begun_at)
    evses = {(partner_id, uid): parse_instant(*until or [had_until]) for partner_id, uid, *until in row["evses"]}
    return Deletion(
        user=UserKey(row["tenant_id"], row["user_id"]),
        deletion_id=row["sk"],
        begun_at=begun_at,
        # Older rows of what is finished have both still.
        evses={} if finished_at else evses,
        chargers=frozenset() if finished_at else frozenset(row["chargers"]),
        runs=int(row["runs"]),
        done=_counts(row["done"]),
        left=_counts(row["left"]),
        looked_at=looked_at,
        finished_at=finished_at,
        revision=int(row["revision"]),
    )


def _instant_at(row: Item, name: str) -> datetime | None:
    return parse_instant(row[name]) if name in row else None


def _counts(row: dict[str, Any]) -> dict[str, int]:
    return {name: int(each) for name, each in row.items()}

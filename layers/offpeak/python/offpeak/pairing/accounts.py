"""The users table: one partition a user, with all that is kept of him.

{tenant}#{user}: USER, and a LOCATION#{id} and a CHARGER#{id} row for each charging location and charger. The index
`directory` lists a tenant's users. Each row counts its own changes; a write names the count that it has seen.

A PAST#{id} row remembers a charger that was un-paired. Only its user's erasure reads it; it goes by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from offpeak.aws.tables import (
    Also,
    ConditionCheck,
    Delete,
    Item,
    Part,
    Put,
    Table,
    Update,
    Write,
    counts,
    write_together,
)
from offpeak.errors import ConcurrentChange, OutOfDate, no_such
from offpeak.pairing.model import Account, Charger, ChargerKey, ChargingLocation, FormerCharger, User, UserKey
from offpeak.pairing.rows import (
    charger_from,
    charger_row,
    former_row,
    location_from,
    location_row,
    user_from,
    user_row,
)

Kept = TypeVar("Kept", User, ChargingLocation, Charger)


class AccountStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, key: UserKey) -> Account | None:
        """Return all that is kept of a user as it is now, or None."""
        rows = {row["sk"]: row for row in self._table.query("pk = :pk", {":pk": key.text})}
        if "USER" not in rows:
            return None
        locations = [location_from(row) for sk, row in rows.items() if sk.startswith("LOCATION#")]
        chargers = [charger_from(row) for sk, row in rows.items() if sk.startswith("CHARGER#")]
        return Account(
            user_from(rows["USER"]),
            {each.location_id: each for each in locations},
            {each.key.charger_id: each for each in chargers},
        )

    def known(self, key: UserKey) -> Account:
        """Return all that is kept of a user. Raises UnknownObject."""
        account = self.load(key)
        if account is None:
            raise no_such("user", key.user_id)
        return account

    def charger(self, key: ChargerKey) -> Charger | None:
        row = self._table.get({"pk": key.user.text, "sk": f"CHARGER#{key.charger_id}"})
        return charger_from(row) if row else None

    def page(self, tenant_id: str, after: str | None, limit: int) -> tuple[list[User], str | None]:
        """Return a page of a tenant's users by their ids, and where the next one starts, None after the last."""
        rows = self._table.query(
            "directory = :tenant" + (" AND user_id > :after" if after else ""),
            {":tenant": tenant_id, **({":after": after} if after else {})},
            index="directory",
            limit=limit + 1,
        )
        users = [user_from(row) for row in rows]
        return users[:limit], users[limit - 1].key.user_id if len(users) > limit else None

    def save_user(self, user: User, *, also: Also = ()) -> User:
        """Write what follows `user.revision`, 0 for a new one; return it as saved. Raises OutOfDate."""
        saved = replace(user, revision=user.revision + 1)
        return self._save(saved, user_row(saved), {"revision": user.revision}, also)

    def save_location(self, key: UserKey, location: ChargingLocation, *, also: Also = ()) -> ChargingLocation:
        """The same for a charging location of a user who is still there."""
        saved = replace(location, revision=location.revision + 1)
        return self._save(saved, location_row(key, saved), _counts(location), (self.is_there(key), *also))

    def save_charger(self, charger: Charger, *, also: Also = ()) -> Charger:
        """The same for a charger."""
        saved = replace(charger, revision=charger.revision + 1)
        return self._save(saved, charger_row(saved), {"revision": charger.revision}, also)

    def is_there(self, key: UserKey) -> tuple[Table, Part]:
        """Return what makes a transaction fail once the user is gone: nothing is put where somebody has been erased."""
        return self._table, ConditionCheck({"pk": key.text, "sk": "USER"}, "attribute_exists(pk)")

    def is_as_seen(self, charger: Charger) -> tuple[Table, Part]:
        """Return what makes a transaction fail where a charger has changed since it was read."""
        key = {"pk": charger.key.user.text, "sk": f"CHARGER#{charger.key.charger_id}"}
        return self._table, ConditionCheck(key, "revision = :seen", {":seen": charger.revision})

    def charger_put(self, charger: Charger) -> list[tuple[Table, Write]]:
        """Return the writes of a new charger, for the transaction that links it: it fails once the location is gone,
        and who is about to take that away finds it changed."""
        put = Put(charger_row(replace(charger, revision=1)), "attribute_not_exists(pk)")
        location = {"pk": charger.key.user.text, "sk": f"LOCATION#{charger.location_id}"}
        mark = Update(location, "ADD pairings :one", "attribute_exists(pk)", {":one": 1})
        return [(self._table, put), (self._table, mark)]

    def charger_delete(self, charger: Charger) -> tuple[Table, Write]:
        """Return the write that takes a charger away that is as it was seen, for the transaction that un-pairs it."""
        sk = f"CHARGER#{charger.key.charger_id}"
        return self._table, Delete(
            {"pk": charger.key.user.text, "sk": sk}, "revision = :seen", {":seen": charger.revision}
        )

    def former_put(self, former: FormerCharger, expires_at: datetime) -> tuple[Table, Write]:
        """Return the write that remembers a charger until then, for the transaction that un-pairs it."""
        return self._table, Put(former_row(former, expires_at))

    def remove_location(self, key: UserKey, location: ChargingLocation) -> None:
        """Take a location away that is as it was seen, before its chargers were looked at. Raises OutOfDate."""
        delete = Delete({"pk": key.text, "sk": f"LOCATION#{location.location_id}"}, *_as_seen(_counts(location)))
        self._written(lambda: self._table.write(delete))

    def _save(self, saved: Kept, row: Item, seen: dict[str, int], also: Also) -> Kept:
        put = Put(row, *_as_seen(seen)) if seen["revision"] else Put(row, "attribute_not_exists(pk)")
        self._written(lambda: write_together([(self._table, put), *also]) if also else self._table.write(put))
        return saved

    def _written(self, write: Callable[[], None]) -> None:
        try:
            write()
        except ConcurrentChange:
            raise OutOfDate("it has changed since: read it again, and change what it is now") from None


def _counts(location: ChargingLocation) -> dict[str, int]:
    return {"revision": location.revision, "pairings": location.pairings}


def _as_seen(seen: dict[str, int]) -> tuple[str, dict[str, int]]:
    """Return the condition that a row's counts are those, and its values."""
    same = [counts(name, f":{name}", each) for name, each in seen.items()]
    return " AND ".join(same), {f":{name}": each for name, each in seen.items()}

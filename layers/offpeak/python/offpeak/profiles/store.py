"""Profile requests in their table, and what a session's row says about its profiles.

The two change together or not at all. A session's row is shared with the sessions context: this store touches only its
own attributes, and guards them with a revision of their own (`profile_revision`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from offpeak.aws.tables import Also, Put, Table, Update, Write, write_together
from offpeak.errors import ConcurrentChange, InvalidMessage
from offpeak.instants import format_instant
from offpeak.pairing.model import ChargerKey
from offpeak.profiles.model import ProfileRequest, Standing
from offpeak.profiles.rows import request_from, request_row, standing_from, standing_row
from offpeak.sessions.model import SessionKey


class ProfileStore:
    def __init__(self, sessions_table: Table, requests_table: Table) -> None:
        self._sessions = sessions_table
        self._requests = requests_table

    def request(self, request_id: str) -> ProfileRequest | None:
        row = self._requests.get({"request_id": request_id})
        return request_from(row) if row else None

    def requests_of(self, key: SessionKey) -> Iterator[ProfileRequest]:
        """Yield a session's requests, newest first. The index may lag a little behind the table."""
        rows = self._requests.query("session_key = :key", {":key": key.text}, index="by_session", newest_first=True)
        return (request_from(row) for row in rows)

    def due(self, shard: int, since: datetime, until: datetime, limit: int) -> Iterator[str]:
        """Yield the ids of up to `limit` requests of a shard whose `due_at` came within this time, as the index knows
        them."""
        rows = self._requests.query(
            "due_shard = :shard AND due_at BETWEEN :since AND :until",
            {":shard": str(shard), ":since": format_instant(since), ":until": format_instant(until)},
            index="by_due",
            limit=limit,
        )
        return (row["request_id"] for row in rows)

    def standing(self, key: SessionKey) -> Standing:
        """Return what the session's row says about its profiles; nothing yet is a standing too."""
        row = self._sessions.get({"pk": key.text, "sk": "SESSION"}) or {}
        return standing_from(key, row)

    def sessions_of(self, charger: ChargerKey, after: str | None, limit: int) -> tuple[list[SessionKey], str | None]:
        """Return a page of the sessions at a charger, newest first, and where the next one starts, None after the last.

        A session is listed some moments after its first plan. Raises InvalidMessage for a place in no list of this
        charger's.
        """
        first = f"{charger.charger_id}#"
        if after is not None and not after.startswith(first):
            raise InvalidMessage("cursor", "is none that we gave out")
        rows = list(
            self._sessions.query(
                "user_key = :user AND charger_start BETWEEN :first AND :last",
                {":user": charger.user.text, ":first": first, ":last": after or f"{charger.charger_id}$"},
                index="by_user",
                limit=limit + 1,
                newest_first=True,
            )
        )
        keys = [SessionKey(row["partner_id"], row["session_id"]) for row in rows[:limit]]
        return keys, rows[limit]["charger_start"] if len(rows) > limit else None

    def save(
        self,
        *requests: ProfileRequest,
        standing: Standing | None = None,
        planned: int | None = None,
        is_silent: bool = False,
        also: Also = (),
    ) -> None:
        """Write requests and a session's standing in one transaction, each on condition of the revision it was loaded
        with; a request of revision 0 is new.

        `planned` is the count of causes that this is the plan for: it becomes plan_done, and the session no longer
        wants a plan. A session that `is_silent` is no longer among the active ones, until it is heard of; `also` is
        written together with all that. Raises ConcurrentChange when anything was changed by others since, also when
        another cause of a plan came in.
        """
        writes = self.writes(*requests, standing=standing, planned=planned, is_silent=is_silent)
        if len(writes) == 1 and not also:
            table, write = writes[0]
            table.write(write)
        else:
            write_together([*writes, *also])

    def writes(
        self,
        *requests: ProfileRequest,
        standing: Standing | None = None,
        planned: int | None = None,
        is_silent: bool = False,
    ) -> list[tuple[Table, Write]]:
        """Return what `save` writes, for a transaction that others take part in."""
        writes: list[tuple[Table, Write]] = [(self._requests, _put(each)) for each in requests]
        if standing is not None:
            writes.append((self._sessions, _update(standing, planned, is_silent=is_silent)))
        return writes

    def note_planned(self, key: SessionKey, planned: int) -> None:
        """Note that the plan is made that `planned` causes had asked for; where more came since, it wants another."""
        update = "SET plan_done = :planned REMOVE plan_shard, plan_wanted_at"
        try:
            self._sessions.write(
                Update(
                    key={"pk": key.text, "sk": "SESSION"},
                    update=update,
                    condition="plan_wanted = :planned",
                    values={":planned": planned},
                )
            )
        except ConcurrentChange:
            return


def _put(request: ProfileRequest) -> Put:
    row = request_row(request)
    if request.revision == 0:
        return Put(row, condition="attribute_not_exists(request_id)")
    return Put(row, condition="revision = :expected", values={":expected": request.revision})


def _update(standing: Standing, planned: int | None, *, is_silent: bool) -> Update:
    row = standing_row(standing)
    values: dict[str, Any] = {":one": standing.revision + 1}
    condition = "attribute_not_exists(profile_revision)"
    if standing.revision:
        condition = "profile_revision = :expected"
        values[":expected"] = standing.revision
    if planned is not None:
        row |= {"plan_done": planned, "plan_shard": None, "plan_wanted_at": None}
        condition += " AND plan_wanted = :planned"
        values[":planned"] = planned
    if is_silent:
        row |= {"active_shard": None}
    kept = [name for name, value in row.items() if value is not None]
    gone = [name for name, value in row.items() if value is None]
    return Update(
        key={"pk": standing.key.text, "sk": "SESSION"},
        update=f"SET profile_revision = :one{''.join(f', #{name} = :{name}' for name in kept)}"
        + (f" REMOVE {', '.join(f'#{name}' for name in gone)}" if gone else ""),
        condition=f"attribute_exists(pk) AND {condition}",
        values=values | {f":{name}": row[name] for name in kept},
        names={f"#{name}": name for name in row},
    )

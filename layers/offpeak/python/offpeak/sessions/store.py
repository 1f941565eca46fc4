"""The sessions table: one SESSION row a session and one PERIOD row a charging period, under the same key.

The SESSION row is its own outbox. Whatever causes a plan raises `plan_wanted` in the same conditional write as its own
effect; `plan_done` follows when the plan is saved. While the two differ, the row stands in the sparse index
by_plan_wanted, where the sweep finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32

from offpeak.aws.tables import LARGEST_TRANSACTION, Delete, Item, Put, Table, Update, Write, write_together
from offpeak.errors import ConcurrentChange
from offpeak.instants import format_instant, parse_instant
from offpeak.sessions.merge import MergedSession, PeriodRegister, Register, period_rank, session_of
from offpeak.sessions.model import (
    ChargingPeriod,
    ChargingState,
    Confidence,
    InferredState,
    KnownSession,
    SessionKey,
)

SHARDS = 8
"""Partitions of each sparse index, so that no single key takes all the writes."""

KEPT_FOR = timedelta(days=400)
"""A session leaves the table so long after its last message came in: TTL lives in real time, however old what the
message tells of. It needs no exactness."""
WAITING_FOR_PUT = timedelta(days=3)

WORTH_A_TRANSACTION = 10
"""Periods. Written together they cost twice as much as one by one, and a hundredth of the time: whoever sends two
thousand waits for the answer."""

NEWEST = 12
"""Charging periods that are read of a long session where those before do not matter: an hour of the usual ones."""

INSTANTS = frozenset({"start_date_time", "end_date_time"})


@dataclass(frozen=True, slots=True)
class Inferred:
    """What is inferred from a session's messages, and written beside them."""

    state: InferredState
    delivered_kwh: Decimal
    state_of_charge: Decimal | None


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What the table holds: the merged messages and the row's version, on which the next write depends.

    `is_whole` is False where only the newest charging periods are at hand, of `period_count` in all. `is_settled` is
    False when a period came in behind the SESSION row's back, from a writer that died or is about to
    write the row: what the row infers does not know that period yet.
    """

    merged: MergedSession
    version: int
    period_count: int
    digest: int
    """Of the periods that the row knows."""
    is_whole: bool = True
    is_settled: bool = True
    limit_w_steps: tuple[tuple[datetime, int], ...] = ()
    """The profile that the charger took, as (from when, watts)."""
    inferred: Inferred | None = None
    """What the row infers; None before the first PUT."""
    is_active: bool = False
    is_watched: bool = True
    """Every message may matter: the session was silent too long, or is to show that its newest profile is followed."""
    replaced: frozenset[datetime] = frozenset()
    """The starts of periods whose rows are still there, though a newer PUT has replaced them."""

    def limit_w(self, now: datetime) -> int | None:
        """Return what the charger's profile allows now, in watts; None where no profile is known."""
        begun = [limit_w for start_at, limit_w in self.limit_w_steps if start_at <= now]
        return begun[-1] if begun else None


class SessionStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, key: SessionKey) -> StoredSession | None:
        """Return all that is stored of a session, its charging periods included, or None."""
        rows = list(self._table.query("pk = :pk", {":pk": key.text}, newest_first=True))
        return _stored(key, rows, is_whole=True)

    def load_newest(self, key: SessionKey) -> StoredSession | None:
        """Return what is stored of a session, but no more than its NEWEST charging periods, or None.

        That is one read, which costs the same however long the session is.
        """
        rows = self._newest_rows(key)
        return _stored(key, rows, is_whole=len(rows) <= NEWEST)

    def known(self, key: SessionKey) -> KnownSession | None:
        """Return the session with its place in the planner's books; None before its first PUT."""
        rows = list(self._table.query("pk = :pk", {":pk": key.text}, newest_first=True))
        return _known(key, rows, is_whole=True)

    def newest(self, key: SessionKey) -> tuple[KnownSession, Item] | None:
        """Return the session with its NEWEST charging periods, and its SESSION row; None before its first PUT."""
        rows = self._newest_rows(key)
        known = _known(key, rows, is_whole=len(rows) <= NEWEST)
        return (known, rows[0]) if known else None

    def save(
        self,
        stored: StoredSession | None,
        merged: MergedSession,
        inferred: Inferred | None,
        *,
        wants_plan: bool,
        now: datetime,
        received_at: datetime,
    ) -> int:
        """Write what changed since `stored` was loaded and, where that `wants_plan`, raise plan_wanted with it; return
        the count.

        `inferred` is None while the session waits for its PUT. Periods go first: they are registers that merge by
        themselves, so a process that dies before the SESSION row has only told part of a message early. Periods that
        a PUT has replaced are removed last: nobody reads them any more. Raises ConcurrentChange when another message
        was faster: load, merge and save again.
        """
        self._save_periods(stored, merged, received_at)
        session = session_of(merged)
        expires_at = received_at + (KEPT_FOR if session else WAITING_FOR_PUT)
        attributes: dict[str, Any] = {
            "partner_id": merged.key.partner_id,
            "session_id": merged.key.session_id,
            "version": (stored.version if stored else 0) + 1,
            "last_updated": format_instant(merged.last_updated),
            "periods_digest": _digest(merged, stored),
            "period_count": count_periods(merged, stored),
            "fields": {name: _register_row(register) for name, register in merged.fields.items()},
            "expires_at": int(expires_at.timestamp()),
        }
        if wants_plan:
            attributes["received_at"] = format_instant(received_at)
        if session is not None and inferred is not None:
            attributes |= {
                "replaced_at": format_instant(merged.replaced_at or merged.last_updated),
                **{name: value for name, value in _inferred_row(inferred).items() if value is not None},
            }
            before = stored.inferred if stored else None
            if before is None or before.state.state is not inferred.state.state:
                attributes["charging_state_since"] = format_instant(merged.last_updated)
            if session.evse_uid is not None:
                attributes["evse_key"] = _evse_key(merged.key.partner_id, session.evse_uid, is_open=session.is_open)
            if session.is_open:
                attributes["active_shard"] = f"{merged.key.partner_id}#{shard_of(merged.key)}"
                if stored is None or not stored.is_active:
                    # A change asks for plans of the sessions that are active then: this one must see by itself what
                    # changed before it came, in whichever process it is planned.
                    attributes["basis_changed_at"] = format_instant(received_at)
        removed = [
            name for name in ("active_shard", "evse_key", "power_w", "state_of_charge") if name not in attributes
        ]
        row = self._table.change(
            Update(
                key={"pk": merged.key.text, "sk": "SESSION"},
                update=_set_expression(attributes, wants_plan=wants_plan, removed=removed),
                condition="version = :expected" if stored else "attribute_not_exists(version)",
                values={
                    **{f":{name}": value for name, value in attributes.items()},
                    **({":expected": stored.version} if stored else {}),
                    **(_plan_wanted_values(merged.key, now) if wants_plan else {}),
                },
                names={f"#{name}": name for name in attributes},
            )
        )
        self._remove_replaced(stored, merged)
        return int(row.get("plan_wanted", 0))

    def want_plan(
        self,
        key: SessionKey,
        *,
        now: datetime,
        received_at: datetime,
        basis_changed_at: datetime | None = None,
        zones: Sequence[str] | None = None,
    ) -> int | None:
        """Count one more cause of a plan for an open session and return the count; None where none is open.

        `now` is the time the session lives in, `received_at` the real time of the cause, and `basis_changed_at` that of
        the change of prices or settings that it is. Where `zones` are named, a session that was last planned in another
        bidding zone wants no plan.
        """
        basis = ", basis_changed_at = :basis_changed_at" if basis_changed_at else ""
        values = {":basis_changed_at": format_instant(basis_changed_at)} if basis_changed_at else {}
        condition = "attribute_exists(active_shard)"
        if zones is not None:
            names = [f":zone{number}" for number in range(len(zones))]
            condition += f" AND (attribute_not_exists(planned_zone) OR planned_zone IN ({', '.join(names)}))"
            values |= dict(zip(names, zones, strict=True))
        try:
            row = self._table.change(
                Update(
                    key={"pk": key.text, "sk": "SESSION"},
                    update=f"SET received_at = :received_at{basis}, {PLAN_WANTED}",
                    condition=condition,
                    values={":received_at": format_instant(received_at), **_plan_wanted_values(key, now), **values},
                )
            )
        except ConcurrentChange:
            return None
        return int(row["plan_wanted"])

    def cause(self, key: SessionKey, *, now: datetime, received_at: datetime) -> tuple[Table, Write]:
        """Return the write that counts one more cause of a plan, for the transaction of what it is. It fails where the
        session is not kept; one that is over is planned once more, which changes nothing."""
        return self._table, Update(
            key={"pk": key.text, "sk": "SESSION"},
            update=f"SET received_at = :received_at, {PLAN_WANTED}",
            condition="attribute_exists(plan_wanted)",
            values={":received_at": format_instant(received_at), **_plan_wanted_values(key, now)},
        )

    def plan_wanted(self, key: SessionKey) -> int | None:
        """Return how many causes of a plan were counted; None for a session that is not kept."""
        row = self._table.get({"pk": key.text, "sk": "SESSION"})
        return int(row["plan_wanted"]) if row and "plan_wanted" in row else None

    def allow_discharge(self, key: SessionKey, *, allowed: bool, now: datetime, received_at: datetime) -> bool:
        """Keep whether the driver of an open session lets its battery give energy, and count that as a cause of a plan;
        say whether there is such a session. Times are those of `want_plan`."""
        try:
            self._table.change(
                Update(
                    key={"pk": key.text, "sk": "SESSION"},
                    update=f"SET discharge_allowed = :allowed, received_at = :received_at, {PLAN_WANTED}",
                    condition="attribute_exists(active_shard)",
                    values={
                        ":allowed": allowed,
                        ":received_at": format_instant(received_at),
                        **_plan_wanted_values(key, now),
                    },
                )
            )
        except ConcurrentChange:
            return False
        return True

    def wanting(self, shard: int, since: datetime, until: datetime, limit: int) -> Iterator[tuple[SessionKey, int]]:
        """Yield up to `limit` sessions of a shard that began to want a plan within this time, oldest first."""
        rows = self._table.query(
            "plan_shard = :shard AND plan_wanted_at BETWEEN :since AND :until",
            {":shard": str(shard), ":since": format_instant(since), ":until": format_instant(until)},
            index="by_plan_wanted",
            limit=limit,
        )
        for row in rows:
            yield SessionKey(row["partner_id"], row["session_id"]), int(row["plan_wanted"])

    def waking(self, shard: int, since: datetime, until: datetime, limit: int) -> Iterator[SessionKey]:
        """Yield up to `limit` sessions of a shard whose `wake_at` came within this time, earliest first."""
        rows = self._table.query(
            "wake_shard = :shard AND wake_at BETWEEN :since AND :until",
            {":shard": str(shard), ":since": format_instant(since), ":until": format_instant(until)},
            index="by_wake",
            limit=limit,
        )
        for row in rows:
            yield SessionKey(row["partner_id"], row["session_id"])

    def active(self, partner_id: str, shard: int, after: str | None, limit: int) -> tuple[list[SessionKey], str | None]:
        """Return one page of a partner's open sessions and where the next page starts, None after the last."""
        rows = list(
            self._table.query(
                "active_shard = :shard" + (" AND pk > :after" if after else ""),
                {":shard": f"{partner_id}#{shard}", **({":after": after} if after else {})},
                index="by_active",
                limit=limit,
            )
        )
        keys = [SessionKey(row["partner_id"], row["session_id"]) for row in rows]
        return keys, rows[-1]["pk"] if len(rows) == limit else None

    def refuse(self, key: SessionKey, evse_uid: str, began: datetime | None, at: datetime) -> None:
        """Remember that nothing is taken of a session, since its EVSE was un-paired, and forget what came of it before
        its PUT: messages to come may not name the EVSE any more."""
        for row in self._table.query("pk = :pk", {":pk": key.text}):
            self._table.write(Delete({"pk": row["pk"], "sk": row["sk"]}))
        tombstone = {"evse_uid": evse_uid, "expires_at": int((at + KEPT_FOR).timestamp())}
        self._table.write(
            Put(_refused_key(key) | tombstone | ({"began": format_instant(began)} if began is not None else {}))
        )

    def refused(self, key: SessionKey) -> tuple[str, datetime | None] | None:
        """Return the EVSE at which a session was refused, and when it began if that was told."""
        row = self._table.get(_refused_key(key))
        return (row["evse_uid"], parse_instant(row["began"]) if "began" in row else None) if row else None

    def at_evse(self, partner_id: str, evse_uid: str, *, is_open: bool = True) -> Iterator[SessionKey]:
        """Yield the open sessions at an EVSE, or those that are over; one that changed this very second may be
        missing."""
        key = _evse_key(partner_id, evse_uid, is_open=is_open)
        for row in self._table.query("evse_key = :key", {":key": key}, index="by_evse"):
            yield SessionKey(row["partner_id"], row["session_id"])

    def _newest_rows(self, key: SessionKey) -> list[Item]:
        return list(self._table.query("pk = :pk", {":pk": key.text}, newest_first=True, limit=NEWEST + 1))

    def _save_periods(self, stored: StoredSession | None, merged: MergedSession, received_at: datetime) -> None:
        before = stored.merged.periods if stored else {}
        puts = [
            _put_period(merged.key, register, received_at)
            for start_at, register in merged.periods.items()
            if before.get(start_at) != register
        ]
        for first in range(0, len(puts), LARGEST_TRANSACTION):
            self._write_periods(puts[first : first + LARGEST_TRANSACTION])

    def _remove_replaced(self, stored: StoredSession | None, merged: MergedSession) -> None:
        """Remove rows of periods that a PUT has replaced, one transaction's worth: the next save takes the rest."""
        if stored is None or merged.replaced_at is None:
            return
        replaced = (stored.replaced | stored.merged.periods.keys()) - merged.periods.keys()
        deletes = [_delete_period(merged.key, start_at, merged.replaced_at) for start_at in sorted(replaced)]
        self._write_periods(deletes[:LARGEST_TRANSACTION])

    def _write_periods(self, writes: Sequence[Put | Delete]) -> None:
        if len(writes) >= WORTH_A_TRANSACTION:
            try:
                write_together([(self._table, write) for write in writes])
            except ConcurrentChange:
                pass  # One of them is known by a newer word: each by itself then.
            else:
                return
        for write in writes:
            try:
                self._table.write(write)
            except ConcurrentChange:
                # A newer word on this period is there already; the SESSION row's version will make us read it.
                continue


PLAN_WANTED = (
    "plan_wanted = if_not_exists(plan_wanted, :zero) + :one, plan_shard = :plan_shard, "
    "plan_wanted_at = if_not_exists(plan_wanted_at, :plan_wanted_at)"
)
"""The part of an update expression that counts one more cause of a plan; plan_wanted_at stays the oldest's."""


def shard_of(key: SessionKey) -> int:
    """Return the shard of every index that a session's row stands in."""
    return crc32(key.text.encode()) % SHARDS


def _refused_key(key: SessionKey) -> dict[str, str]:
    return {"pk": f"REFUSED#{key.text}", "sk": "REFUSED"}


def _evse_key(partner_id: str, evse_uid: str, *, is_open: bool) -> str:
    return f"{partner_id}#{evse_uid.casefold()}" + ("" if is_open else "#OVER")


def _plan_wanted_values(key: SessionKey, now: datetime) -> dict[str, Any]:
    return {":zero": 0, ":one": 1, ":plan_shard": str(shard_of(key)), ":plan_wanted_at": format_instant(now)}


def _set_expression(attributes: Mapping[str, Any], *, wants_plan: bool, removed: list[str]) -> str:
    settings = [f"#{name} = :{name}" for name in attributes]
    if wants_plan:
        settings.append(PLAN_WANTED)
    return "SET " + ", ".join(settings) + (f" REMOVE {', '.join(removed)}" if removed else "")


def _register_row(register: Register) -> dict[str, Any]:
    value = format_instant(register.value) if isinstance(register.value, datetime) else register.value
    return {"v": value, "t": format_instant(register.stamp)}


def _put_period(key: SessionKey, register: PeriodRegister, received_at: datetime) -> Put:
    """Write a period unless a newer word on it is there; the same word may come again, from whoever died after it."""
    rank = _rank_text(register)
    return Put(
        {
            "pk": key.text,
            "sk": _period_sk(register.period.start_at),
            "stamp": format_instant(register.stamp),
            "dimensions": dict(register.period.dimensions),
            "tariff_id": register.period.tariff_id,
            "rank": rank,
            "expires_at": int((received_at + KEPT_FOR).timestamp()),
        },
        condition="attribute_not_exists(pk) OR #rank <= :rank",
        values={":rank": rank},
        names={"#rank": "rank"},
    )


def _delete_period(key: SessionKey, start_at: datetime, replaced_at: datetime) -> Delete:
    """Remove a period that the PUT of `replaced_at` no longer had, unless a newer word on it came in meanwhile."""
    return Delete(
        {"pk": key.text, "sk": _period_sk(start_at)},
        condition="#stamp < :replaced_at",
        values={":replaced_at": format_instant(replaced_at)},
        names={"#stamp": "stamp"},
    )


def _period_sk(start_at: datetime) -> str:
    return f"PERIOD#{format_instant(start_at)}"


def _start_at(period_row: Item) -> datetime:
    return parse_instant(period_row["sk"].removeprefix("PERIOD#"))


def _rank_text(register: PeriodRegister) -> str:
    stamp, said = period_rank(register)
    return f"{format_instant(stamp)}|{said}"


def count_periods(merged: MergedSession, stored: StoredSession | None) -> int:
    """Return how many periods the session has, those included that are not at hand."""
    unseen = stored.period_count - len(stored.merged.periods) if stored and not stored.is_whole else 0
    return unseen + len(merged.periods)


def _digest(merged: MergedSession, stored: StoredSession | None) -> int:
    """Return the digest of all periods: a sum, so that those that are not at hand need not be known."""
    unseen = stored.digest - _sum(stored.merged) if stored and not stored.is_whole else 0
    return (unseen + _sum(merged)) % 2**32


def _sum(merged: MergedSession) -> int:
    return sum(crc32(_rank_text(register).encode()) for register in merged.periods.values())


def _stored(key: SessionKey, rows: list[Item], *, is_whole: bool) -> StoredSession | None:
    row, periods = _split(rows)
    if "version" not in row:
        return None
    merged, digest = _merged(key, row, periods), int(row["periods_digest"])
    return StoredSession(
        merged,
        int(row["version"]),
        period_count=int(row["period_count"]),
        digest=digest,
        is_whole=is_whole,
        is_settled=not is_whole or digest == _sum(merged) % 2**32,
        limit_w_steps=_limit_steps(row),
        inferred=_inferred(row),
        is_active="active_shard" in row,
        is_watched="active_shard" not in row or "is_unseen" in row,
        replaced=frozenset(map(_start_at, periods)) - merged.periods.keys(),
    )


def _split(rows: list[Item]) -> tuple[Item, list[Item]]:
    """Return the SESSION row, which sorts behind all PERIOD#... and so comes first, and the rows of periods."""
    return (rows[0], rows[1:]) if rows and rows[0]["sk"] == "SESSION" else ({}, rows)


def _merged(key: SessionKey, row: Item, period_rows: list[Item]) -> MergedSession:
    replaced_at = parse_instant(row["replaced_at"]) if "replaced_at" in row else None
    periods = {}
    for each in sorted(period_rows, key=_start_at):
        start_at, stamp = _start_at(each), parse_instant(each["stamp"])
        if replaced_at is None or stamp >= replaced_at:
            dimensions: dict[str, Decimal] = each["dimensions"]
            periods[start_at] = PeriodRegister(ChargingPeriod(start_at, dimensions, each.get("tariff_id")), stamp)
    return MergedSession(
        key=SessionKey(key.partner_id, row["session_id"]),
        last_updated=parse_instant(row["last_updated"]),
        replaced_at=replaced_at,
        fields={name: _register(name, each) for name, each in row["fields"].items()},
        periods=periods,
    )


def _known(key: SessionKey, rows: list[Item], *, is_whole: bool) -> KnownSession | None:
    row, periods = _split(rows)
    session = session_of(_merged(key, row, periods)) if "version" in row else None
    inferred = _inferred(row)
    if session is None or inferred is None:
        return None
    return KnownSession(
        session=session,
        state=inferred.state,
        delivered_kwh=inferred.delivered_kwh,
        state_of_charge=inferred.state_of_charge,
        plan_wanted=int(row["plan_wanted"]),
        plan_done=int(row.get("plan_done", 0)),
        received_at=parse_instant(row["received_at"]),
        basis_changed_at=parse_instant(row["basis_changed_at"]) if "basis_changed_at" in row else None,
        is_whole=is_whole,
        discharge_allowed=bool(row.get("discharge_allowed")),
        state_since=parse_instant(row["charging_state_since"]) if "charging_state_since" in row else None,
    )


def _inferred_row(inferred: Inferred) -> dict[str, Any]:
    state = inferred.state
    return {
        "charging_state": state.state.value,
        "charging_state_reason": state.reason,
        "charging_state_confidence": state.confidence.value,
        "power_w": state.power_w,
        "delivered_kwh": inferred.delivered_kwh,
        "state_of_charge": inferred.state_of_charge,
    }


def _inferred(row: Item) -> Inferred | None:
    if "charging_state" not in row:
        return None
    state = InferredState(
        ChargingState(row["charging_state"]),
        row["charging_state_reason"],
        Confidence(row["charging_state_confidence"]),
        int(row["power_w"]) if "power_w" in row else None,
    )
    return Inferred(state, row["delivered_kwh"], row.get("state_of_charge"))


def _register(name: str, row: Mapping[str, Any]) -> Register:
    value = row["v"]
    if name in INSTANTS and value is not None:
        value = parse_instant(value)
    return Register(value, parse_instant(row["t"]))


def _limit_steps(row: Item) -> tuple[tuple[datetime, int], ...]:
    return tuple((parse_instant(start), int(limit_w)) for start, limit_w in row.get("limit_w_steps", ()))

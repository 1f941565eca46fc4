"""The grid_signals table: the signals of a scope under one key, so that one strongly consistent read has them all.

Rows: (SCOPE, SIGNAL#id) a signal, SCOPE being ZONE#name or GROUP#name; (SIGNALS, id) where a signal is, one a signal in
the order of their ids; (SCOPE, REPLAN) the scope's outbox: whatever changes a signal raises `wanted` in the same
transaction, `done` follows when plans have been asked for. While the two differ the row stands in the sparse index
by_replan_wanted, where the sweep finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from offpeak.aws.tables import Also, Delete, Item, Key, Put, Table, Update, Write, write_together
from offpeak.errors import ConcurrentChange
from offpeak.grid.model import Scope, Signal, SignalKind, SignalStep, concerns_now, scope_of
from offpeak.instants import format_instant, parse_instant

KEPT_FOR = timedelta(days=7)
"""A signal leaves the table so long after its end."""
DIRECTORY = "SIGNALS"
SHARD = "0"
"""All outboxes stand in one partition of the sparse index: scopes are few, and signals change seldom."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A scope whose sessions want plans, for the `count`th time. `by_weight`: those only that weigh carbon."""

    scope: Scope
    count: int
    by_weight: bool


class SignalStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, signal_id: str) -> Signal | None:
        """Return a signal, or None."""
        place = self._table.get(_place_key(signal_id))
        row = self._table.get(_key(scope_of(place["scope"]), signal_id)) if place else None
        return _signal(row) if row else None

    def of(self, scope: Scope) -> tuple[Signal, ...]:
        """Return the signals of a scope, those included that are over, in the order of their ids."""
        rows = self._table.query(
            "pk = :scope AND begins_with(sk, :signal)", {":scope": scope.text, ":signal": "SIGNAL#"}
        )
        return tuple(map(_signal, rows))

    def page(self, after: str | None, limit: int) -> tuple[list[Signal], str | None]:
        """Return a page of all signals in the order of their ids, and where the next page starts, None at the end."""
        condition, values = "pk = :all", {":all": DIRECTORY}
        if after is not None:
            condition, values = f"{condition} AND sk > :after", {**values, ":after": after}
        places = list(self._table.query(condition, values, limit=limit))
        found = [self._table.get(_key(scope_of(each["scope"]), each["sk"])) for each in places]
        return [_signal(row) for row in found if row], places[-1]["sk"] if len(places) == limit else None

    def save(
        self,
        before: Signal | None,
        after: Signal,
        *,
        now: datetime,
        at: datetime,
        wants_plans: bool = True,
        also: Also = (),
    ) -> Signal:
        """Store a signal in place of `before`, None where it is new, and want plans where it concerns running sessions.

        `now` is the time that signals live in, `at` the real one. Raises ConcurrentChange when somebody else was
        faster.
        """
        saved = replace(after, revision=(before.revision if before else 0) + 1)
        place = {**_place_key(saved.signal_id), "scope": saved.scope.text, "expires_at": _expires_at(saved, now, at)}
        if before is None:
            # TTL takes rows away in its own time, and not those of one signal together.
            unused, values = "attribute_not_exists(pk) OR expires_at < :at", {":at": int(at.timestamp())}
            puts = [Put(_row(saved, now, at), unused, values), Put(place, unused, values)]
        else:
            seen = {":seen": before.revision}
            puts = [Put(_row(saved, now, at), condition="revision = :seen", values=seen), Put(place)]
        wanting = self._wanting([each for each in (before, saved) if each], now) if wants_plans else []
        write_together([*((self._table, put) for put in puts), *wanting, *also])
        return saved

    def withdraw(self, signal: Signal, *, now: datetime, also: Also = ()) -> None:
        """Remove a signal as it was seen, and want plans where it concerned running sessions. Raises
        ConcurrentChange."""
        gone = Delete(
            _key(signal.scope, signal.signal_id), condition="revision = :seen", values={":seen": signal.revision}
        )
        place = Delete(_place_key(signal.signal_id))
        write_together([(self._table, gone), (self._table, place), *self._wanting([signal], now), *also])

    def wanted_of(self, scope: Scope) -> Wanted | None:
        """Return what a scope's outbox wants, None where all is done."""
        row = self._table.get(_outbox_key(scope))
        return _wanted(scope, row) if row and "replan_shard" in row else None

    def wanting(self, until: datetime, limit: int) -> Iterator[Scope]:
        """Yield up to `limit` scopes that began to want plans before `until`, oldest first."""
        rows = self._table.query(
            "replan_shard = :shard AND replan_wanted_at <= :until",
            {":shard": SHARD, ":until": format_instant(until)},
            index="by_replan_wanted",
            limit=limit,
        )
        for row in rows:
            yield scope_of(row["pk"])

    def done(self, wanted: Wanted) -> None:
        """Note that plans have been asked for, unless one more change came in meanwhile: that one asks again."""
        settled = Update(
            _outbox_key(wanted.scope),
            "SET done = :count REMOVE replan_shard, replan_wanted_at, wants_all",
            "wanted = :count",
            {":count": wanted.count},
        )
        try:
            self._table.write(settled)
        except ConcurrentChange:
            return

    def _wanting(self, states: Sequence[Signal], now: datetime) -> list[tuple[Table, Write]]:
        """Return the write that counts one more cause of plans, none where no running session is concerned."""
        if not concerns_now(states, now):
            return []
        wants_all = any(each.kind is not SignalKind.CARBON for each in states)
        update = Update(
            _outbox_key(states[0].scope),
            "SET wanted = if_not_exists(wanted, :zero) + :one, replan_shard = :shard, "
            "replan_wanted_at = if_not_exists(replan_wanted_at, :now)" + (", wants_all = :yes" if wants_all else ""),
            values={
                ":zero": 0,
                ":one": 1,
                ":shard": SHARD,
                ":now": format_instant(now),
                **({":yes": True} if wants_all else {}),
            },
        )
        return [(self._table, update)]


def _key(scope: Scope, signal_id: str) -> Key:
    return {"pk": scope.text, "sk": f"SIGNAL#{signal_id}"}


def _place_key(signal_id: str) -> Key:
    return {"pk": DIRECTORY, "sk": signal_id}


def _outbox_key(scope: Scope) -> Key:
    return {"pk": scope.text, "sk": "REPLAN"}


def _row(signal: Signal, now: datetime, at: datetime) -> dict[str, Any]:
    return {
        **_key(signal.scope, signal.signal_id),
        "kind": signal.kind.value,
        "steps": [[format_instant(each.start_at), each.value] for each in signal.steps],
        "end_at": format_instant(signal.end_at) if signal.end_at else None,
        "source": signal.source,
        "note": signal.note,
        "revision": signal.revision,
        "expires_at": _expires_at(signal, now, at),
    }


def _expires_at(signal: Signal, now: datetime, at: datetime) -> int | None:
    """TTL lives in real time: the row goes so long from now as the signal has left, and KEPT_FOR after."""
    if signal.end_at is None:
        return None
    return int((at + max(signal.end_at - now, timedelta()) + KEPT_FOR).timestamp())


def _signal(row: Item) -> Signal:
    return Signal(
        signal_id=row["sk"].removeprefix("SIGNAL#"),
        scope=scope_of(row["pk"]),
        kind=SignalKind(row["kind"]),
        steps=tuple(SignalStep(parse_instant(start_at), value) for start_at, value in row["steps"]),
        end_at=parse_instant(row["end_at"]) if "end_at" in row else None,
        source=row["source"],
        note=row.get("note"),
        revision=int(row["revision"]),
    )


def _wanted(scope: Scope, row: Item) -> Wanted:
    return Wanted(scope, int(row["wanted"]), by_weight="wants_all" not in row)

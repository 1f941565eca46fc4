"""The limit_groups table: one partition a tree, and beside it the rows that lead to trees.

TREE#{root}: ROOT, and a GROUP, LOAD, MEMBER or SESSION row for each group, for what else flows there, for each charger
and for each session that is there. GROUP#{id}/GROUP: the tree that a group is in. EVSE#{partner}#{evse}/EVSE: the trees
that its connectors are in. PARTNER#{id}/PARTNER: there once an EVSE of the partner has been in a group.

Every change writes its rows and the ROOT row in one transaction. The ROOT row is the tree's outbox (`plan_wanted`, as
the sessions' is), its fence (`revision`: limits and memberships), and it holds the tree together: a query may see one
half of a transaction, so each row has a `mark` and the ROOT row their sum. A tree is read again until the sum is right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zlib import crc32

from offpeak.aws.tables import Also, ConditionCheck, Delete, Item, Key, Part, Put, Table, Update, Write, write_together
from offpeak.errors import ConcurrentChange, InvalidMessage, UnknownObject
from offpeak.groups.model import (
    Course,
    Group,
    GroupTree,
    Member,
    OpenSession,
    Place,
    connector_text,
)
from offpeak.groups.rows import (
    address_key,
    evse_key,
    group_from,
    group_key,
    group_row,
    load_key,
    load_row,
    member_from,
    member_key,
    member_row,
    partner_key,
    root_key,
    session_from,
    session_key,
    session_row,
    tree_pk,
)
from offpeak.instants import format_instant, parse_instant
from offpeak.memory import Memory

SHARDS = 8
"""Partitions of the sparse index of trees that want a plan."""

CACHED_S = 30.0
"""For so long a process remembers which tree an EVSE is in."""
MOST_CACHED = 10_000

MOST_READINGS = 6

Roots = Mapping[str, str]
"""The root of the tree that each connector of an EVSE is in, by connector_text."""


@dataclass(frozen=True, slots=True)
class StoredTree:
    """A tree with the marks of its rows, by their sort keys."""

    tree: GroupTree
    marks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """One group with its load, without its chargers; `mark` is its LOAD row's, None where there is none yet."""

    root_id: str
    group: Group
    mark: int | None


@dataclass(frozen=True, slots=True)
class TreeChange:
    """A tree as it was loaded, None where it is new, and its groups as they shall be; none of them: it goes."""

    root_id: str
    before: StoredTree | None
    after: Mapping[str, Group]


@dataclass(frozen=True, slots=True)
class Move:
    """A charger that goes from one tree to another; None stands for none."""

    place: Place
    old_root_id: str | None
    new_root_id: str | None


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group as it stands in the list of all."""

    group_id: str
    name: str
    kind: str
    root_id: str
    parent_id: str | None


class GroupStore:
    """All trees. `now_s` tells real epoch seconds."""

    def __init__(self, table: Table, now_s: Callable[[], float] = time.time) -> None:
        self._table = table
        self._partners: Memory[str, bool] = Memory(CACHED_S, now_s)
        self._evses: Memory[str, Roots] = Memory(CACHED_S, now_s, most=MOST_CACHED)

    # reading

    def tree_of(self, root_id: str) -> GroupTree:
        """Return a whole tree as it is now, with its open sessions. Raises UnknownObject, ConcurrentChange."""
        return self.load(root_id).tree

    def load(self, root_id: str) -> StoredTree:
        """Return a whole tree with what the next write depends on.

        Raises UnknownObject, and ConcurrentChange while others keep changing it.
        """
        for reading in range(MOST_READINGS):
            if reading:
                time.sleep(0.01 * 2**reading)
            rows = {row["sk"]: row for row in self._table.query("pk = :pk", {":pk": tree_pk(root_id)})}
            root = rows.get("ROOT")
            if root is None or "gone_at" in root:
                raise UnknownObject(f"there is no tree of groups below {root_id}")
            marks = {sk: int(row["mark"]) for sk, row in rows.items() if "mark" in row}
            if sum(marks.values()) == int(root["marks"]):
                return StoredTree(_tree(root_id, root, rows), marks)
        raise ConcurrentChange(f"the tree of groups below {root_id} is being changed by others")

    def root_of(
        self, partner_id: str, evse_uid: str | None, connector_id: str | None, *, changed_at: datetime | None = None
    ) -> str | None:
        """Return the root of the tree that a charger is in, as it was at most CACHED_S ago; None where it is in none.

        `changed_at` is the real time of a change of memberships that must be known.
        """
        if evse_uid is None:
            return None
        if not self._partners.get(partner_id, lambda: self._has_groups(partner_id), changed_at=changed_at):
            return None
        place = Place(partner_id, evse_uid, connector_id)
        roots = self._evses.get(place.evse_text, lambda: self._roots(place)[0], changed_at=changed_at)
        return _root_for(roots, place)

    def root_now(self, partner_id: str, evse_uid: str | None, connector_id: str | None) -> str | None:
        """Return the root of the tree that a charger is in now, or None."""
        if evse_uid is None:
            return None
        place = Place(partner_id, evse_uid, connector_id)
        return _root_for(self._roots(place)[0], place)

    def root_of_member(self, place: Place) -> str | None:
        """Return the root of the tree that a place itself is a member of now, or None."""
        return self._roots(place)[0].get(connector_text(place.connector_id))

    def has_tree(self, root_id: str) -> bool:
        """Say whether there is a tree with this root."""
        row = self._table.get(root_key(root_id))
        return row is not None and "gone_at" not in row

    def find_root(self, group_id: str) -> str | None:
        """Return the root of the tree that a group is in; None where there is no such group."""
        row = self._table.get(address_key(group_id))
        return str(row["root_id"]) if row else None

    def root_of_group(self, group_id: str) -> str:
        """Return the root of the tree that a group is in. Raises UnknownObject."""
        root_id = self.find_root(group_id)
        if root_id is None:
            raise UnknownObject(f"there is no group {group_id}")
        return root_id

    def load_group(self, group_id: str) -> StoredGroup:
        """Return one group with its load, without its chargers. Raises UnknownObject."""
        root_id = self.root_of_group(group_id)
        row = self._table.get(group_key(root_id, group_id))
        if row is None:
            raise UnknownObject(f"there is no group {group_id}")
        load = self._table.get(load_key(root_id, group_id))
        return StoredGroup(root_id, group_from(row, load=load), int(load["mark"]) if load else None)

    def page(self, after: str | None, limit: int) -> tuple[list[ListedGroup], str | None]:
        """Return up to `limit` groups, tree by tree, and where the next page starts, None after the last."""
        rows = list(
            self._table.query(
                "directory = :all" + (" AND root_and_group > :after" if after else ""),
                {":all": "groups", **({":after": after} if after else {})},
                index="directory",
                limit=limit + 1,
            )
        )
        shown = rows[:limit]
        return [_listed(row) for row in shown], shown[-1]["root_and_group"] if len(rows) > limit else None

    def wanting(self, shard: int, since: datetime, until: datetime, limit: int) -> Iterator[tuple[str, int]]:
        """Yield up to `limit` trees of a shard that began to want a plan within this time, oldest first: the root and
        the count of causes."""
        rows = self._table.query(
            "plan_shard = :shard AND plan_wanted_at BETWEEN :since AND :until",
            {":shard": str(shard), ":since": format_instant(since), ":until": format_instant(until)},
            index="by_plan_wanted",
            limit=limit,
        )
        for row in rows:
            yield row["root_id"], int(row["plan_wanted"])

    # changes of limits and memberships

    def save(self, *changes: TreeChange, now: datetime, received_at: datetime, also: Also = ()) -> None:
        """Write changed groups and memberships of one tree, or of two between which chargers move, in one transaction.

        Each tree's revision goes up, and it wants a plan. Raises ConcurrentChange where another change of limits or
        memberships came first: load, change and save again. Raises InvalidMessage where an EVSE would be a member as a
        whole and by a connector, in different trees.
        """
        writes: list[Write] = []
        for change in changes:
            writes += self._tree_writes(change, now, received_at)
        for partner_id in sorted({move.place.partner_id for move in _moves(changes)}):
            # Whoever looks for a tree looks for this row first; without a tree it costs one look in half a minute.
            self._table.write(Put(partner_key(partner_id)))
        writes += self._evse_writes(changes)
        write_together([*((self._table, write) for write in writes), *also])

    def _tree_writes(self, change: TreeChange, now: datetime, received_at: datetime) -> Iterator[Write]:
        root_id, stored = change.root_id, change.before
        root = self._table.get(root_key(root_id)) if stored is None else None
        seen = stored.tree.revision if stored else int(root["revision"]) if root else 0
        before = stored.tree.groups if stored else {}
        old_marks = dict(stored.marks) if stored else {}
        marks = dict(old_marks)
        for key, row in _rows_to_put(root_id, before, change.after):
            marks[key["sk"]] = _mark(key["sk"], seen + 1)
            yield Put({**key, **row, "mark": marks[key["sk"]]})
        for key in _rows_to_remove(root_id, before, change.after):
            if key["sk"] in marks:
                mark = marks.pop(key["sk"])
                yield Delete(key, "mark = :mark", {":mark": mark})
        if not change.after:
            for sk in [each for each in marks if each.startswith("SESSION#")]:
                yield Delete({"pk": tree_pk(root_id), "sk": sk}, "attribute_exists(pk)")
                del marks[sk]
        yield from _address_writes(root_id, before, change.after)
        delta = sum(marks.values()) - sum(old_marks.values())
        yield _root_change(root_id, stored, root, seen, delta, not change.after, now, received_at)

    def _evse_writes(self, changes: Sequence[TreeChange]) -> Iterator[Write]:
        by_evse: dict[str, list[Move]] = {}
        for move in _moves(changes):
            by_evse.setdefault(move.place.evse_text, []).append(move)
        for moves in by_evse.values():
            yield self._evse_write(moves)

    def _evse_write(self, moves: Sequence[Move]) -> Write:
        place = moves[0].place
        roots, version = self._roots(place)
        left = dict(roots)
        for move in moves:
            connector = connector_text(move.place.connector_id)
            if left.pop(connector, None) != move.old_root_id:
                raise ConcurrentChange(f"{move.place.text} has come into another tree, or left one")
            if move.new_root_id is not None:
                left[connector] = move.new_root_id
        if connector_text(None) in left and len(left) > 1:
            raise InvalidMessage("connector_id", f"{place.evse_text} is a member as a whole, or by its connectors")
        row = {**evse_key(place), "roots": {f"#{each}": root for each, root in left.items()}, "version": version + 1}
        if version:
            return Put(row, "version = :version", {":version": version})
        return Put(row, "attribute_not_exists(pk)")

    # loads

    def save_load(
        self, stored: StoredGroup, base_load: Course, pv: Course, *, now: datetime, received_at: datetime
    ) -> int:
        """Write what else flows in a group, and want a plan; return the count of its causes.

        Raises ConcurrentChange where another word on it came first, or the group is gone.
        """
        root_id, key = stored.root_id, load_key(stored.root_id, stored.group.group_id)
        mark = _mark(key["sk"], stored.mark or 0)
        put = Put(
            {**key, **load_row(base_load, pv), "mark": mark},
            "attribute_not_exists(pk)" if stored.mark is None else "mark = :seen",
            {} if stored.mark is None else {":seen": stored.mark},
        )
        is_there = ConditionCheck(group_key(root_id, stored.group.group_id), "attribute_exists(pk)")
        return self._change(root_id, [put, is_there], mark - (stored.mark or 0), now, received_at)

    # sessions

    def add_sessions(
        self,
        root_id: str,
        sessions: Sequence[OpenSession],
        revision: int,
        *,
        now: datetime,
        received_at: datetime,
        also: Also = (),
    ) -> int:
        """Keep of up to 40 sessions that they are at chargers of the tree, and want a plan; return the count of its
        causes.

        Raises ConcurrentChange where the tree is at another revision by now, or knows one of them already.
        """
        puts: list[Part] = []
        for session in sessions:
            key = session_key(root_id, session.key)
            puts.append(Put({**key, **session_row(session), "mark": _mark(key["sk"])}, "attribute_not_exists(pk)"))
        delta = sum(_mark(session_key(root_id, session.key)["sk"]) for session in sessions)
        return self._change(root_id, puts, delta, now, received_at, revision, also)

    def remove_session(
        self, root_id: str, session_key_text: str, revision: int | None = None, *, now: datetime, received_at: datetime
    ) -> int | None:
        """Forget a session that ended or left, and want a plan of those who stay; return the count of its causes, None
        where the tree knows nothing of it.

        Raises ConcurrentChange where the tree is not at `revision`, if one is given.
        """
        key = session_key(root_id, session_key_text)
        delete = Delete(key, "attribute_exists(pk)")
        try:
            return self._change(root_id, [delete], -_mark(key["sk"]), now, received_at, revision)
        except ConcurrentChange:
            if self._table.get(key) is not None:
                raise
            return None

    # the outbox

    def want_plan(self, root_id: str, *, now: datetime, received_at: datetime) -> int | None:
        """Count one more cause of a plan and return the count; None where there is no such tree."""
        try:
            row = self._table.change(_wanting(root_id, {}, "", IS_THERE, now, received_at))
        except ConcurrentChange:
            return None
        return int(row["plan_wanted"])

    def planned(self, root_id: str, count: int, revision: int) -> None:
        """Note that the plan is saved that `count` causes had asked for; the tree wants none unless more came since.

        Raises ConcurrentChange where the tree is at another revision: the plan is void.
        """
        try:
            self._table.write(planned_write(root_id, count, revision))
        except ConcurrentChange:
            done = Update(
                root_key(root_id),
                "SET plan_done = :count",
                "revision = :revision AND plan_wanted > :count",
                {":count": count, ":revision": revision},
            )
            self._table.write(done)

    def holds(self, root_id: str, revision: int) -> tuple[Table, Part]:
        """Return what makes a transaction fail where the tree is not at this revision any more."""
        return self._table, ConditionCheck(
            root_key(root_id), f"revision = :revision AND {NOT_GONE}", {":revision": revision}
        )

    def next_turn(self, stored: StoredTree, turn: int) -> tuple[Table, Write]:
        """Return what gives a planner's transaction the tree's next turn, after `turn`.

        It fails where another planner had a turn since the tree was read, or anything in it changed: what was decided
        for some of its sessions may not go with what others were given meanwhile.
        """
        condition = f"revision = :revision AND marks = :marks AND {NOT_GONE} AND "
        condition += "turn = :turn" if turn else "attribute_not_exists(turn)"
        values = {":revision": stored.tree.revision, ":marks": sum(stored.marks.values()), ":next": turn + 1}
        return self._table, Update(
            root_key(stored.tree.root_id),
            "SET turn = :next",
            condition,
            values | ({":turn": turn} if turn else {}),
        )

    def _change(
        self,
        root_id: str,
        writes: Sequence[Part],
        delta: int,
        now: datetime,
        received_at: datetime,
        revision: int | None = None,
        also: Also = (),
    ) -> int:
        """Write rows that leave the revision as it is, and want a plan."""
        condition = IS_THERE if revision is None else f"revision = :revision AND {NOT_GONE}"
        values: dict[str, Any] = {":delta": delta} | ({} if revision is None else {":revision": revision})
        root = _wanting(root_id, values, "marks = marks + :delta, ", condition, now, received_at)
        write_together([*((self._table, each) for each in (*writes, root)), *also])
        row = self._table.get(root_key(root_id))
        return int(row["plan_wanted"]) if row else 0

    def _has_groups(self, partner_id: str) -> bool:
        return self._table.get(partner_key(partner_id)) is not None

    def _roots(self, place: Place) -> tuple[Roots, int]:
        """Return the trees of an EVSE's connectors, and the version of the row that says so; 0 where there is none."""
        row = self._table.get(evse_key(place))
        if row is None:
            return {}, 0
        return {connector[1:]: root_id for connector, root_id in row["roots"].items()}, int(row["version"])


NOT_GONE = "attribute_not_exists(gone_at)"
IS_THERE = f"attribute_exists(revision) AND {NOT_GONE}"


def shard_of(root_id: str) -> int:
    """Return the shard of the index that a tree stands in."""
    return crc32(root_id.encode()) % SHARDS


def planned_write(root_id: str, count: int, revision: int) -> Update:
    return Update(
        root_key(root_id),
        "SET plan_done = :count REMOVE plan_shard, plan_wanted_at",
        f"revision = :revision AND plan_wanted = :count AND {NOT_GONE}",
        {":count": count, ":revision": revision},
    )


def _wanting(
    root_id: str, values: Mapping[str, Any], settings: str, condition: str | None, now: datetime, received_at: datetime
) -> Update:
    """Return the write that counts one more cause of a plan; plan_wanted_at stays the oldest's."""
    return Update(
        root_key(root_id),
        f"SET {settings}root_id = :root_id, received_at = :received_at, "
        "plan_wanted = if_not_exists(plan_wanted, :zero) + :one, plan_shard = :plan_shard, "
        "plan_wanted_at = if_not_exists(plan_wanted_at, :plan_wanted_at)",
        condition,
        {
            **values,
            ":root_id": root_id,
            ":received_at": format_instant(received_at),
            ":zero": 0,
            ":one": 1,
            ":plan_shard": str(shard_of(root_id)),
            ":plan_wanted_at": format_instant(now),
        },
    )


def _root_change(
    root_id: str,
    stored: StoredTree | None,
    root: Item | None,
    seen: int,
    delta: int,
    is_gone: bool,
    now: datetime,
    received_at: datetime,
) -> Update:
    """Return the write that raises the revision.

    The ROOT row of a tree that goes stays: should its id be used again, the revision goes on, so that no planner of
    the old tree passes the new one's fence.
    """
    if is_gone:
        return Update(
            root_key(root_id),
            "SET revision = :next, marks = marks + :delta, gone_at = :gone_at REMOVE plan_shard, plan_wanted_at",
            f"revision = :seen AND {NOT_GONE}",
            {":next": seen + 1, ":seen": seen, ":delta": delta, ":gone_at": format_instant(received_at)},
        )
    if stored is not None:
        values = {":next": seen + 1, ":seen": seen, ":delta": delta}
        condition = f"revision = :seen AND {NOT_GONE}"
        return _wanting(root_id, values, "revision = :next, marks = marks + :delta, ", condition, now, received_at)
    condition = "revision = :seen AND attribute_exists(gone_at)" if root else "attribute_not_exists(pk)"
    values = {":next": seen + 1, ":delta": delta} | ({":seen": seen} if root else {})
    made = _wanting(root_id, values, "revision = :next, marks = :delta, ", condition, now, received_at)
    return replace(made, update=f"{made.update} REMOVE gone_at")


def _rows_to_put(
    root_id: str, before: Mapping[str, Group], after: Mapping[str, Group]
) -> Iterator[tuple[Key, dict[str, Any]]]:
    for group in after.values():
        old = before.get(group.group_id)
        if old is None or group_row(old) != group_row(group):
            yield group_key(root_id, group.group_id), group_row(group)
    known = _members(before)
    for text, (group_id, member) in _members(after).items():
        if known.get(text) != (group_id, member):
            yield member_key(root_id, member.place), member_row(group_id, member)


def _rows_to_remove(root_id: str, before: Mapping[str, Group], after: Mapping[str, Group]) -> Iterator[Key]:
    for group_id in before.keys() - after.keys():
        yield group_key(root_id, group_id)
        yield load_key(root_id, group_id)
    left = _members(after)
    for text, (_, member) in _members(before).items():
        if text not in left:
            yield member_key(root_id, member.place)


def _address_writes(root_id: str, before: Mapping[str, Group], after: Mapping[str, Group]) -> Iterator[Write]:
    for group in after.values():
        old = before.get(group.group_id)
        row = {
            **address_key(group.group_id),
            "directory": "groups",
            "root_and_group": f"{root_id}#{group.group_id}",
            "root_id": root_id,
            "group_id": group.group_id,
            "name": group.name,
            "kind": group.kind.value,
            "parent_id": group.parent_id,
        }
        if old is None:
            yield Put(row, "attribute_not_exists(pk)")
        elif (old.name, old.kind, old.parent_id) != (group.name, group.kind, group.parent_id):
            yield Put(row, "root_id = :root_id", {":root_id": root_id})
    for group_id in before.keys() - after.keys():
        yield Delete(address_key(group_id), "root_id = :root_id", {":root_id": root_id})


def _moves(changes: Sequence[TreeChange]) -> list[Move]:
    """Return the places that come into another tree, or are in none any more."""
    old: dict[str, tuple[Place, str]] = {}
    new: dict[str, tuple[Place, str]] = {}
    for change in changes:
        before = _members(change.before.tree.groups if change.before else {})
        old |= {text: (member.place, change.root_id) for text, (_, member) in before.items()}
        new |= {text: (member.place, change.root_id) for text, (_, member) in _members(change.after).items()}
    nowhere = (None, None)
    return [
        Move((new.get(text) or old[text])[0], old.get(text, nowhere)[1], new.get(text, nowhere)[1])
        for text in sorted(old.keys() | new.keys())
        if old.get(text, nowhere)[1] != new.get(text, nowhere)[1]
    ]


def _members(groups: Mapping[str, Group]) -> dict[str, tuple[str, Member]]:
    return {member.place.text: (group.group_id, member) for group in groups.values() for member in group.members}


def _mark(sk: str, stamp: int = 0) -> int:
    """Return the mark of a row that is written anew: another one for each `stamp`."""
    return crc32(f"{sk}#{stamp}".encode())


def _tree(root_id: str, root: Item, rows: Mapping[str, Item]) -> GroupTree:
    members: dict[str, list[Member]] = {}
    for row in _of(rows, "MEMBER#"):
        members.setdefault(row["group_id"], []).append(member_from(row))
    groups = {
        row["group_id"]: group_from(row, members.get(row["group_id"], ()), rows.get(f"LOAD#{row['group_id']}"))
        for row in _of(rows, "GROUP#")
    }
    return GroupTree(
        root_id=root_id,
        revision=int(root["revision"]),
        groups=groups,
        sessions=tuple(session_from(row) for row in _of(rows, "SESSION#")),
        plan_wanted=int(root["plan_wanted"]),
        plan_done=int(root.get("plan_done", 0)),
        received_at=parse_instant(root["received_at"]),
        turn=int(root.get("turn", 0)),
    )


def _of(rows: Mapping[str, Item], prefix: str) -> list[Item]:
    return [row for sk, row in rows.items() if sk.startswith(prefix)]


def _root_for(roots: Roots, place: Place) -> str | None:
    """Return the tree of a place: the connector's own, else the whole EVSE's, else, where none is named, that of the
    first of its connectors."""
    own = roots.get(connector_text(place.connector_id)) or roots.get(connector_text(None))
    if own is not None or place.connector_id is not None:
        return own
    return roots[min(roots)] if roots else None


def _listed(row: Item) -> ListedGroup:
    return ListedGroup(row["group_id"], row["name"], row["kind"], row["root_id"], row.get("parent_id"))

"""What operators do to limit groups: each change of a limit or a membership is written once, with its entry in the
audit trail, and a plan is asked for at once. Loads are not audited: they come every minute, and the log has them.

Each tree has one trail, under `group:` and its root's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from offpeak.aws.tables import Key, Table, Write
from offpeak.errors import AlreadyExists, ConcurrentChange, InvalidMessage, OutOfDate, UnknownObject
from offpeak.groups.model import Group, GroupTree, Member, Place, validate
from offpeak.groups.rows import group_row, member_row, tree_pk
from offpeak.groups.settings import GroupChange, LoadTold, NewGroup, changed, new_group, told
from offpeak.groups.store import GroupStore, StoredTree, TreeChange
from offpeak.partners.audit import Action, Actor, SettingChange, differences
from offpeak.partners.trail import AuditTrail
from offpeak.telemetry import count, logger

MOST_TRIES = 6

TOGETHER = 25
"""Chargers that are taken in or let go in one transaction: up to three rows each, and some for their trees."""

MOST_SESSIONS_LEFT = 80
"""Open sessions that a tree may have when it goes: their rows go in the same transaction."""

Groups = Mapping[str, Group]


def trail_of(root_id: str) -> str:
    """Return the name of a tree's audit trail. No partner has such an id."""
    return f"group:{root_id}"


def trail_head(trail: str) -> Key:
    """Return where in the limit_groups table the head of a trail stands."""
    return {"pk": tree_pk(trail.removeprefix("group:")), "sk": "AUDIT"}


@dataclass(frozen=True, slots=True)
class GroupAdministration:
    """Changes groups. `ask_plan` asks for a tree's plan, `plan_anew` for fresh plans of a partner's running sessions:
    those at a charger that came or went belong to another plan now. `now` tells the sessions' time, `real_now` the
    real one.

    In each method `seen` is the revision that the operator has looked at, None where any will do. All raise
    UnknownObject for a group that does not exist, InvalidMessage for what makes no sound tree, OutOfDate when the tree
    has changed since `seen`, and ConcurrentChange when others keep changing it. They return the tree as it is then.
    """

    store: GroupStore
    trail: AuditTrail
    ask_plan: Callable[[str, int], None]
    plan_anew: Callable[[str], None]
    now: Callable[[], datetime]
    real_now: Callable[[], datetime]

    def known(self, group_id: str) -> GroupTree:
        """Return the tree that a group is in."""
        return self._stored(group_id).tree

    def make(self, said: NewGroup, actor: Actor) -> GroupTree:
        """Make a group, the root of a new tree or one below `parent_id`. Raises AlreadyExists."""
        group = new_group(said)

        def alter(before: Groups) -> Groups:
            return {**before, group.group_id: group}

        for _ in range(MOST_TRIES):
            if self._exists(group.group_id):
                raise AlreadyExists(f"there is a group {group.group_id} already")
            if group.parent_id is not None and not self._exists(group.parent_id):
                raise InvalidMessage("parent_id", f"there is no group {group.parent_id}")
            stored = self._stored(group.parent_id) if group.parent_id is not None else None
            root_id = stored.tree.root_id if stored else group.group_id
            if self._saved(Action.GROUP_MADE, actor, [_change(root_id, stored, alter)]):
                return self._told(root_id)
        raise ConcurrentChange(f"group {group.group_id} is being made by others, too")

    def change(self, group_id: str, change: GroupChange, actor: Actor, *, seen: int | None = None) -> GroupTree:
        """Change what is set of a group."""

        def alter(before: Groups) -> Groups:
            return {**before, group_id: changed(before[group_id], change)}

        return self._alter(Action.GROUP_CHANGED, group_id, alter, actor, seen)

    def remove(self, group_id: str, actor: Actor, *, seen: int | None = None) -> None:
        """Remove a group that has neither chargers nor groups below it."""

        def alter(before: Groups) -> Groups:
            if before[group_id].members:
                raise InvalidMessage("group_id", "has chargers: let them go first")
            if any(each.parent_id == group_id for each in before.values()):
                raise InvalidMessage("group_id", "has groups below it: remove them first")
            return {name: each for name, each in before.items() if name != group_id}

        for _ in range(MOST_TRIES):
            stored = self._seen(group_id, seen)
            if len(stored.tree.groups) == 1 and len(stored.tree.sessions) > MOST_SESSIONS_LEFT:
                raise InvalidMessage("group_id", "has open sessions of chargers that have just left: try again")
            if self._saved(Action.GROUP_REMOVED, actor, [_change(stored.tree.root_id, stored, alter)]):
                if len(stored.tree.groups) > 1:
                    self._told(stored.tree.root_id)
                return
        raise ConcurrentChange(f"group {group_id} is being changed by others")

    def change_members(
        self,
        group_id: str,
        put: Sequence[Member],
        remove: Sequence[Place],
        actor: Actor,
        *,
        seen: int | None = None,
    ) -> GroupTree:
        """Take chargers into a group, from other groups too, and let chargers of it go.

        Whether all of it makes a sound tree is looked at first. Then it is done TOGETHER at a time, and what was done
        stays done should a later part not come through: the same call may be repeated. Raises UnknownObject for a
        charger to let go that is not in the group.
        """
        if len({each.text for each in (*(member.place for member in put), *remove)}) < len(put) + len(remove):
            raise InvalidMessage("put", "or remove names a charger twice")
        stored = self._seen(group_id, seen)
        there = {each.place.text for each in stored.tree.groups[group_id].members}
        for place in remove:
            if place.text not in there:
                raise UnknownObject(f"there is no charger {place.text} in group {group_id}")
        _sound(_with_members(stored.tree.groups, group_id, put, remove))
        for some_put, some_gone, source in self._parts(put, remove, stored.tree.root_id):
            self._change_some(group_id, some_put, some_gone, source, actor)
        for partner_id in sorted({each.partner_id for each in (*(member.place for member in put), *remove)}):
            self.plan_anew(partner_id)
        return self._told(stored.tree.root_id)

    def tell_load(self, group_id: str, said: LoadTold) -> GroupTree:
        """Take what else flows behind a limit. What changes nothing asks for no plan."""
        for _ in range(MOST_TRIES):
            stored = self.store.load_group(group_id)
            base_load, pv = told(stored.group, said, now=self.now())
            group = replace(stored.group, base_load=base_load, pv=pv, members=())
            validate({group_id: replace(group, parent_id=None)})
            if group == stored.group:
                return self.store.tree_of(stored.root_id)
            try:
                wanted = self.store.save_load(stored, base_load, pv, now=self.now(), received_at=self.real_now())
            except ConcurrentChange:
                continue
            self.ask_plan(stored.root_id, wanted)
            logger.info("group_load_told", root_id=stored.root_id, group_id=group_id, plan_wanted=wanted)
            return self.store.tree_of(stored.root_id)
        raise ConcurrentChange(f"the load of group {group_id} is being told by others, too")

    def _alter(
        self, action: Action, group_id: str, alter: Callable[[Groups], Groups], actor: Actor, seen: int | None
    ) -> GroupTree:
        for _ in range(MOST_TRIES):
            stored = self._seen(group_id, seen)
            change = _change(stored.tree.root_id, stored, alter)
            if change.after == stored.tree.groups:
                return stored.tree
            if self._saved(action, actor, [change]):
                return self._told(stored.tree.root_id)
        raise ConcurrentChange(f"group {group_id} is being changed by others")

    def _change_some(
        self, group_id: str, put: Sequence[Member], remove: Sequence[Place], source: str | None, actor: Actor
    ) -> None:
        """Do one transaction's worth; the chargers come from the tree `source`, where that is another one."""
        gone = [*remove, *(each.place for each in put)]
        for _ in range(MOST_TRIES):
            stored = self._stored(group_id)
            changes = [
                _change(stored.tree.root_id, stored, lambda before: _with_members(before, group_id, put, remove))
            ]
            if source is not None:
                other = self.store.load(source)
                changes.append(_change(source, other, lambda before: _without(before, gone)))
            changes = [each for each in changes if each.before is None or each.after != each.before.tree.groups]
            if not changes:
                return
            if self._saved(Action.MEMBERS, actor, changes):
                if source is not None:
                    self._told(source)
                return
        raise ConcurrentChange(f"group {group_id} is being changed by others")

    def _parts(
        self, put: Sequence[Member], remove: Sequence[Place], root_id: str
    ) -> Iterator[tuple[Sequence[Member], Sequence[Place], str | None]]:
        """Yield parts of at most TOGETHER chargers, each from one other tree at most."""
        for first in range(0, len(remove), TOGETHER):
            yield (), remove[first : first + TOGETHER], None
        by_source: dict[str | None, list[Member]] = {}
        for member in put:
            root = self.store.root_of_member(member.place)
            by_source.setdefault(root if root != root_id else None, []).append(member)
        for source, members in by_source.items():
            for first in range(0, len(members), TOGETHER):
                yield members[first : first + TOGETHER], (), source

    def _saved(self, action: Action, actor: Actor, changes: Sequence[TreeChange]) -> bool:
        """Write changed trees with an entry in each one's trail. False where somebody else was faster."""
        also: list[tuple[Table, Write]] = []
        entries = []
        for change in changes:
            before = change.before.tree.groups if change.before else {}
            entry, writes = self.trail.next_entry(
                trail_of(change.root_id), action, actor, _differences(before, change.after), at=self.real_now()
            )
            entries.append((change.root_id, entry))
            also += writes
        try:
            self.store.save(*changes, now=self.now(), received_at=self.real_now(), also=also)
        except ConcurrentChange:
            return False
        for root_id, entry in entries:
            logger.info(
                "groups_changed",
                action=entry.action.value,
                root_id=root_id,
                who=entry.actor.who,
                via=entry.actor.via,
                audit_entry=entry.number,
                audit_hash=entry.hash,
            )
        count("GroupsChanged", len(changes))
        return True

    def _told(self, root_id: str) -> GroupTree:
        """Ask for a tree's plan, and return it. A message that gets lost is made good by the sweep."""
        tree = self.store.tree_of(root_id)
        self.ask_plan(root_id, tree.plan_wanted)
        return tree

    def _exists(self, group_id: str) -> bool:
        try:
            self.store.root_of_group(group_id)
        except UnknownObject:
            return False
        return True

    def _stored(self, group_id: str) -> StoredTree:
        stored = self.store.load(self.store.root_of_group(group_id))
        if group_id not in stored.tree.groups:
            raise UnknownObject(f"there is no group {group_id}")
        return stored

    def _seen(self, group_id: str, seen: int | None) -> StoredTree:
        stored = self._stored(group_id)
        revision = stored.tree.revision
        if seen is not None and seen != revision:
            raise OutOfDate(f"the group's tree is at revision {revision} by now, not {seen}: look at it again")
        return stored


def _change(root_id: str, stored: StoredTree | None, alter: Callable[[Groups], Groups]) -> TreeChange:
    """Return the change of a tree. Raises InvalidMessage where what comes out is none."""
    after = alter(stored.tree.groups if stored else {})
    _sound(after)
    return TreeChange(root_id, stored, after)


def _sound(groups: Groups) -> None:
    if groups:
        validate(groups)


def _with_members(groups: Groups, group_id: str, put: Sequence[Member], remove: Sequence[Place]) -> Groups:
    """Return groups with chargers put into one of them, wherever they were before, and others let go."""
    left = _without(groups, [*remove, *(each.place for each in put)])
    members = sorted((*left[group_id].members, *put), key=lambda each: each.place.text)
    return {**left, group_id: replace(left[group_id], members=tuple(members))}


def _without(groups: Groups, places: Sequence[Place]) -> Groups:
    gone = {each.text for each in places}
    return {
        name: replace(each, members=tuple(member for member in each.members if member.place.text not in gone))
        for name, each in groups.items()
    }


def _differences(before: Groups, after: Groups) -> tuple[SettingChange, ...]:
    """Return what differs, by paths such as `board.limit_a` and `board.members.acme#evse-1#`."""
    return differences(dict(_leaves(before)), dict(_leaves(after)))


def _leaves(groups: Groups) -> Iterator[tuple[str, object]]:
    for group in groups.values():
        for name, value in group_row(group).items():
            yield f"{group.group_id}.{name}", value
        for member in group.members:
            row = member_row(group.group_id, member)
            yield (
                f"{group.group_id}.members.{member.place.text}",
                {name: row[name] for name in ("max_power_w", "phases", "phase_order", "unmanaged_w")},
            )

"""What the sessions of a tree may draw together, as planning wants it: a tree of caps in watts. Pure.

Planning counts watts, and fuses count amperes on each phase. While all chargers load the phases alike, the worst phase
tells the power. Where some do not (one phase only, or nobody knows which), the tree is planned in parts, one for each
way of loading: every part has the whole tree's shape, and the parts of a limit together never overload any phase of it.
A limit is divided anew with each plan, by what the chargers that are in use could draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import inf

from offpeak.grid.model import Conditions
from offpeak.groups.model import Group, GroupTree, Member, Memberships, Place, changes_of, path_to, room_w, spread
from offpeak.planning.captree import CapNode, CapStep, CapTree

Loading = tuple[Fraction, ...]
"""How much of each watt counts on L1, L2 and L3."""
EVENLY: Loading = (Fraction(1, 3),) * 3

Asked = Mapping[str, Conditions]
"""What signals of the grid ask of the groups of a tree, by their ids; a group that is not there is asked nothing."""
NOTHING = Conditions()


@dataclass(frozen=True, slots=True)
class _Seat:
    """Where a session is, and how what it draws counts on the phases."""

    group_id: str
    member: Member
    loading: Loading


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Who is in a group and below it: `wanted` is the most that those who load the phases alike could draw, watts.
    `reserve_w` is what is kept free: no more than the chargers that nobody is at would give."""

    wanted: Mapping[Loading, int]
    reserve_w: int


def cap_tree(tree: GroupTree, present: Mapping[str, Place], asked: Asked, start: datetime, end: datetime) -> CapTree:
    """Return the caps over sessions from `start` until `end`; what they are then stays.

    `present` tells where each session is, by the key that planning knows it by; those at no member of the tree are left
    out. Groups without any of them are left out, too: they limit nobody.
    """
    memberships = Memberships(tree)
    seats = {
        key: _Seat(found[0].group_id, found[1], spread(found[1], 3))
        for key, place in present.items()
        if (found := memberships.of(place)) is not None
    }
    loadings = sorted({each.loading for each in seats.values()}, key=lambda each: (sum(each), each))
    layout = _Layout(tree, seats, _crowds(tree, seats.values(), loadings), asked, start, end)
    counts_phases = any(len(group.limits_w) > 1 for group in tree.groups.values())
    if not counts_phases or set(loadings) <= {EVENLY}:
        return layout.whole(tree.root)
    # What the root may draw in all by a signal is one figure: the parts need no shares of it.
    whole = layout.steps_asked(tree.root)
    parts = tuple(layout.parts(tree.root).values())
    return parts[0] if len(parts) == 1 and not whole else CapNode(tree.root_id, whole, parts)


def cap_steps(
    group: Group, asked: Conditions, start: datetime, end: datetime, *, reserve_w: int | None = None
) -> tuple[CapStep, ...]:
    """Return the power that a group's chargers may draw together from `start` on until `end`; never negative.

    A limit in amperes is held on the worst phase, so that the power is what chargers that load all phases alike may
    draw. `reserve_w` is kept free; None: the group's own reserve.
    """
    kept_w = group.reserve_w if reserve_w is None else reserve_w
    steps: list[CapStep] = []
    for at in changes_under(group, asked, start, end):
        room = room_left_w(group, asked, at)
        power_w = int(max(min(min(room) * len(room), power_asked_w(asked, at)) - kept_w, 0))
        if not steps or steps[-1].power_w != power_w:
            steps.append(CapStep(at, power_w))
    return tuple(steps)


def changes_under(group: Group, asked: Conditions, start: datetime, end: datetime) -> list[datetime]:
    """Return `start` and the instants after it, before `end`, at which what a group may draw can change."""
    edges = {at for each in asked.spans for at in (each.start_at, each.end_at) if start < at < end}
    return sorted({*changes_of(group, start, end), *edges})


def room_left_w(group: Group, asked: Conditions, at: datetime) -> tuple[int, ...]:
    """Return what is left of the limit at an instant, in all or on each phase, watts: the share of it that signals
    leave. It is negative where there is too much base load already."""
    room, span = room_w(group, at), asked.at(at)
    return room if span is None else tuple(min(each, int(each * span.share)) for each in room)


def power_asked_w(asked: Conditions, at: datetime) -> float:
    """Return what signals let a group's chargers draw in all at an instant, watts; infinite where they say nothing."""
    span = asked.at(at)
    return inf if span is None or span.power_w is None else float(span.power_w)


@dataclass(frozen=True, slots=True)
class _Layout:
    """A tree with those that are at its chargers, and who is in each of its groups."""

    tree: GroupTree
    seats: Mapping[str, _Seat]
    crowds: Mapping[str, _Crowd]
    asked: Asked
    start: datetime
    end: datetime

    def whole(self, group: Group) -> CapNode:
        """Return a group's node for all sessions, where it is the same for all."""
        asked, reserve_w = self._asked_of(group), self.crowds[group.group_id].reserve_w
        steps = cap_steps(group, asked, self.start, self.end, reserve_w=reserve_w)
        return self._node(group, None, steps, map(self.whole, self.tree.children(group.group_id)))

    def parts(self, group: Group) -> dict[Loading, CapNode]:
        """Return a group's nodes, one for the sessions that load the phases alike."""
        children = [self.parts(child) for child in self.tree.children(group.group_id)]
        return {
            loading: self._node(group, loading, steps, [each[loading] for each in children])
            for loading, steps in self._shares(group).items()
        }

    def steps_asked(self, group: Group) -> tuple[CapStep, ...]:
        """Return what signals let a group's chargers draw in all; no steps where they never say."""
        asked, reserve_w = self._asked_of(group), self.crowds[group.group_id].reserve_w
        if all(each.power_w is None for each in asked.spans):
            return ()
        return tuple(
            CapStep(at, max(power_asked_w(asked, at) - reserve_w, 0))
            for at in changes_under(group, asked, self.start, self.end)
        )

    def _asked_of(self, group: Group) -> Conditions:
        return self.asked.get(group.group_id, NOTHING)

    def _node(
        self, group: Group, loading: Loading | None, steps: Sequence[CapStep], children: Iterable[CapNode]
    ) -> CapNode:
        group_id = group.group_id
        members = sorted(
            key for key, seat in self.seats.items() if seat.group_id == group_id and loading in (None, seat.loading)
        )
        name = group_id if loading is None else f"{group_id} {_phases_text(loading)}"
        inhabited = tuple(each for each in children if each.members or each.children)
        return CapNode(name, tuple(steps), inhabited, tuple(members))

    def _shares(self, group: Group) -> dict[Loading, list[CapStep]]:
        """Return what those that load the phases alike may draw of a group's limit, watts."""
        asked, crowd = self._asked_of(group), self.crowds[group.group_id]
        wanted, reserve_w = crowd.wanted, crowd.reserve_w
        shares: dict[Loading, list[CapStep]] = {loading: [] for loading in wanted}
        for at in changes_under(group, asked, self.start, self.end):
            left = room_left_w(group, asked, at)
            powers = divided([max(each - Fraction(reserve_w, len(left)), Fraction(0)) for each in left], wanted)
            in_all_w = power_asked_w(asked, at)
            if in_all_w < inf and group.parent_id is not None:
                most = divided([max(Fraction(in_all_w) - reserve_w, Fraction(0))], wanted)
                powers = {loading: min(power_w, most[loading]) for loading, power_w in powers.items()}
            for loading, power_w in powers.items():
                shares[loading].append(CapStep(at, int(power_w)))
        return shares


def _crowds(tree: GroupTree, seats: Iterable[_Seat], loadings: Sequence[Loading]) -> dict[str, _Crowd]:
    """Return who is in each group of a tree."""
    wanted = {group_id: dict.fromkeys(loadings, 0) for group_id in tree.groups}
    idle_w, used = dict.fromkeys(tree.groups, 0), set[str]()
    for seat in seats:
        used.add(seat.member.place.text)
        for above in path_to(tree.groups, seat.group_id):
            wanted[above.group_id][seat.loading] += seat.member.max_power_w
    for group_id, group in tree.groups.items():
        here_w = sum(each.draws_unmanaged_w for each in group.members if each.place.text not in used)
        for above in path_to(tree.groups, group_id):
            idle_w[above.group_id] += here_w
    return {
        group_id: _Crowd(wanted[group_id], min(group.reserve_w, idle_w[group_id]))
        for group_id, group in tree.groups.items()
    }


def divided(room: Sequence[Fraction], wanted: Mapping[Loading, int]) -> dict[Loading, Fraction]:
    """Divide what is left on each phase (or in all) between ways of loading, by what each could draw; watts.

    On no phase do the parts add up to more than there is. What one part cannot use for a phase that is full, the next
    ones get, those that could draw something first.
    """
    counts = {each: each if len(room) == len(each) else (Fraction(1),) * len(room) for each in wanted}
    totals = [
        sum((power_w * counts[each][p] for each, power_w in wanted.items()), Fraction(0)) for p in range(len(room))
    ]
    parts = {
        each: min(
            (
                power_w * min(Fraction(1), room[p] / totals[p])
                for p in range(len(room))
                if counts[each][p] and totals[p]
            ),
            default=Fraction(0),
        )
        for each, power_w in wanted.items()
    }
    for each in sorted(wanted, key=lambda each: wanted[each] == 0):
        left = [room[p] - sum(part * counts[one][p] for one, part in parts.items()) for p in range(len(room))]
        parts[each] += min(left[p] / counts[each][p] for p in range(len(room)) if counts[each][p])
    return parts


def _phases_text(loading: Loading) -> str:
    """Return a loading in words: L1, L1+L2+L3, or any of them."""
    if sum(loading) > 1:
        return f"any {1 / max(loading)}"
    return "+".join(f"L{number}" for number, share in enumerate(loading, 1) if share)

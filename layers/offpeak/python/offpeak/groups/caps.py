"""What the sessions of a tree may draw together, as planning wants it: a tree of caps in watts. Pure.

Planning counts watts, and fuses count amperes on each phase. While all chargers load the phases alike, the worst phase
tells the power. Where some do not (one phase only, or nobody knows which), the tree is planned in parts, one for each
way of loading: every part has the whole tree's shape, and the parts of a limit together never overload any phase of it.
A limit is divided anew with each plan, by what the chargers that are in use could draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from offpeak.groups.model import Group, GroupTree, Member, Memberships, Place, cap_steps, changes_of, room_w, spread
from offpeak.planning.captree import CapNode, CapStep, CapTree

Loading = tuple[Fraction, ...]
"""How much of each watt counts on L1, L2 and L3."""
EVENLY: Loading = (Fraction(1, 3),) * 3


@dataclass(frozen=True, slots=True)
class _Seat:
    """Where a session is, and how what it draws counts on the phases."""

    group_id: str
    member: Member
    loading: Loading


def cap_tree(tree: GroupTree, present: Mapping[str, Place], start: datetime, end: datetime) -> CapTree:
    """Return the caps over sessions from `start` until `end`.

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
    counts_phases = any(len(group.limits_w) > 1 for group in tree.groups.values())
    if not counts_phases or set(loadings) <= {EVENLY}:
        return _node(tree, tree.root, seats, start, end, None, loadings)
    parts = [_node(tree, tree.root, seats, start, end, each, loadings) for each in loadings]
    return parts[0] if len(parts) == 1 else CapNode(tree.root_id, children=tuple(parts))


def _node(
    tree: GroupTree,
    group: Group,
    seats: Mapping[str, _Seat],
    start: datetime,
    end: datetime,
    loading: Loading | None,
    loadings: Sequence[Loading],
) -> CapNode:
    """Return a group's node for the sessions that load the phases so; None: it is the same for all."""
    below = _below(tree, group)
    inside = [seat for seat in seats.values() if seat.group_id in below]
    used = {seat.member.place.text for seat in inside}
    free_w = sum(
        member.draws_unmanaged_w
        for each in below
        for member in tree.groups[each].members
        if member.place.text not in used
    )
    reserve_w = min(group.reserve_w, free_w)
    if loading is None:
        steps = cap_steps(group, start, end, reserve_w=reserve_w)
    else:
        steps = tuple(_shares(group, inside, loading, loadings, reserve_w, start, end))
    children = (_node(tree, child, seats, start, end, loading, loadings) for child in tree.children(group.group_id))
    members = sorted(
        key for key, seat in seats.items() if seat.group_id == group.group_id and loading in (None, seat.loading)
    )
    name = group.group_id if loading is None else f"{group.group_id} {_phases_text(loading)}"
    return CapNode(name, steps, tuple(each for each in children if each.members or each.children), tuple(members))


def _shares(
    group: Group,
    inside: Sequence[_Seat],
    loading: Loading,
    loadings: Sequence[Loading],
    reserve_w: int,
    start: datetime,
    end: datetime,
) -> Iterator[CapStep]:
    """Yield what those that load the phases so may draw of a group's limit, watts."""
    phases = len(group.limits_w)
    wanted = dict.fromkeys(loadings, 0)
    for seat in inside:
        wanted[seat.loading] += seat.member.max_power_w
    for instant in changes_of(group, start, end):
        room = [max(each - Fraction(reserve_w, phases), Fraction(0)) for each in room_w(group, instant)]
        yield CapStep(instant, int(divided(room, wanted)[loading]))


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


def _below(tree: GroupTree, group: Group) -> set[str]:
    found = {group.group_id}
    for child in tree.children(group.group_id):
        found |= _below(tree, child)
    return found


def _phases_text(loading: Loading) -> str:
    """Return a loading in words: L1, L1+L2+L3, or any of them."""
    if sum(loading) > 1:
        return f"any {1 / max(loading)}"
    return "+".join(f"L{number}" for number, share in enumerate(loading, 1) if share)

"""Limit groups: what may flow where, who is behind it, and what else flows there. Pure.

Groups make a tree: a connection has boards, a board has chargers. A tree is the unit of everything: it is planned as
one, its rows stand in one partition, and its root's `revision` rises with every change of a limit or of a membership.

Power is whole watts; where a limit is in amperes it holds on each phase, and a load of which nobody knows the phase
counts on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from offpeak.errors import InvalidMessage

MOST_LEVELS = 4
"""A feeder, a connection, a board, a row of chargers."""
MOST_GROUPS = 50
MOST_MEMBERS = 1000
"""Of a tree in all: with its sessions some 600 KB, which one query reads page by page."""
MOST_STEPS = 200
"""Of one course of load: two days of quarter-hours, in one row."""

PEAKS_KEPT = timedelta(hours=24)
"""How far back the highest base load is looked for."""

WHOLE_EVSE = ""
"""Stands for the connector where an EVSE is a member with all its connectors."""


class GroupKind(StrEnum):
    CONNECTION = "CONNECTION"
    """What the grid operator lets one customer draw."""
    BOARD = "BOARD"
    FEEDER = "FEEDER"
    """A cable or transformer of the grid, behind which are several connections."""
    OTHER = "OTHER"


class Phase(StrEnum):
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"


@dataclass(frozen=True, slots=True)
class Place:
    """An EVSE of a partner, or one connector of it; both are CiStrings, so their case does not count."""

    partner_id: str
    evse_uid: str
    connector_id: str | None = None

    @property
    def text(self) -> str:
        """The place as one string, by which it compares."""
        return f"{self.evse_text}#{connector_text(self.connector_id)}"

    @property
    def evse_text(self) -> str:
        """Its EVSE as one string."""
        return f"{self.partner_id}#{_unhashed(self.evse_uid)}"


@dataclass(frozen=True, slots=True)
class Member:
    """A charger in a group. `max_power_w` is what its hardware can draw at most, over all its phases together."""

    place: Place
    max_power_w: int
    phases: int | None = None
    """1 to 3; None is unknown, and then all of its power may be on any one of them. A DC charger has three."""
    phase_order: tuple[Phase, ...] | None = None
    """Which phases these are, where that is known."""
    unmanaged_w: int | None = None
    """What it gives a car for which it has no profile; None: all that it can."""

    @property
    def draws_unmanaged_w(self) -> int:
        """What it counts as while it has no profile of ours."""
        return self.max_power_w if self.unmanaged_w is None else self.unmanaged_w


@dataclass(frozen=True, slots=True)
class LoadStep:
    """From `start_at` on so much flows: one figure in all, or one for each phase of the group, watts."""

    start_at: datetime
    power_w: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """A load over time: the newest measurement, and a forecast that ends at `forecast_until`."""

    measured: LoadStep | None = None
    forecast: tuple[LoadStep, ...] = ()
    forecast_until: datetime | None = None
    peaks: tuple[LoadStep, ...] = ()
    """The highest that was measured in each clock hour of the last day, oldest first. Each as wide as was told then."""


NO_COURSE = Course()


@dataclass(frozen=True, slots=True)
class Group:
    """One limit, what else flows behind it, and the chargers that are right behind it.

    The limit is `limit_a`, amperes on each phase, or `limit_w`, watts in all; just one of them is set.
    """

    group_id: str
    name: str
    kind: GroupKind = GroupKind.CONNECTION
    parent_id: str | None = None
    limit_a: Decimal | None = None
    limit_w: int | None = None
    phases: int = 3
    voltage_v: int = 230
    """Between a phase and neutral."""
    reserve_w: int = 0
    """What is kept free for cars that plug in, until they have been planned: never more than the chargers that are free
    would give them."""
    assumed_load_w: int | None = None
    """The base load in all where none is measured or forecast; None: the highest of the last day that was measured."""
    is_balanced: bool = False
    """Whether a load that is told in one figure spreads evenly over the phases. Else all of a base load may be on the
    worst phase, and nothing of what PV yields."""
    stale_after_s: int = 900
    """How long a measurement holds."""
    members: tuple[Member, ...] = ()
    base_load: Course = NO_COURSE
    pv: Course = NO_COURSE
    """What a photovoltaic system yields behind this limit."""

    @property
    def limits_w(self) -> tuple[int, ...]:
        """The limit in watts: one figure in all, or one for each phase."""
        if self.limit_a is None:
            assert self.limit_w is not None
            return (self.limit_w,)
        return (int(self.limit_a * self.voltage_v),) * self.phases


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that is at a charger of the tree, as the planner has put it there. `key` is a SessionKey's text.

    `place` is the member's, not what the session says: where an EVSE is a member as a whole, it names no connector.
    """

    key: str
    partner_id: str
    session_id: str
    place: Place
    since: datetime


@dataclass(frozen=True, slots=True)
class GroupTree:
    """A whole tree as it was at one instant. `revision` is what planners write on condition of.

    `plan_wanted` counts the causes of a plan, `plan_done` the last count that was planned: the root's row is the tree's
    own outbox. `received_at` is the real time of the newest of those causes. `turn` counts the planners' transactions.
    """

    root_id: str
    revision: int
    groups: Mapping[str, Group]
    sessions: tuple[OpenSession, ...] = ()
    plan_wanted: int = 0
    plan_done: int = 0
    received_at: datetime | None = None
    turn: int = 0

    @property
    def root(self) -> Group:
        return self.groups[self.root_id]

    def children(self, group_id: str) -> list[Group]:
        """Return the groups right below a group, by their ids."""
        return sorted((each for each in self.groups.values() if each.parent_id == group_id), key=lambda g: g.group_id)

    def members(self) -> Iterator[tuple[Group, Member]]:
        """Yield each charger of the tree with the group that it is right behind."""
        for group_id in sorted(self.groups):
            for member in self.groups[group_id].members:
                yield self.groups[group_id], member

    def member_at(self, place: Place) -> tuple[Group, Member] | None:
        """Return the member that a place belongs to, as Memberships has it. Whoever asks for many makes that once."""
        return Memberships(self).of(place)

    @property
    def is_planned(self) -> bool:
        return self.plan_done >= self.plan_wanted


class Memberships:
    """Which charger of a tree each place belongs to."""

    def __init__(self, tree: GroupTree) -> None:
        self._by_text = {member.place.text: (group, member) for group, member in tree.members()}
        self._by_evse: dict[str, list[tuple[Group, Member]]] = {}
        for group, member in self._by_text.values():
            self._by_evse.setdefault(member.place.evse_text, []).append((group, member))

    def of(self, place: Place) -> tuple[Group, Member] | None:
        """Return the connector's own member, else the whole EVSE's; None where there is neither.

        A place without a connector, at an EVSE whose connectors are members by themselves, belongs to the most
        powerful of them.
        """
        whole = Place(place.partner_id, place.evse_uid)
        found = self._by_text.get(place.text) or self._by_text.get(whole.text)
        if found is not None or place.connector_id is not None:
            return found
        of_evse = self._by_evse.get(place.evse_text, [])
        return max(of_evse, key=lambda each: (each[1].max_power_w, each[1].place.text), default=None)


def validate(groups: Mapping[str, Group]) -> str:
    """Return the id of the root of a tree that is sound. Raises InvalidMessage naming the field that is not.

    Sound: one root, no circle, at most MOST_LEVELS, MOST_GROUPS and MOST_MEMBERS, each charger in one group only and
    with no more phases than the fuses before it.
    """
    for group in groups.values():
        _check_group(group)
    roots = [each.group_id for each in groups.values() if each.parent_id is None]
    if len(groups) > MOST_GROUPS:
        raise InvalidMessage("parent_id", f"makes a tree of more than {MOST_GROUPS} groups")
    for group in groups.values():
        if group.parent_id is not None and group.parent_id not in groups:
            raise InvalidMessage("parent_id", f"there is no group {group.parent_id} in this tree")
        if len(path_to(groups, group.group_id)) > MOST_LEVELS:
            raise InvalidMessage("parent_id", f"makes a tree of more than {MOST_LEVELS} levels")
    if len(roots) != 1:
        raise InvalidMessage("parent_id", "leaves the tree without a root" if not roots else "makes a second root")
    _check_members(groups)
    return roots[0]


def path_to(groups: Mapping[str, Group], group_id: str) -> list[Group]:
    """Return the groups from one up to its root, itself first. Raises InvalidMessage where they go in a circle."""
    path: list[Group] = []
    at: str | None = group_id
    while at is not None and at in groups:
        if any(each.group_id == at for each in path):
            raise InvalidMessage("parent_id", f"has {at} above itself")
        path.append(groups[at])
        at = groups[at].parent_id
    return path


def changes_of(group: Group, start: datetime, end: datetime) -> list[datetime]:
    """Return `start` and the instants after it, before `end`, at which a group's base load or PV may change."""
    instants = {start}
    for course in (group.base_load, group.pv):
        instants |= {each.start_at for each in course.forecast}
        if course.forecast_until is not None:
            instants.add(course.forecast_until)
        if course.measured is not None:
            instants.add(course.measured.start_at + timedelta(seconds=group.stale_after_s))
    return sorted(each for each in instants if start <= each < end or each == start)


def room_w(group: Group, at: datetime) -> tuple[int, ...]:
    """Return what is left of the limit at an instant, in all or on each phase, watts; negative where there is too much
    base load already."""
    base = base_load_w(group, at)
    yields = pv_w(group, at)
    return tuple(limit - load + sun for limit, load, sun in zip(group.limits_w, base, yields, strict=True))


def base_load_w(group: Group, at: datetime) -> tuple[int, ...]:
    """Return the base load that counts at an instant, in all or on each phase, watts.

    That is the newest measurement until it is stale, then the forecast, and where there is none the group's assumption:
    the load that it names, or else the highest that was measured in the last day. Where nothing was ever told it is 0:
    such a limit is meant for cars alone.
    """
    phases = len(group.limits_w)
    told = _told_at(group.base_load, group.stale_after_s, at)
    if told is not None:
        return _load_on(phases, told.power_w, group)
    if group.assumed_load_w is not None:
        return _load_on(phases, (group.assumed_load_w,), group)
    highest = [_load_on(phases, each.power_w, group) for each in group.base_load.peaks]
    return tuple(max(each) for each in zip(*highest, strict=True)) if highest else (0,) * phases


def pv_w(group: Group, at: datetime) -> tuple[int, ...]:
    """Return the PV yield that counts at an instant: measured, else forecast, else none."""
    phases = len(group.limits_w)
    told = _told_at(group.pv, group.stale_after_s, at)
    if told is None:
        return (0,) * phases
    if len(told.power_w) == phases:
        return told.power_w
    if phases == 1:
        return (sum(told.power_w),)
    return (sum(told.power_w) // phases if group.is_balanced else 0,) * phases


def connector_text(connector_id: str | None) -> str:
    """Return how a connector, or the whole EVSE, is written in keys."""
    return WHOLE_EVSE if connector_id is None else _unhashed(connector_id)


def is_stale(course: Course, stale_after_s: int, at: datetime) -> bool:
    """Say whether there is a measurement, and it is too old to go by."""
    return course.measured is not None and at >= course.measured.start_at + timedelta(seconds=stale_after_s)


def measured_too(course: Course, measured: LoadStep) -> Course:
    """Return the course with one more measurement. One that is older than the newest changes nothing but the peaks."""
    newest = max((each for each in (course.measured, measured) if each is not None), key=lambda each: each.start_at)
    hour = measured.start_at.replace(minute=0, second=0, microsecond=0)
    peaks = {each.start_at: each for each in course.peaks}
    before = peaks.get(hour)
    peaks[hour] = LoadStep(hour, measured.power_w if before is None else _higher(before.power_w, measured.power_w))
    oldest = newest.start_at - PEAKS_KEPT
    kept = tuple(peaks[each] for each in sorted(peaks) if each + timedelta(hours=1) > oldest)
    return Course(newest, course.forecast, course.forecast_until, kept)


def spread(member: Member, phases: int) -> tuple[Fraction, ...]:
    """Return how much of each watt that a charger draws counts on each of a limit's phases.

    It adds up to more than 1 where the charger's phases are not known: then it counts on all of them.
    """
    if phases == 1:
        return (Fraction(1),)
    share = Fraction(1, member.phases or 1)
    if member.phase_order is None or member.phases == phases:
        return (share,) * phases
    return tuple(share if phase in member.phase_order else Fraction(0) for phase in Phase)


def _unhashed(text: str) -> str:
    """Return an id in small letters and without the character that stands between the parts of a key."""
    return text.casefold().replace("%", "%25").replace("#", "%23")


def _told_at(course: Course, stale_after_s: int, at: datetime) -> LoadStep | None:
    if course.measured is not None and not is_stale(course, stale_after_s, at):
        return course.measured
    begun = [each for each in course.forecast if each.start_at <= at]
    is_over = course.forecast_until is None or at >= course.forecast_until
    return begun[-1] if begun and not is_over else None


def _load_on(phases: int, power_w: tuple[int, ...], group: Group) -> tuple[int, ...]:
    """Return a base load as it counts on a limit's phases."""
    if len(power_w) == phases:
        return power_w
    total = sum(power_w)
    if phases == 1:
        return (total,)
    return (-(-total // phases) if group.is_balanced else total,) * phases


def _higher(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """Return the higher of two loads on each phase; where they are not told alike, the one that is higher in all."""
    if len(one) == len(other):
        return tuple(map(max, one, other))
    return max(one, other, key=sum)


def _check_group(group: Group) -> None:
    if group.phases not in (1, 3):
        raise InvalidMessage("phases", "of a group are 1 or 3")
    if (group.limit_a is None) == (group.limit_w is None):
        raise InvalidMessage("limit_a", "or limit_w is what a group has: one of them, and not both")
    for name, course in (("base_load", group.base_load), ("pv", group.pv)):
        steps = [*course.forecast, *([course.measured] if course.measured else [])]
        for each in steps:
            if len(each.power_w) not in (1, group.phases):
                raise InvalidMessage(name, f"has {len(each.power_w)} figures: one in all, or one for each phase")
        starts: Sequence[datetime] = [each.start_at for each in course.forecast]
        if any(late <= early for early, late in pairwise(starts)):
            raise InvalidMessage(f"{name}.forecast.steps", "must ascend by start")
        if len(starts) > MOST_STEPS:
            raise InvalidMessage(f"{name}.forecast.steps", f"has more than {MOST_STEPS} steps")
        if starts and (course.forecast_until is None or course.forecast_until <= starts[-1]):
            raise InvalidMessage(f"{name}.forecast.until", "must be after the start of the last step")


def _check_members(groups: Mapping[str, Group]) -> None:
    seen: dict[str, str] = {}
    for group in groups.values():
        phases = min(each.phases for each in path_to(groups, group.group_id))
        for member in group.members:
            text = member.place.text
            if text in seen:
                raise InvalidMessage("members", f"{text} is in the groups {seen[text]} and {group.group_id}")
            seen[text] = group.group_id
            _check_member(member, phases)
    wholes = {text for text in seen if text.endswith(f"#{WHOLE_EVSE}")}
    for text in seen.keys() - wholes:
        if f"{text.rpartition('#')[0]}#{WHOLE_EVSE}" in wholes:
            raise InvalidMessage("members", f"{text} is a member by itself and with its whole EVSE")
    if len(seen) > MOST_MEMBERS:
        raise InvalidMessage("members", f"of a tree are at most {MOST_MEMBERS}")


def _check_member(member: Member, phases: int) -> None:
    if member.phases is not None and member.phases > phases:
        raise InvalidMessage("phases", f"{member.place.text} has more phases than the limit before it")
    if member.phase_order is not None and (
        len(set(member.phase_order)) != len(member.phase_order) or len(member.phase_order) != member.phases
    ):
        raise InvalidMessage("phase_order", f"{member.place.text} must name each of its phases once")
    if member.unmanaged_w is not None and member.unmanaged_w > member.max_power_w:
        raise InvalidMessage("unmanaged_w", f"{member.place.text} cannot give more than max_power_w")

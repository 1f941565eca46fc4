"""What all sessions of a tree of limit groups are given together, and which of it may go out now: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.grid.model import Conditions
from offpeak.groups.caps import NOTHING, Asked, cap_tree, changes_under, power_asked_w, room_left_w
from offpeak.groups.model import Group, GroupTree, Member, path_to, spread
from offpeak.partners.model import Flags
from offpeak.planning.captree import CapNode, CapStep
from offpeak.planning.group import decide_group
from offpeak.planning.plan import Plan
from offpeak.planning.profile import ChargingProfile
from offpeak.planning.situation import Situation
from offpeak.profiles.circuit import as_planned
from offpeak.profiles.exposure import (
    Hardware,
    exposure_of,
    held_from_before,
    is_awaited,
    is_in_doubt,
    may_hold,
    steps_of,
    steps_under,
)
from offpeak.profiles.gather import Gathered, asked_of, profile_for, situation_for
from offpeak.profiles.grid import told_of_grid
from offpeak.profiles.intent import Action, Intent
from offpeak.profiles.model import ProfileRequest, Standing
from offpeak.profiles.observe import is_exceeded
from offpeak.profiles.outcome import barred_for, intent_for, settled, up_to_date
from offpeak.profiles.power_steps import PowerSteps, flat, highest, instants_of, profile_of, sampled
from offpeak.profiles.release import Bound, Claim, Excess, Release, release
from offpeak.profiles.situation import min_power_w, rate_unit

CAPS_FOR = timedelta(days=2)
"""How far ahead base loads and PV are looked at; what they are then stays."""

BOUNDLESS_W = 1e9

CLOCKS_DIFFER = timedelta(minutes=1)
"""By so much a charger's clock may be behind."""

LOOKS_AGAIN = timedelta(minutes=1)
"""Who waits for confirmations is planned when they come; should that get lost, he is planned so much later."""
HOPES_AGAIN = timedelta(minutes=5)
"""Who waits with no room in sight is planned again after so long, unless there is a cause before."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A session at a charger of a tree. `groups` are the charger's limit group and all above it. `standing` and
    `newest` are as they are by now; `barred` says why no profile can be set for it, None where one can; `exposure` is
    the most that it may draw, whatever becomes of its requests."""

    gathered: Gathered
    member: Member
    groups: tuple[str, ...]
    standing: Standing
    newest: ProfileRequest | None
    barred: Intent | None
    exposure: PowerSteps

    @property
    def hardware(self) -> Hardware:
        return _hardware(self.member, self.gathered.partner.flags)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one session. `waits_for` names those whose confirmations make room for it, None where it waits
    for nothing."""

    intent: Intent
    plan: Plan | None = None
    profile: ChargingProfile | None = None
    waits_for: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """What all are given. `awaited` are those that others wait for; `excess` is what nothing on its way mends."""

    verdicts: Mapping[str, Verdict]
    awaited: frozenset[str]
    excess: tuple[Excess, ...]


def seated(gathered: Gathered, tree: GroupTree, group: Group, member: Member, now: datetime, at: datetime) -> Seat:
    """Return a session as it counts at a charger of its tree, a member of `group`. `now` is the session's time, `at`
    the real one."""
    standing, newest = replace(up_to_date(gathered), root_id=tree.root_id), settled(gathered, at)
    held = may_hold(gathered.held)
    if is_in_doubt(held, now):
        standing = replace(standing, wants_renewal=True)
    override = standing.override
    is_lost = (override is not None and override.is_wider) or _is_ignored(gathered)
    hardware = _hardware(member, gathered.partner.flags)
    exposure = exposure_of(held, gathered.partner.planning, hardware, is_lost=is_lost)
    exposure = highest([exposure, held_from_before(standing.limit_w_steps, hardware, now)])
    groups = tuple(each.group_id for each in path_to(tree.groups, group.group_id))
    return Seat(gathered, member, groups, standing, newest, barred_for(gathered, standing, newest, now), exposure)


def _is_ignored(gathered: Gathered) -> bool:
    """Say whether the session draws more than the profile allows that its charger said it took."""
    newest = gathered.newest
    if newest is None or newest.profile is None or newest.in_force_at is None:
        return False
    planning = as_planned(gathered.partner.planning, newest)
    return is_exceeded(
        newest.profile,
        gathered.known.session,
        newest.in_force_at,
        phases=planning.phases,
        voltage_v=planning.voltage_v,
    )


def decide_joint(tree: GroupTree, seats: Mapping[str, Seat], grid: Asked, now: datetime) -> Joint:
    """Return what becomes of each session. The keys of `seats` are those that planning knows the sessions by; `grid` is
    what signals ask of the tree's groups.

    Those that no profile can be set for count as what they may draw, and the others share what that leaves. Of what
    they are given, what is safe goes out, who leaves first before the others.
    """
    places = {key: seat.member.place for key, seat in seats.items()}
    caps = cap_tree(tree, places, grid, now, now + CAPS_FOR)
    taken = {key: _taken(seat) for key, seat in seats.items() if seat.barred is not None}
    free = {key: seat for key, seat in seats.items() if seat.barred is None}
    asked = {key: asked_of(seat.gathered, now, seat.groups) for key, seat in free.items()}
    situations = {key: _situation(seat, asked[key], now) for key, seat in free.items()}
    plans = decide_group(situations, less(caps, taken, now), now=now)
    verdicts = {key: Verdict(seat.barred) for key, seat in seats.items() if seat.barred is not None}
    for key, seat in free.items():
        plan = told_of_grid(plans[key], asked[key], seat.gathered.partner.planning, now)
        profile = _begun_earlier(profile_for(seat.gathered, plan, now))
        verdicts[key] = Verdict(intent_for(seat.gathered, seat.standing, seat.newest, profile, now), plan, profile)
    order = sorted(seats, key=lambda key: (seats[key].gathered.departure.at, key))
    claims = {key: _claim(seats[key], verdicts[key]) for key in order}
    released = release(claims, list(bounds_of(tree, seats, grid, now)), now)
    return Joint(
        {key: _released(seats[key], verdicts[key], released, key, now) for key in seats},
        frozenset(each for names in released.waiting.values() for each in names),
        released.excess,
    )


def bounds_of(tree: GroupTree, seats: Mapping[str, Seat], grid: Asked, now: datetime) -> Iterator[Bound]:
    """Yield what holds for the sessions of each group: a bound on what they draw together, or one for each phase, and
    one more where signals say what they may draw in all."""
    inside: dict[str, dict[str, Member]] = {}
    for key, seat in seats.items():
        for group_id in seat.groups:
            inside.setdefault(group_id, {})[key] = seat.member
    for group_id, members in sorted(inside.items()):
        group, asked = tree.groups[group_id], grid.get(group_id, NOTHING)
        phases = len(group.limits_w)
        instants = changes_under(group, asked, now, now + CAPS_FOR)
        rooms = [room_left_w(group, asked, at) for at in instants]
        for phase in range(phases):
            yield Bound(
                group_id if phases == 1 else f"{group_id} L{phase + 1}",
                tuple((at, float(room[phase])) for at, room in zip(instants, rooms, strict=True)),
                {key: float(spread(member, phases)[phase]) for key, member in members.items()},
            )
        if any(each.power_w is not None for each in asked.spans):
            steps = tuple((at, min(power_asked_w(asked, at), BOUNDLESS_W)) for at in instants)
            yield Bound(f"{group_id} by signal", steps, dict.fromkeys(members, 1.0))


def less(node: CapNode, taken: Mapping[str, PowerSteps], now: datetime) -> CapNode:
    """Return a tree of caps without those sessions that take what they take."""
    children = tuple(less(child, taken, now) for child in node.children)
    here = [taken[key] for key in _keys_of(node) if key in taken]
    steps = node.steps
    if steps and here:
        cap = tuple((step.start_at, step.power_w) for step in steps)
        instants = instants_of([cap, *here], now)
        loads = [sum(column) for column in zip(*(sampled(each, instants) for each in here), strict=True)]
        left = zip(instants, sampled(cap, instants), loads, strict=True)
        steps = tuple(CapStep(at, max(0.0, cap_w - load)) for at, cap_w, load in left)
    return CapNode(node.name, steps, children, tuple(key for key in node.members if key not in taken))


def _keys_of(node: CapNode) -> Iterator[str]:
    yield from node.members
    for child in node.children:
        yield from _keys_of(child)


def _situation(seat: Seat, asked: Conditions, now: datetime) -> Situation:
    situation = situation_for(seat.gathered, seat.standing, asked, now)
    return replace(situation, max_power_w=min(situation.max_power_w, float(seat.member.max_power_w)))


def _hardware(member: Member, flags: Flags) -> Hardware:
    return Hardware(member.max_power_w, member.draws_unmanaged_w, flags.slot_s)


def _taken(seat: Seat) -> PowerSteps:
    """Return what the others have to leave to a session that no profile can be set for."""
    if seat.barred is not None and seat.barred.action is Action.CLEAR:
        return highest([seat.exposure, flat(seat.hardware.unmanaged_w)])
    return seat.exposure


def _claim(seat: Seat, verdict: Verdict) -> Claim:
    planning = seat.gathered.partner.planning
    hardware = seat.hardware
    expected = seat.exposure
    if seat.newest is not None and is_awaited(seat.newest):
        expected = steps_of(seat.newest, planning, hardware)
    wanted = None
    if verdict.intent.action is Action.CLEAR:
        wanted = flat(hardware.unmanaged_w)
    elif verdict.intent.action is Action.SET and verdict.profile is not None:
        wanted = steps_under(verdict.profile, planning, hardware)
    is_whole = verdict.intent.action is Action.CLEAR
    least_w = min_power_w(planning, rate_unit(seat.gathered.partner.flags, planning))
    return Claim(seat.exposure, expected, wanted, least_w, is_whole, hardware.slot_s)


def _begun_earlier(profile: ChargingProfile) -> ChargingProfile:
    """Return a profile that asks the same but begins a little in the past: before its start nothing limits, and a
    charger's clock may be behind ours."""
    earlier_s = int(CLOCKS_DIFFER / timedelta(seconds=1))
    first, *others = profile.periods
    later = (replace(each, start_period_s=each.start_period_s + earlier_s) for each in others)
    return replace(profile, start_at=profile.start_at - CLOCKS_DIFFER, periods=(first, *later))


def _released(seat: Seat, verdict: Verdict, released: Release, key: str, now: datetime) -> Verdict:
    """Return a verdict as far as it may go out now."""
    waits_for = released.waiting.get(key)
    if waits_for is not None:
        wake_at = now + (LOOKS_AGAIN if waits_for else HOPES_AGAIN)
        intent = Intent(Action.KEEP, "waits_for_room", in_effect=True, wake_at=wake_at)
        return replace(verdict, intent=intent, waits_for=waits_for)
    if key not in released.cut:
        return verdict
    planning = seat.gathered.partner.planning
    unit = rate_unit(seat.gathered.partner.flags, planning).value
    profile = _begun_earlier(profile_of(released.going[key], unit, planning, now))
    intent = intent_for(seat.gathered, seat.standing, seat.newest, profile, now)
    return replace(verdict, intent=replace(intent, wake_at=now + LOOKS_AGAIN), profile=profile, waits_for=())

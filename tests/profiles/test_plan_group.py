"""Sessions that share a limit, from their messages to what their chargers have, in the real embedded database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

from offpeak.aws.tables import write_together
from offpeak.errors import ConcurrentChange
from offpeak.grid.model import Scope, Signal, SignalKind, SignalStep
from offpeak.groups.model import Group, GroupKind, Member, Place
from offpeak.groups.store import StoredTree, TreeChange
from offpeak.partners.model import PlanningDefaults
from offpeak.profiles.exposure import Hardware, exposure_of, may_hold, steps_under
from offpeak.profiles.model import ProfileRequest, RequestState, Standing
from offpeak.profiles.plan_group import plan_group
from offpeak.profiles.power_steps import EVER, PowerSteps, power_at
from offpeak.sessions.model import SessionKey
from tests.profiles.cpo import ACCEPTED, says
from tests.profiles.world import World
from tests.sessions.builders import KEY, a_patch, a_put, at

MAX_W = 11040
HARDWARE = Hardware(MAX_W, MAX_W)
AT_ONCE = PlanningDefaults(minimum_now_kwh=Decimal(10))
"""Everybody charges at once, whatever it costs, so that the limit binds."""


def key_of(number: int) -> SessionKey:
    return SessionKey(KEY.partner_id, f"S-{number}")


class Site:
    """A connection with chargers E1, E2, ... behind it."""

    def __init__(self, world: World, chargers: int, limit_w: int, **changes: Any) -> None:
        self.world = world
        self.group = Group("site", "The site", limit_w=limit_w, members=members(range(1, chargers + 1)), **changes)
        self.change(self.group)

    def change(self, group: Group, *below: Group) -> None:
        """Write the groups as they are from now on, and ask for their plan, as the operators' API does."""
        stored = self.stored() if self.world.groups._table.get({"pk": "TREE#site", "sk": "ROOT"}) else None
        change = TreeChange("site", stored, {each.group_id: each for each in (group, *below)})
        self.group = group
        self.world.groups.save(change, now=self.world.now, received_at=self.world.real_now)
        self.world.plan_queue.ask_group("site", self.world.groups.tree_of("site").plan_wanted)

    def stored(self) -> StoredTree:
        return self.world.groups.load("site")

    def plug_in(self, *numbers: int) -> None:
        for number in numbers:
            self.world.receive(replace(a_put(0, evse_uid=f"E{number}"), key=key_of(number)))

    def tell(self, number: int, minutes: float, **fields: Any) -> None:
        self.world.receive(replace(a_patch(minutes, **fields), key=key_of(number)))

    def settle(self) -> None:
        """Deliver all messages and results, until nothing is on its way."""
        while self.world.deliver() or self.world.cpo.awaited:
            self.world.results()

    def standing(self, number: int) -> Standing:
        return self.world.profiles.standing(key_of(number))

    def newest(self, number: int) -> ProfileRequest:
        request = self.world.profiles.request(self.standing(number).newest_request_id or "")
        assert request
        return request

    def exposure(self, number: int) -> PowerSteps:
        held = [self.world.request(each) for each in self.standing(number).held]
        return exposure_of(may_hold(held), self.world.partner.planning, HARDWARE, is_lost=False)

    def highest_w(self, numbers: Iterable[int]) -> float:
        """The most that these sessions may draw together at any time from now on."""
        exposures = [self.exposure(number) for number in numbers]
        instants = {self.world.now, *(at for each in exposures for at, _ in each if at > self.world.now)}
        return max(sum(power_at(each, at) for each in exposures) for at in instants)


def members(numbers: Iterable[int]) -> tuple[Member, ...]:
    return tuple(Member(Place(KEY.partner_id, f"E{number}"), MAX_W, 3) for number in numbers)


def test_three_cars_behind_one_limit_are_planned_together_sent_and_confirmed(world: World) -> None:
    site = Site(world, 3, 12_000)
    site.plug_in(1, 2, 3)
    site.settle()
    assert [site.newest(number).state for number in (1, 2, 3)] == [RequestState.CHARGER_ACCEPTED] * 3
    assert 0 < site.highest_w((1, 2, 3)) <= 12_000
    assert [site.standing(number).root_id for number in (1, 2, 3)] == ["site"] * 3
    assert site.stored().tree.is_planned
    plans = [site.standing(number).plan for number in (1, 2, 3)]
    assert all(plan is not None and plan.shortfall_kwh == 0 for plan in plans), "the night is long enough for all"


def test_a_message_of_a_session_in_a_tree_leads_to_one_plan_for_all_who_want_one(world: World) -> None:
    site = Site(world, 3, 30_000)
    site.plug_in(1, 2, 3)
    world.deliver()
    turns = site.stored().tree.turn
    site.tell(1, 5, kwh=Decimal(1))
    site.tell(2, 5, kwh=Decimal(1))
    site.tell(3, 5, kwh=Decimal(1))
    world.deliver()
    assert site.stored().tree.turn == turns + 1
    assert world.waiting("plan") == []


def test_a_second_message_finds_nothing_to_plan(world: World) -> None:
    site = Site(world, 2, 30_000)
    site.plug_in(1, 2)
    world.deliver()
    assert plan_group("site", world.planner, now=world.now) is None
    assert world.plan(key_of(1)) is None


def test_nobody_in_a_tree_is_planned_alone(world: World) -> None:
    site = Site(world, 2, 30_000)
    site.plug_in(1)
    assert world.plan(key_of(1)) is None
    assert site.standing(1).newest_request_id is None
    assert site.stored().tree.sessions == (), "it is put there in the tree's own order"
    [message] = [each for each in world.waiting("plan") if each.get("root_id") == "site" and "session_id" in each]
    assert message["session_id"] == "S-1"


def test_a_newcomer_counts_as_what_its_charger_gives_until_its_first_profile_is_confirmed(world: World) -> None:
    site = Site(world, 2, MAX_W)
    world.change_partner(planning=AT_ONCE)
    site.plug_in(1)
    site.settle()
    assert site.highest_w([1]) == MAX_W, "alone it has all"
    site.plug_in(2)
    world.deliver()
    newcomer = site.newest(2)
    assert newcomer.profile is not None
    assert site.newest(1).state is RequestState.CPO_ACCEPTED, "the first goes down at once"
    assert site.exposure(2) == ((EVER, MAX_W),)
    site.settle()
    assert site.highest_w([1, 2]) <= MAX_W


def test_a_rise_waits_until_the_fall_that_makes_room_for_it_is_confirmed(world: World) -> None:
    site = Site(world, 2, MAX_W)
    world.change_partner(planning=AT_ONCE)
    site.plug_in(1)
    site.settle()
    site.plug_in(2)
    world.deliver()
    world.results()
    world.deliver()
    site.settle()
    before = site.newest(2).request_id
    site.tell(1, 10, status="COMPLETED")
    world.pass_time(minutes=10)
    site.settle()
    assert site.newest(2).request_id != before, "what the first leaves the second gets"
    assert site.stored().tree.sessions[0].key == key_of(2).text
    assert site.standing(1).root_id is None


def test_who_waits_says_for_whom_and_goes_when_that_one_is_confirmed(world: World) -> None:
    site = swapping(world)
    assert site.standing(2).waits_for == (key_of(1).text,)
    assert site.standing(1).is_awaited
    assert site.highest_w((1, 2)) <= MAX_W
    before = site.newest(2).request_id
    site.settle()
    assert site.standing(2).waits_for is None
    assert site.newest(2).request_id != before
    assert site.highest_w((1, 2)) <= MAX_W


def swapping(world: World) -> Site:
    """Two cars share what one could draw; now the first has its minimum, and the second is to get all, once the first
    has been confirmed to pause."""
    site = Site(world, 2, MAX_W)
    world.change_partner(planning=AT_ONCE)
    site.plug_in(1, 2)
    site.settle()
    world.pass_time(minutes=30)
    site.tell(1, 30, kwh=Decimal(11))
    world.deliver()
    assert site.newest(1).state is RequestState.CPO_ACCEPTED
    return site


def test_a_confirmation_that_gets_lost_costs_a_minute(world: World) -> None:
    site = swapping(world)
    before = site.newest(2).request_id
    world.results()
    world.messages.clear()
    world.pass_time(seconds=61)
    world.sweep()
    site.settle()
    assert site.standing(2).waits_for is None
    assert site.newest(2).request_id != before


def test_when_no_confirmation_comes_the_larger_of_old_and_new_stays_counted(world: World) -> None:
    site = swapping(world)
    old = power_at(site.exposure(1), at(10 * 60))
    world.cpo.awaited.clear()
    world.pass_time(seconds=61)
    world.sweep()
    site.settle()
    assert site.newest(1).state is RequestState.UNKNOWN
    assert power_at(site.exposure(1), at(10 * 60)) >= old
    assert site.highest_w((1, 2)) <= MAX_W


def test_a_charger_that_refuses_counts_as_it_is_and_the_others_have_to_do_with_less(world: World) -> None:
    site = Site(world, 3, 24_000)
    world.change_partner(planning=AT_ONCE)
    site.plug_in(1, 2)
    site.settle()
    world.cpo.answer = says("REJECTED")
    site.plug_in(3)
    site.settle()
    world.cpo.answer = ACCEPTED
    world.pass_time(seconds=30)
    world.sessions.want_plan(key_of(1), now=world.now, received_at=world.real_now)
    world.plan_queue.ask(key_of(1), 99)
    site.settle()
    assert site.newest(3).state is RequestState.REJECTED
    assert site.exposure(3) == ((EVER, MAX_W),)
    assert site.highest_w((1, 2, 3)) <= 24_000
    world.pass_time(minutes=2)
    world.sweep()
    site.settle()
    assert site.newest(3).state is RequestState.CHARGER_ACCEPTED, "it is asked again when it may be"
    assert site.highest_w((1, 2, 3)) <= 24_000


def test_what_smart_charging_is_switched_off_for_is_freed_only_when_the_others_have_made_room(world: World) -> None:
    site = Site(world, 2, MAX_W)
    world.change_partner(planning=AT_ONCE)
    site.plug_in(1, 2)
    site.settle()
    assert site.highest_w((1, 2)) <= MAX_W
    world.change_partner(planning=replace(AT_ONCE, smart_charging=False))
    world.pass_time(minutes=1)
    ask_for_all(site, (1, 2))
    world.deliver()
    assert [call.method for call in world.cpo.calls if call.method == "DELETE"] == []
    assert all(site.standing(number).waits_for == () for number in (1, 2)), "there is no room for two without limits"


def test_a_cut_reaches_those_who_draw_more_than_is_left_and_nobody_else(world: World) -> None:
    site = Site(world, 3, 40_000)
    world.change_partner(planning=AT_ONCE)
    site.plug_in(1, 2, 3)
    site.settle()
    assert site.highest_w((1, 2, 3)) > 20_000
    calls = len(world.cpo.calls)
    site.change(replace(site.group, limit_w=20_000))
    world.deliver()
    assert 0 < len(world.cpo.calls) - calls <= 3
    site.settle()
    assert site.highest_w((1, 2, 3)) <= 20_000


def ask_for_all(site: Site, numbers: Iterable[int]) -> None:
    for number in numbers:
        wanted = site.world.sessions.want_plan(key_of(number), now=site.world.now, received_at=site.world.real_now)
        assert wanted
        site.world.plan_queue.ask(key_of(number), wanted)


@pytest.mark.parametrize(("phases", "counts"), [(3, 1 / 3), (1, 1)], ids=["all phases", "an unknown phase"])
def test_a_signal_of_any_group_holds_for_all_below_it_however_they_load_the_phases(
    world: World, phases: int, counts: float
) -> None:
    one, two, three, four = members((1, 2, 3, 4))
    site = Site(world, 0, 1)
    root = Group("site", "The site", limit_a=Decimal(100), members=(one, two))
    site.change(
        root,
        Group(
            "board", "A board", GroupKind.BOARD, "site", limit_w=50_000, members=(three, replace(four, phases=phases))
        ),
    )
    world.change_partner(planning=replace(AT_ONCE, minimum_now_kwh=Decimal(60)))
    site.plug_in(1, 2, 3, 4)
    site.settle()

    def granted(number: int) -> float:
        return power_at(site.exposure(number), world.now)

    def announce(group: str, kind: SignalKind, value: str) -> None:
        step = SignalStep(world.now, Decimal(value))
        signal = Signal(group, Scope(group=group), kind, (step,), world.now + timedelta(hours=3), "operator")
        world.signals.save(None, signal, now=world.now, at=world.real_now)
        ask_for_all(site, (1,))
        site.settle()

    assert [granted(number) for number in (1, 2, 3, 4)] == [MAX_W] * 4
    announce("board", SignalKind.CAP, "12000")
    assert [granted(1), granted(2)] == [MAX_W] * 2
    assert 8_000 < granted(3) + granted(4) <= 12_000
    announce("site", SignalKind.CONGESTION, "0.5")
    on_a_phase = (granted(1) + granted(2) + granted(3)) / 3 + granted(4) * counts
    assert 10_000 < on_a_phase <= 11_500, "half of 100 A"


# -- memberships move


def test_a_charger_that_joins_brings_its_session_along(world: World) -> None:
    site = Site(world, 1, 20_000)
    world.change_partner(planning=AT_ONCE)
    site.plug_in(1, 2)
    site.settle()
    assert (site.standing(1).root_id, site.standing(2).root_id) == ("site", None)
    site.change(replace(site.group, members=members((1, 2))))
    world.pass_time(seconds=31)  # for so long a process remembers where an EVSE is
    ask_for_all(site, [2])
    site.settle()
    assert site.standing(2).root_id == "site"
    assert site.highest_w((1, 2)) <= 20_000


def test_a_charger_that_leaves_is_planned_alone_again_and_the_others_get_its_share(world: World) -> None:
    site = Site(world, 2, MAX_W)
    world.change_partner(planning=AT_ONCE)
    site.plug_in(1, 2)
    site.settle()
    site.change(replace(site.group, members=members([1])))
    world.pass_time(minutes=1)
    site.settle()
    assert (site.standing(1).root_id, site.standing(2).root_id) == ("site", None)
    assert [each.key for each in site.stored().tree.sessions] == [key_of(1).text]
    assert site.highest_w([2]) == MAX_W


def test_sessions_outlive_their_group(world: World) -> None:
    site = Site(world, 1, MAX_W)
    site.plug_in(1)
    site.settle()
    change = TreeChange("site", site.stored(), {})
    world.groups.save(change, now=world.now, received_at=world.real_now)
    world.pass_time(minutes=1)
    site.tell(1, 1, kwh=Decimal(1))
    site.settle()
    assert site.standing(1).root_id is None
    assert site.newest(1).state is RequestState.CHARGER_ACCEPTED


def test_a_planner_that_comes_too_late_discards_its_work(world: World) -> None:
    """Another has planned the tree since it was read, or a membership or a load has changed."""
    site = Site(world, 2, MAX_W)
    world.change_partner(planning=AT_ONCE)
    site.plug_in(1)
    site.settle()
    seen = site.stored()
    site.plug_in(2)
    world.deliver()
    with pytest.raises(ConcurrentChange):
        write_together([world.groups.next_turn(seen, seen.tree.turn)])


def test_of_two_planners_one_begins_again_and_no_cap_is_passed(world: World) -> None:
    site = Site(world, 4, 24_000)
    world.change_partner(planning=AT_ONCE)
    site.plug_in(1, 2, 3, 4)
    world.deliver()
    world.pass_time(minutes=1)
    ask_for_all(site, (1, 2, 3, 4))
    world.messages = [each for each in world.messages if each[1] != "plan"]
    both = [Thread(target=plan_group, args=("site", world.planner), kwargs={"now": world.now}) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    site.settle()
    assert site.stored().tree.is_planned
    assert site.highest_w((1, 2, 3, 4)) <= 24_000


def test_chargers_that_obey_at_quarter_hours_only_pass_no_cap_until_they_do(world: World) -> None:
    """The second car begins at an odd time, and when one goes on where another stops they change places at an edge."""
    site = Site(world, 2, MAX_W)
    world.change_partner(planning=AT_ONCE, flags=replace(world.partner.flags, slot_s=900))
    for number, minutes in ((1, 0), (2, 22)):
        world.pass_time(minutes=minutes)
        site.plug_in(number)
        site.settle()
    coarse = replace(HARDWARE, slot_s=900)
    held = [steps_under(profile, AT_ONCE, coarse) for number in (1, 2) if (profile := site.newest(number).profile)]
    assert len(held) == 2
    instants = {at for each in held for at, _ in each if at > world.now}
    assert max(sum(power_at(each, at) for each in held) for at in instants) == MAX_W

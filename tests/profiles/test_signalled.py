"""Signals of the grid in plans: which sessions are planned anew, what their profiles make of it, what they tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from offpeak.errors import InvalidMessage
from offpeak.grid.announce import TRAIL, Announcements
from offpeak.grid.model import Scope, Signal, SignalKind, SignalStep
from offpeak.partners.audit import Actor
from offpeak.partners.model import Partner, PartnerStatus
from offpeak.partners.trail import AuditTrail
from offpeak.profiles.grid import held_until
from offpeak.profiles.replan import page_in, want_plans
from offpeak.profiles.signalled import SignalReplans
from offpeak.profiles.zones import markets_of
from tests.conftest import MakeTable
from tests.pairing.builders import location
from tests.profiles.paired import pair
from tests.profiles.world import ProcessDied, World
from tests.sessions.builders import KEY, PLUG_IN, a_put

ALICE = Actor("arn:aws:iam::111122223333:user/alice", "api")
HOUR = timedelta(hours=1)
ZONE = Scope(zone="DE-LU")


class Grid:
    """Operators who announce signals in a world; `groups` are the roots whose plans were wanted."""

    def __init__(self, world: World, audit: AuditTrail) -> None:
        self.world, self.trail, self.groups = world, audit, list[str]()
        self.partners: Callable[[], list[Partner]] = lambda: [world.partner]

    @property
    def replans(self) -> SignalReplans:
        return SignalReplans(
            self.world.signals,
            lambda: markets_of(self.partners(), self.world.own_markets.all()),
            self.world.replan_queue,
            self.groups.append,
            real_now=lambda: self.world.real_now,
        )

    @property
    def announcements(self) -> Announcements:
        return Announcements(
            self.world.signals,
            self.trail,
            self.replans.ask,
            is_group=lambda group_id: group_id == "depot",
            now=lambda: self.world.now,
            real_now=lambda: self.world.real_now,
        )

    def announce(self, kind: SignalKind, value: float | str, first: float, last: float, **changes: Scope) -> Signal:
        """Announce a signal from so many to so many hours after plug-in."""
        step = SignalStep(PLUG_IN + first * HOUR, Decimal(str(value)))
        signal = Signal("s", ZONE, kind, (step,), PLUG_IN + last * HOUR, "operator")
        return self.announcements.announce(replace(signal, **changes), ALICE)

    def work(self) -> set[str]:
        """Do what the replan queue asks for, plan what wants it, and have the chargers take it; return whose sessions
        were looked for."""
        world, looked = self.world, set()
        for message in world.waiting("replan"):
            looked.add(message["partner_id"])
            want_plans(
                page_in(message),
                world.sessions,
                world.plan_queue,
                world.replan_queue,
                now=world.now,
                at=world.real_now,
            )
        world.messages = [each for each in world.messages if each[1] != "replan"]
        world.deliver()
        world.results()
        return looked


@pytest.fixture
def grid(world: World, make_table: MakeTable) -> Grid:
    return Grid(world, AuditTrail(make_table("audit"), world.signals._table))


def charging(world: World) -> list[tuple[float, float, int]]:
    """The blocks of the session's plan, in hours after plug-in and watts."""
    plan = world.standing.plan
    assert plan is not None
    return [
        (round((each.start_at - PLUG_IN) / HOUR, 2), round((each.end_at - PLUG_IN) / HOUR, 2), int(each.power_w))
        for each in plan.blocks
    ]


def test_a_cap_lowers_a_running_profile_within_the_same_minute_and_a_withdrawal_lifts_it(
    world: World, grid: Grid
) -> None:
    world.change_partner(planning=replace(world.partner.planning, need_kwh=Decimal(200)))
    world.receive()
    world.deliver()
    world.results()
    assert charging(world)[0][2] == 11_040
    grid.announce(SignalKind.CAP, 6000, 0, 2)
    assert grid.work() == {KEY.partner_id}
    assert charging(world)[0] == (0, 2, 6000)
    plan = world.standing.plan
    assert plan is not None
    assert "Power is held to 6.0 kW" in plan.reason.text
    assert (plan.reason.facts["signals"], plan.reason.facts["held_to_w"]) == ("s", 6000)
    assert world.newest.profile is not None
    assert world.newest.profile.periods[0].limit == 6000
    grid.announcements.withdraw("s", ALICE)
    grid.work()
    assert charging(world)[0][2] == 11_040
    assert plan is not None
    assert world.newest.profile.periods[0].limit == 11_040
    grid.announce(SignalKind.CAP, "11039.9", 0, 2)
    grid.work()
    assert world.newest.profile.periods[0].limit == Decimal("11039.9"), "a cap is kept to the last tenth of a watt"


def test_congestion_leaves_a_share_and_under_the_cars_minimum_a_pause(world: World, grid: Grid) -> None:
    world.change_partner(planning=replace(world.partner.planning, need_kwh=Decimal(200)))
    world.receive()
    grid.announce(SignalKind.CONGESTION, "0.5", 0, 1)
    grid.work()
    assert charging(world)[0] == (0, 1, 5520)
    assert world.standing.plan is not None
    assert "grid congestion" in world.standing.plan.reason.text
    grid.announcements.withdraw("s", ALICE)
    grid.announce(SignalKind.CONGESTION, "0.1", 0, 1)
    grid.work()
    assert charging(world)[0][0] == 1


def test_an_adder_moves_charging_and_is_charged_to_nobody(world: World, grid: Grid) -> None:
    world.receive()
    world.deliver()
    before = world.standing.plan
    assert before is not None
    cheap = [(each.start_at - PLUG_IN) / HOUR for each in before.blocks]
    grid.announce(SignalKind.PRICE_ADDER, 5, min(cheap) - 1, min(cheap) + 4)
    grid.work()
    after = world.standing.plan
    assert after is not None
    assert all(not (min(cheap) - 1 < first < min(cheap) + 4) for first, _, _ in charging(world))
    assert before.cost_eur < after.cost_eur < 15, "no EUR of the adder is told as a cost"
    assert "The grid's signals count, by up to 5.00 EUR/kWh more." in after.reason.text


@pytest.mark.parametrize(("weight", "moves"), [("0", False), ("5", True)])
def test_carbon_counts_by_the_partners_weight(world: World, grid: Grid, weight: str, moves: bool) -> None:
    world.change_partner(planning=replace(world.partner.planning, carbon_weight_eur_per_kg=Decimal(weight)))
    world.receive()
    world.deliver()
    before = charging(world)
    grid.announce(SignalKind.CARBON, 5000, before[0][0] - 1, before[-1][1] + 1)
    # Elsewhere it is clean: time that nobody tells of would count by the mean.
    clean = Signal("clean", ZONE, SignalKind.CARBON, (SignalStep(PLUG_IN, Decimal(10)),), PLUG_IN + 48 * HOUR, "x")
    grid.announcements.announce(replace(clean, end_at=PLUG_IN + (before[0][0] - 1) * HOUR), ALICE)
    grid.work()
    assert (charging(world) != before) is moves


def a_partner_of(world: World, name: str, **changes: object) -> Partner:
    planning = replace(world.partner.planning, **changes.pop("planning", {}))  # type: ignore[arg-type]
    return replace(world.partner, partner_id=name, planning=planning, **changes)  # type: ignore[arg-type]


def test_only_the_partners_in_the_zone_are_asked_and_of_carbon_those_who_weigh_it(world: World, grid: Grid) -> None:
    grid.partners = lambda: [
        a_partner_of(world, "here"),
        a_partner_of(world, "weighs", planning={"carbon_weight_eur_per_kg": Decimal("0.1")}),
        a_partner_of(world, "elsewhere", planning={"bidding_zone": "NL"}),
        a_partner_of(world, "left", status=PartnerStatus.LEFT),
        a_partner_of(world, "suspended", suspended_at=world.now),
    ]
    grid.announce(SignalKind.CARBON, 300, 0, 1)
    assert {each["partner_id"] for each in world.waiting("replan")} == {"weighs"}
    world.messages.clear()
    grid.announcements.withdraw("s", ALICE)
    world.messages.clear()
    grid.announce(SignalKind.CAP, 300, 0, 1)
    assert {each["partner_id"] for each in world.waiting("replan")} == {"here", "weighs"}


def test_a_signal_of_the_zone_that_a_drivers_place_names_moves_its_session(world: World, grid: Grid) -> None:
    world.change_partner(planning=replace(world.partner.planning, need_kwh=Decimal(200)))
    pair(world, location(bidding_zone="NL"))
    world.receive()
    world.deliver()
    world.results()
    assert charging(world)[0][2] == 11_040
    grid.announce(SignalKind.CAP, 6000, 0, 2, scope=Scope(zone="NL"))
    assert grid.work() == {KEY.partner_id}
    assert charging(world)[0] == (0, 2, 6000)


def test_a_signal_wants_no_plan_of_the_partners_sessions_in_another_zone(world: World, grid: Grid) -> None:
    pair(world, location(bidding_zone="NL"))
    elsewhere = replace(KEY, session_id="S-2")
    world.receive()
    world.receive(replace(a_put(0, evse_uid="E2"), key=elsewhere))
    unplanned = replace(KEY, session_id="S-3")
    world.deliver()
    world.receive(replace(a_put(0, evse_uid="E3"), key=unplanned))
    assert world.profiles.standing(KEY).planned_zone == "NL"
    before = {key: world.sessions.plan_wanted(key) or 0 for key in (KEY, elsewhere, unplanned)}
    grid.announce(SignalKind.CAP, 6000, 0, 2, scope=Scope(zone="NL"))
    grid.work()
    more = {key.session_id: (world.sessions.plan_wanted(key) or 0) - wanted for key, wanted in before.items()}
    assert more == {KEY.session_id: 1, "S-2": 0, "S-3": 1}, "of which no zone is known yet may be there"


def test_a_groups_signal_has_its_group_planned_where_there_is_one(world: World, grid: Grid) -> None:
    with pytest.raises(InvalidMessage, match="there is no limit group garage") as refused:
        grid.announce(SignalKind.CAP, 50_000, 0, 1, scope=Scope(group="garage"))
    assert refused.value.field == "group"
    grid.announce(SignalKind.CAP, 50_000, 0, 1, scope=Scope(group="depot"))
    assert grid.groups == ["depot"]
    assert world.waiting("replan") == []
    assert world.signals.wanted_of(Scope(group="depot")) is None


@pytest.mark.parametrize("effects", [1, 2])
def test_whoever_dies_after_the_signals_write_leaves_the_plans_to_the_sweep(
    world: World, grid: Grid, effects: int
) -> None:
    world.receive()
    world.deliver()
    world.life.left = effects
    with pytest.raises(ProcessDied):
        grid.announce(SignalKind.CAP, 6000, 0, 12)
    world.life.left = None
    world.messages.clear()
    assert grid.replans.sweep(world.now) == 0, "whoever wrote it may still be at it"
    world.pass_time(minutes=2)
    assert grid.replans.sweep(world.now) == 1
    grid.work()
    assert {power_w for _, _, power_w in charging(world)} == {6000}
    world.pass_time(minutes=2)
    assert grid.replans.sweep(world.now) == 0


def test_every_change_of_a_signal_is_told_in_a_trail_that_hangs_together(world: World, grid: Grid) -> None:
    signal = grid.announce(SignalKind.CAP, 6000, 0, 1)
    assert grid.announcements.announce(replace(signal, revision=0), ALICE) == signal, "the same again is no second one"
    changed = grid.announcements.change(replace(signal, end_at=PLUG_IN + 2 * HOUR), ALICE, seen=1)
    grid.announcements.withdraw("s", ALICE, seen=changed.revision)
    entries = grid.trail.entries(TRAIL, limit=9)
    assert [each.action.value for each in entries] == ["signal_withdrawn", "signal_changed", "signal_announced"]
    assert [each.name for each in entries[1].changes] == ["s.end_at"]
    assert grid.trail.verify(TRAIL).problems == ()


def test_a_plan_looks_at_signals_up_to_a_midnight_so_that_a_cap_without_an_end_moves_once_a_day() -> None:
    departure_at = datetime(2026, 1, 16, 6, tzinfo=PLUG_IN.tzinfo)
    ends = {held_until(departure_at, departure_at - minutes * timedelta(minutes=15)) for minutes in range(40)}
    assert ends == {datetime(2026, 1, 18, tzinfo=PLUG_IN.tzinfo)}

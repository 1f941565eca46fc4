"""What a session that is over teaches, and how the next one is planned by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from offpeak.habits.model import Visit
from offpeak.habits.store import Charger
from offpeak.partners.model import PlanningDefaults
from offpeak.planning.plan import Plan, ReasonCode
from tests.profiles.world import ProcessDied, World
from tests.sessions.builders import KEY, PLUG_IN, a_patch, a_put, at, period

HERE = Charger(KEY.partner_id, "E1")
HOUR = timedelta(hours=1)
USUAL = [Visit(PLUG_IN - n * 24 * HOUR, PLUG_IN - n * 24 * HOUR + 14 * HOUR, 10.0) for n in range(1, 13)]
"""Every evening from 18:00 to 08:00 of Berlin's clock."""


def has_learnt(world: World, visits: list[Visit] = USUAL) -> None:
    for n, visit in enumerate(visits):
        world.habits.learn(HERE, f"past-{n}", visit, "Europe/Berlin", at=world.real_now)


def plan_of(world: World) -> Plan:
    outcome = world.plan()
    assert outcome is not None
    assert outcome.plan is not None
    return outcome.plan


def end(world: World, hours: float, kwh: float, status: str = "COMPLETED") -> None:
    world.pass_time(hours=hours)
    ended_at = at(hours * 60)
    world.receive(a_patch(hours * 60, status=status, kwh=Decimal(str(kwh)), end_date_time=ended_at))
    world.plan()


def visits(world: World, arrived_at: datetime = PLUG_IN) -> tuple[Visit, ...]:
    return world.habits.past(HERE, arrived_at, "Europe/Berlin").own


def test_a_session_that_ends_is_learnt(world: World) -> None:
    world.change_partner(planning=PlanningDefaults(smart_charging=False))
    world.receive()
    world.plan()
    end(world, hours=5, kwh=12)
    assert visits(world) == (Visit(PLUG_IN, at(300), 12.0),)


def test_the_next_session_is_planned_by_what_was_learnt(world: World) -> None:
    has_learnt(world)
    world.receive()
    plan = plan_of(world)
    assert plan.reason.code is ReasonCode.HABITS
    assert plan.reason.facts["visits"] == len(USUAL)
    assert plan.need_kwh == 10
    [block] = plan.blocks
    assert block.start_at == at(8 * 60)
    assert block.end_at >= at(9 * 60), "cheap hours for the rare car that needs more cost nothing"


def test_what_was_drawn_is_needed_no_more(world: World) -> None:
    has_learnt(world)
    world.receive(a_put(0, kwh=Decimal(4)))
    assert plan_of(world).need_kwh == 6


def test_a_state_of_charge_wins(world: World) -> None:
    has_learnt(world)
    world.receive(a_put(0, period(0, STATE_OF_CHARGE=50, ENERGY=0)))
    plan = plan_of(world)
    assert plan.reason.code is not ReasonCode.HABITS
    assert plan.departure_at == at(13 * 60)


def test_without_any_visits_the_defaults_hold(world: World) -> None:
    has_learnt(world, [])
    world.receive()
    assert plan_of(world).departure_at == at(13 * 60)


def test_a_partner_whose_habits_are_not_to_be_learnt_has_none(world: World) -> None:
    has_learnt(world)
    world.change_partner(planning=PlanningDefaults(learn=False))
    world.receive()
    assert plan_of(world).reason.code is not ReasonCode.HABITS
    end(world, hours=5, kwh=12)
    assert len(visits(world)) == len(USUAL)


def test_the_dial_decides_how_much_is_risked(world: World) -> None:
    some_leave_early = [replace(each, left_at=each.arrived_at + 3 * HOUR) for each in USUAL[:2]] + USUAL[2:]
    has_learnt(world, some_leave_early)
    world.receive()
    world.change_partner(planning=PlanningDefaults(care_eur=Decimal(0)))
    assert plan_of(world).blocks[0].start_at == at(8 * 60)
    world.change_partner(planning=PlanningDefaults(care_eur=Decimal(20)))
    world.receive(a_patch(5, kwh=Decimal("0.1")))
    assert plan_of(world).blocks[0].start_at < at(3 * 60)


def test_a_car_that_leaves_while_it_is_held_back_teaches_no_small_need(world: World) -> None:
    world.receive()
    world.plan()
    end(world, hours=5, kwh=1)
    assert [visit.is_cut for visit in visits(world)] == [True]


def test_a_car_that_was_full_before_the_end_teaches_its_need(world: World) -> None:
    world.receive()
    world.plan()
    world.deliver()
    world.results()
    full = (period(480, POWER=11), period(495, POWER=0), period(510, POWER=0))
    world.pass_time(minutes=515)
    world.receive(a_patch(515, *full, kwh=Decimal(3)))
    world.plan()
    end(world, hours=1, kwh=3)
    assert [(visit.kwh, visit.is_cut) for visit in visits(world)] == [(3.0, False)]


@pytest.mark.parametrize(
    "fields",
    [{"kwh": 0.2}, {"kwh": 5, "hours": 0.1}, {"kwh": 5, "status": "INVALID"}],
    ids=["too small", "too short", "invalid"],
)
def test_what_tells_of_a_fault_is_not_learnt(world: World, fields: dict[str, Any]) -> None:
    world.receive()
    world.plan()
    end(world, **{"hours": 5.0, **fields})
    assert visits(world) == ()


def test_users_of_a_charger_are_told_apart_by_a_mark(world: World) -> None:
    world.receive(a_put(0, cdr_token='{"uid": "04A2B3C4", "type": "RFID", "contract_id": "NL-X"}'))
    world.plan()
    end(world, hours=5, kwh=5)
    assert [visit.user for visit in visits(world)] == [HERE.user_mark("04A2B3C4")]


@pytest.mark.parametrize("token", ["null", "[]", "{", '{"uid": 5}', '{"uid": ""}'])
def test_a_token_that_tells_no_user_hurts_nobody(world: World, token: str) -> None:
    world.receive(a_put(0, cdr_token=token))
    world.plan()
    end(world, hours=5, kwh=5)
    assert [visit.user for visit in visits(world)] == [""]


def test_wherever_a_process_dies_the_visit_is_learnt_once(world: World) -> None:
    world.receive()
    world.plan()
    world.pass_time(hours=5)
    world.receive(a_patch(300, status="COMPLETED", kwh=Decimal(5), end_date_time=at(300)))
    for lived in range(10):
        world.life.left = lived
        try:
            world.plan()
        except ProcessDied:
            continue
        finally:
            world.life.left = None
        break
    assert len(visits(world)) == 1
    assert world.plan() is None

"""What tenants are told of their drivers' sessions, from what happens to the rows that are to be published."""

from __future__ import annotations

from datetime import time
from decimal import Decimal

import pytest

from offpeak.events.model import Event
from offpeak.events.rows import event_from, stream_key
from offpeak.pairing.model import Held
from offpeak.profiles.events import stream_of
from tests.pairing.builders import CHARGER
from tests.profiles.paired import hold, pair, set_to
from tests.profiles.world import ProcessDied, World
from tests.sessions.builders import KEY, a_patch, at, period


def told(world: World) -> list[Event]:
    """What was told of the charger so far, each event once, in no order."""
    rows = world.events.query("pk = :pk", {":pk": stream_key(stream_of(CHARGER))})
    return list({row["event_id"]: event_from(row) for row in rows}.values())


def kinds(world: World) -> list[str]:
    return sorted(each.kind.value for each in told(world))


def confirm(world: World) -> None:
    world.deliver()
    world.results()


def the(world: World, kind: str) -> Event:
    (event,) = [each for each in told(world) if each.kind.value == kind]
    return event


def test_a_session_that_starts_is_told_with_its_plan(world: World) -> None:
    pair(world, departures={4: time(5)})
    world.receive()
    world.plan()
    assert kinds(world) == ["session.planned", "session.started"]
    event, plan = the(world, "session.planned"), world.standing.plan
    assert plan is not None
    assert event.stream == stream_of(CHARGER)
    assert event.data["session_id"] == KEY.session_id
    assert isinstance(event.data["plan"], dict)
    assert event.data["plan"]["text"] == plan.reason.text
    assert event.data["plan"]["departure_at"] == "2026-01-16T04:00:00.000Z"
    assert [each["charger_id"] for each in world.waiting("events")] == [CHARGER.charger_id] * 2


def test_what_the_charger_took_and_what_it_refused_is_told_once(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)
    assert the(world, "profile.confirmed").data["request_id"] == world.newest.request_id
    set_to(world, departures={4: time(2)})
    world.plan()
    world.deliver()
    url = world.cpo.awaited.pop(0)
    world.result(url, {"result": "REJECTED"})
    world.result(url, {"result": "REJECTED"})
    failed = the(world, "profile.failed")
    assert (failed.data["state"], failed.data["result"]) == ("rejected", "REJECTED")


def test_a_profile_without_a_result_has_failed(world: World) -> None:
    pair(world)
    world.receive()
    world.deliver()
    world.pass_time(minutes=2)
    world.sweep()
    assert the(world, "profile.failed").data["state"] == "unknown"


def test_a_plan_that_moves_is_told_and_one_that_stays_is_not(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.plan()
    assert "session.plan_changed" not in kinds(world)
    set_to(world, departures={4: time(2)})
    world.plan()
    changed = the(world, "session.plan_changed")
    assert isinstance(changed.data["plan"], dict)
    assert changed.data["plan"]["departure_at"] == "2026-01-16T01:00:00.000Z"


def test_smart_charging_off_is_a_plan_that_is_gone(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)
    set_to(world, smart_charging=False)
    world.plan()
    changed = the(world, "session.plan_changed")
    assert (changed.data["plan"], changed.data["unmanaged"]) == (None, "smart_charging_off")


def test_a_car_that_has_what_it_needs_is_told_once(world: World) -> None:
    pair(world, need_kwh=Decimal(5))
    world.receive()
    confirm(world)
    for minutes in (60, 65):
        world.pass_time(minutes=minutes)
        world.receive(a_patch(minutes, period(minutes - 1, ENERGY=0), kwh=Decimal(5)))
        world.plan()
    assert kinds(world).count("session.ready") == 1
    assert the(world, "session.ready").data["delivered_kwh"] == 5
    set_to(world, need_kwh=Decimal(9))
    world.plan()
    set_to(world, need_kwh=Decimal(5))
    world.plan()
    assert kinds(world).count("session.ready") == 2


def test_a_session_that_is_over_is_finished_once(world: World) -> None:
    pair(world)
    world.receive()
    world.plan()
    for _ in range(2):
        world.receive(a_patch(60, status="COMPLETED", end_date_time=at(60), kwh=Decimal(4)))
        world.sessions.allow_discharge(KEY, allowed=True, now=world.now, received_at=world.real_now)
        world.plan()
    finished = the(world, "session.finished")
    assert (finished.data["delivered_kwh"], finished.data["end_at"]) == (4, "2026-01-15T18:00:00.000Z")


def test_of_an_evse_that_nobody_paired_nothing_is_told(world: World) -> None:
    world.receive()
    confirm(world)
    assert world.newest.result is not None
    assert list(world.events.query("pk = :pk", {":pk": stream_key(stream_of(CHARGER))})) == []
    assert world.waiting("events") == []


def test_after_it_was_unpaired_nothing_is_told_of_its_session(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)
    before = kinds(world)
    hold(world, Held.RELEASED, None)
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    confirm(world)
    world.receive(a_patch(60, status="COMPLETED", end_date_time=at(60), kwh=Decimal(4)))
    world.plan()
    assert kinds(world) == before


def test_who_dies_before_an_event_is_announced_has_written_it_or_done_nothing(world: World) -> None:
    pair(world)
    world.receive()
    world.life.left = 0
    seen = 0
    while True:
        world.life.left = seen
        try:
            world.plan()
        except ProcessDied:
            world.life.left = None
            is_planned = world.standing.newest_request_id is not None
            assert kinds(world) == (["session.planned", "session.started"] if is_planned else [])
            seen += 1
            continue
        break
    world.life.left = None
    assert kinds(world) == ["session.planned", "session.started"]
    assert seen >= 2


def test_an_id_tells_nothing_and_is_the_same_again(world: World) -> None:
    pair(world)
    world.receive()
    world.plan()
    started = the(world, "session.started")
    assert KEY.session_id not in started.event_id
    assert started.event_id.startswith("evt_")
    assert len({each.event_id for each in told(world)}) == 2


@pytest.mark.parametrize("is_paired", [True, False])
def test_a_driver_who_pairs_while_a_car_charges_is_told_from_then_on(world: World, is_paired: bool) -> None:
    world.receive()
    confirm(world)
    if is_paired:
        pair(world, departures={4: time(2)})
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.plan()
    assert kinds(world) == (["session.plan_changed", "session.started"] if is_paired else [])

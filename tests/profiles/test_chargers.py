"""What a driver's app changes and sees, from the tables to the plan and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

from offpeak.aws.tables import LARGEST_TRANSACTION, Put
from offpeak.errors import OutOfDate, UnknownObject
from offpeak.pairing.model import Charger, DriverSettings, MoneyUnit, Why
from offpeak.pairing.ownership import OwnershipStore
from offpeak.pairing.unpair import Unpairer, unpair
from offpeak.pairing.users import LocationChange
from offpeak.pairing.wish import Wishes, causes_at, change_location, change_settings
from offpeak.profiles.ask_again import EVER
from offpeak.profiles.chargers import Reader, chargers_of, driver_of, show_charger, show_visit, visits_of
from offpeak.profiles.for_apps import OFFLINE_AFTER
from offpeak.profiles.model import RequestKind
from offpeak.sessions.model import SessionKey
from offpeak.sessions.store import SHARDS
from tests.pairing.builders import CHARGER, USER, charger, location, station
from tests.profiles.paired import pair
from tests.profiles.world import ProcessDied, World
from tests.sessions.builders import KEY, a_patch, a_put, at, period


def wishes(world: World) -> Wishes:
    return Wishes(world.accounts, world.sessions, world.plan_queue, lambda: world.now, lambda: world.real_now)


def wish(world: World, seen: int | None = None, **said: Any) -> Charger:
    change: Callable[[DriverSettings], DriverSettings] = lambda settings: replace(settings, **said)  # noqa: E731
    return change_settings(CHARGER, change, wishes(world), seen=seen)


def confirm(world: World) -> None:
    world.deliver()
    world.results()


def reader(world: World) -> Reader:
    return Reader(world.accounts, world.sessions, world.profiles, world.partners, world.sites)


def shown(world: World) -> dict[str, Any]:
    driver = driver_of(world.accounts.known(USER), CHARGER)
    return show_charger(driver, reader(world), world.now)


def visit(world: World, session_id: str = KEY.session_id) -> dict[str, Any]:
    driver = driver_of(world.accounts.known(USER), CHARGER)
    return show_visit(driver, session_id, reader(world), world.now)


def is_wanted(world: World) -> bool:
    return any(list(world.sessions.wanting(shard, EVER, world.now, 9)) for shard in range(SHARDS))


def test_a_change_of_settings_plans_the_running_session_at_once(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)
    before = world.newest
    assert wish(world, departures={4: time(2)}).settings_revision == 1
    confirm(world)
    assert world.newest.request_id != before.request_id
    assert world.standing.plan is not None
    assert world.standing.plan.departure_at == datetime(2026, 1, 16, 1, tzinfo=UTC)


def test_a_change_of_the_location_plans_what_runs_there(world: World) -> None:
    world.change_partner(planning=replace(world.partner.planning, phases=3))
    pair(world)
    world.receive()
    confirm(world)
    said = LocationChange(connection_limit_a=10)
    assert change_location(USER, "loc_1", said, wishes(world), world.own_markets, seen=1).connection_limit_a == 10
    confirm(world)
    assert world.standing.plan is not None
    assert world.standing.plan.max_power_w == 6_900


def test_what_runs_at_a_large_station_is_planned_anew_though_not_all_fits_one_transaction(world: World) -> None:
    paired, keys = pair(world), [SessionKey(KEY.partner_id, f"s-{number}") for number in range(110)]
    for key in keys:
        row = {"pk": key.text, "sk": "SESSION", "plan_wanted": 1, "active_shard": "0"}
        world.sessions._table.write(Put(row))
    world.accounts.save_charger(replace(paired, open_sessions=tuple(key.session_id for key in keys)))
    wish(world, smart_charging=False)
    assert {world.sessions.plan_wanted(key) for key in keys} == {2}
    for number in range(LARGEST_TRANSACTION):
        key = replace(paired.key, charger_id=f"chg_x{number}")
        world.accounts.save_charger(replace(paired, key=key, open_sessions=(), revision=0))
    said = LocationChange(connection_limit_a=10)
    change_location(USER, "loc_1", said, wishes(world), world.own_markets, seen=1)
    assert {world.sessions.plan_wanted(key) for key in keys} == {3}


@pytest.mark.parametrize("effects", [0, 1])
def test_who_dies_while_settings_change_has_changed_nothing_or_left_it_to_the_sweep(world: World, effects: int) -> None:
    pair(world)
    world.receive()
    confirm(world)
    world.life.left = effects
    with pytest.raises(ProcessDied):
        wish(world, smart_charging=False)
    world.life.left = None
    found = world.accounts.charger(CHARGER)
    assert found is not None
    assert found.settings.smart_charging is (effects == 0)
    assert is_wanted(world) is (effects == 1)
    world.pass_time(minutes=2)
    world.sweep()
    world.deliver()
    assert (world.newest.kind is RequestKind.CLEAR) is (effects == 1)


def unpairer_that_dies(world: World) -> Unpairer:
    """One that dies when its transaction is done."""

    def dies(_: str, __: Sequence[str]) -> None:
        raise ProcessDied

    return Unpairer(
        world.accounts,
        OwnershipStore(world.ownership),
        world.outbox,
        lambda chargers: causes_at(chargers, wishes(world)),
        dies,
        lambda: world.real_now,
        lambda: "unp_1",
    )


def test_who_dies_after_an_unpairing_leaves_it_to_the_sweep_to_give_the_neighbours_their_larger_shares(
    world: World,
) -> None:
    world.change_partner(planning=replace(world.partner.planning, phases=3))
    pair(world, location(connection_limit_a=20))
    beside = charger(replace(CHARGER, charger_id="chg_2"), station=station(KEY.partner_id, "E2"))
    world.accounts.save_charger(beside)
    world.receive()
    confirm(world)
    assert world.standing.plan is not None
    assert world.standing.plan.max_power_w == 6_900, "half of 20 A"
    with pytest.raises(ProcessDied):
        unpair(beside.key, Why.APP, unpairer_that_dies(world), now=world.now)
    world.pass_time(minutes=2)
    world.sweep()
    confirm(world)
    assert world.standing.plan.max_power_w == 11_040


def test_who_dies_after_an_unpairing_leaves_it_to_the_sweep_to_clear_the_profile(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)

    with pytest.raises(ProcessDied):
        unpair(CHARGER, Why.APP, unpairer_that_dies(world), now=world.now)
    world.pass_time(minutes=2)
    world.sweep()
    world.deliver()
    assert world.newest.kind is RequestKind.CLEAR


def test_a_first_plan_that_meets_a_change_of_settings_holds_it(world: World) -> None:
    """Whichever of both is first, the charger ends with the plan of the new settings."""
    pair(world)
    for round_ in range(5):
        world.receive(replace(a_put(0), key=replace(KEY, session_id=f"S-{round_}")))
        key = replace(KEY, session_id=f"S-{round_}")
        need = Decimal(10 + round_)
        both = [Thread(target=world.plan, args=(key,)), Thread(target=wish, args=(world,), kwargs={"need_kwh": need})]
        for each in both:
            each.start()
        for each in both:
            each.join()
        world.deliver()
        plan = world.profiles.standing(key).plan
        assert plan is not None
        assert plan.need_kwh == need


def test_settings_that_have_changed_since_they_were_read_are_not_overwritten(world: World) -> None:
    pair(world)
    wish(world, need_kwh=Decimal(9))
    with pytest.raises(OutOfDate):
        wish(world, seen=0, need_kwh=Decimal(8))
    assert wish(world, seen=1, need_kwh=Decimal(8)).settings_revision == 2


def test_a_session_that_comes_and_goes_is_no_change_of_settings(world: World) -> None:
    pair(world)
    world.receive()
    world.plan()
    assert wish(world, seen=0, need_kwh=Decimal(8)).settings_revision == 1


def test_what_changes_nothing_asks_for_no_plan(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)
    wish(world)
    assert not is_wanted(world)


def test_a_session_that_is_kept_no_more_holds_up_no_change(world: World) -> None:
    paired = pair(world)
    world.accounts.save_charger(replace(paired, open_sessions=("gone",)))
    assert wish(world, need_kwh=Decimal(8)).settings.need_kwh == 8


def test_nobody_changes_a_charger_that_is_not_there(world: World) -> None:
    with pytest.raises(UnknownObject):
        wish(world, need_kwh=Decimal(8))


def test_a_charger_says_what_it_does_and_since_when(world: World) -> None:
    pair(world)
    assert (shown(world)["state"], shown(world)["since"]) == ("waiting_for_session", "2026-01-01T01:00:00.000+01:00")
    world.receive(a_put(0, period(0, ENERGY=0)))
    world.plan()
    assert shown(world)["state"] == "suspended"
    world.pass_time(minutes=10)
    world.receive(a_patch(10, period(5, POWER=7)))
    world.pass_time(minutes=5)
    world.receive(a_patch(15, period(10, POWER=7)))
    charging = shown(world)
    assert (charging["state"], charging["since"]) == ("charging", "2026-01-15T18:10:00.000+01:00")
    world.pass_time(hours=2)
    offline = shown(world)
    assert (offline["state"], offline["since"]) == ("offline", "2026-01-15T18:15:00.000+01:00")
    world.receive(a_patch(130, status="COMPLETED", end_date_time=at(120)))
    world.plan()
    finished = shown(world)
    assert (finished["state"], finished["since"]) == ("finished", "2026-01-15T20:00:00.000+01:00")
    assert finished["session_id"] == KEY.session_id


def test_a_charger_is_not_offline_as_long_as_something_was_heard_within_the_hour(world: World) -> None:
    pair(world)
    world.receive(a_put(0, period(0, POWER=7)))
    world.plan()
    world.now += OFFLINE_AFTER
    assert shown(world)["state"] == "charging"


def test_a_session_shows_its_plan_its_reason_and_the_life_of_its_profiles(world: World) -> None:
    pair(world, money_unit=MoneyUnit.CENT)
    world.receive()
    confirm(world)
    found = visit(world)
    plan = world.standing.plan
    assert plan is not None
    assert found["plan"]["text"] == plan.reason.text
    assert found["plan"]["saving"] == {"amount": plan.saving_eur * 100, "unit": "CENT"}
    assert [each["power_w"] for each in found["plan"]["blocks"]] == [each.power_w for each in plan.blocks]
    assert [(each["state"], set(each["steps"])) for each in found["profiles"]] == [
        ("charger_accepted", {"received", "planned", "sent", "answered", "confirmed"})
    ]
    assert found["unmanaged"] is None


def test_a_session_that_is_not_managed_says_why(world: World) -> None:
    pair(world, smart_charging=False)
    world.receive()
    world.plan()
    assert visit(world)["unmanaged"]["reason"] == "smart_charging_off"
    assert visit(world)["plan"] is None


def test_nobody_sees_a_session_of_another_charger(world: World) -> None:
    pair(world)
    world.receive()
    world.plan()
    elsewhere = SessionKey(KEY.partner_id, "S-2")
    world.receive(replace(a_put(0, evse_uid="E2"), key=elsewhere))
    world.plan(elsewhere)
    for session_id in ("S-2", "unheard of", "x" * 2000):
        with pytest.raises(UnknownObject):
            visit(world, session_id)


def test_chargers_are_listed_by_their_pairing_and_sessions_newest_first(world: World) -> None:
    pair(world)
    world.accounts.save_charger(
        charger(replace(CHARGER, charger_id="chg_0"), station=station(KEY.partner_id, "E9"), paired_at=at(0))
    )
    world.receive()
    world.plan()
    listed, _ = chargers_of(world.accounts.known(USER), None, 9, reader(world), world.now)
    assert [each["charger_id"] for each in listed] == ["chg_1", "chg_0"]
    driver = driver_of(world.accounts.known(USER), CHARGER)
    sessions, end = visits_of(driver, None, 9, reader(world))
    assert ([each["session_id"] for each in sessions], end) == ([KEY.session_id], None)

"""Sessions at EVSEs that a driver has paired, in the real embedded database."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from offpeak.aws.tables import Put
from offpeak.errors import InvalidMessage
from offpeak.events.rows import stream_key
from offpeak.pairing.model import ChargerKey, Claimed, Held, Ownership, User, UserKey
from offpeak.pairing.rows import ownership_row
from offpeak.pairing.wish import Wishes, change_settings
from offpeak.partners.model import Flags, PlanningDefaults
from offpeak.planning.plan import Plan, ReasonCode
from offpeak.prices.model import Tariff, TariffKind
from offpeak.profiles.events import stream_of
from offpeak.profiles.model import RequestKind
from tests.pairing.builders import CHARGER, charger, location, station
from tests.profiles.paired import SINCE, hold, pair, set_to
from tests.profiles.test_habits import has_learnt
from tests.profiles.test_plan_group import Site
from tests.profiles.world import ProcessDied, World
from tests.sessions.builders import KEY, a_patch, a_put, at


def plan_of(world: World) -> Plan:
    outcome = world.plan()
    assert outcome is not None
    assert outcome.plan is not None
    return outcome.plan


def why(world: World) -> str:
    outcome = world.plan()
    assert outcome is not None
    return outcome.intent.why


def confirm(world: World) -> None:
    world.deliver()
    world.results()


def test_a_session_is_planned_by_the_drivers_settings(world: World) -> None:
    pair(world, departures={4: time(5)}, need_kwh=Decimal(11))
    world.receive()
    plan = plan_of(world)
    assert plan.departure_at == datetime(2026, 1, 16, 4, tzinfo=UTC)
    assert plan.need_kwh == 11
    assert plan.reason.facts["need_from"] == "TOLD"


def test_a_change_of_settings_moves_the_running_plan(world: World) -> None:
    pair(world, departures={4: time(5)})
    world.receive()
    confirm(world)
    set_to(world, departures={4: time(2)})
    assert why(world) == "changed"
    assert world.newest.kind is RequestKind.SET
    assert world.standing.plan is not None
    assert world.standing.plan.departure_at == datetime(2026, 1, 16, 1, tzinfo=UTC)


def test_a_boost_charges_at_once(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)
    set_to(world, boost_until=at(60))
    plan = plan_of(world)
    assert plan.blocks[0].start_at == at(0)
    assert plan.reason.facts["boosted"] is True


def test_smart_charging_off_takes_the_profile_away(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)
    set_to(world, smart_charging=False)
    assert why(world) == "smart_charging_off"
    assert world.newest.kind is RequestKind.CLEAR


def test_whoever_pairs_an_evse_anew_gets_nothing_of_the_session_of_the_driver_before_him(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)
    other = ChargerKey(UserKey("other-tenant", "usr_bob"), "chg_bob")
    world.accounts.save_user(User(other.user, SINCE))
    world.accounts.save_location(other.user, location())
    world.accounts.save_charger(charger(other, station=station(KEY.partner_id, "E1"), paired_at=at(30)))
    anew = Ownership(KEY.partner_id, Claimed("e1"), Held.OWNED, other, "claim-2", at(30), released_at=at(20), version=2)
    world.ownership.write(Put(ownership_row(anew)))
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    assert why(world) == "unpaired"
    assert world.newest.kind is RequestKind.CLEAR
    assert world.standing.charger == CHARGER
    his = world.accounts.charger(other)
    assert his is not None
    assert his.open_sessions == ()


def test_an_evse_that_was_unpaired_is_left_alone_whatever_the_partners_settings(world: World) -> None:
    pair(world)
    world.receive()
    confirm(world)
    hold(world, Held.RELEASED, None)
    world.sessions.want_plan(world.newest.key, now=world.now, received_at=world.real_now)
    assert why(world) == "unpaired"
    assert world.newest.kind is RequestKind.CLEAR


def test_a_charger_whose_row_is_gone_counts_as_unpaired(world: World) -> None:
    hold(world, Held.OWNED, CHARGER)
    world.receive()
    assert why(world) == "unpaired"


@pytest.mark.parametrize(("is_paired", "reason"), [(True, "first"), (False, "not_paired")])
def test_of_a_partner_with_only_paired_those_are_managed_that_somebody_paired(
    world: World, is_paired: bool, reason: str
) -> None:
    world.change_partner(flags=Flags(only_paired=True))
    if is_paired:
        pair(world)
    world.receive()
    assert why(world) == reason


def test_the_drivers_tariff_is_what_a_kwh_costs(world: World) -> None:
    pair(world, location(tariff=Tariff(TariffKind.FIXED, fixed_eur_per_kwh=Decimal("0.20"))), need_kwh=Decimal(10))
    world.receive()
    assert plan_of(world).cost_eur == Decimal("2.0200")  # the need, and 0.1 kWh more before the pause


def test_the_connection_bounds_the_power_and_is_shared_by_all_chargers_there(world: World) -> None:
    world.change_partner(planning=PlanningDefaults(phases=3))
    paired = pair(world, location(connection_limit_a=20))
    beside, away = (replace(paired, key=replace(CHARGER, charger_id=name), revision=0) for name in ("chg_8", "chg_9"))
    world.accounts.save_charger(beside)
    world.accounts.save_charger(replace(away, location_id="loc_9"))
    world.receive()
    assert plan_of(world).max_power_w == 6_900


def test_habits_tell_the_need_of_a_driver_who_said_when_he_leaves(world: World) -> None:
    has_learnt(world)
    paired = pair(world, departures={4: time(5)})
    world.accounts.save_charger(replace(paired, paired_at=at(0) - timedelta(days=300)))
    world.receive()
    plan = plan_of(world)
    assert plan.reason.code is ReasonCode.HABITS
    assert (plan.departure_at, plan.need_kwh) == (datetime(2026, 1, 16, 4, tzinfo=UTC), 10)


def test_a_driver_is_not_planned_by_the_habits_of_whoever_had_the_charger_before(world: World) -> None:
    has_learnt(world)
    paired = pair(world, departures={4: time(5)})
    world.accounts.save_charger(replace(paired, paired_at=at(-1)))
    world.receive()
    assert plan_of(world).reason.code is not ReasonCode.HABITS


def end(world: World, minutes: float = 60) -> None:
    world.receive(a_patch(minutes, status="COMPLETED", end_date_time=at(minutes), kwh=Decimal(4)))


def test_a_charger_names_its_open_sessions_and_lists_all(world: World) -> None:
    paired = pair(world)
    world.receive()
    world.plan()
    assert named(world) == ("s-1",)
    assert world.profiles.sessions_of(paired.key, None, 9) == ([KEY], None)
    end(world)
    world.plan()
    assert named(world) == ()
    assert world.profiles.sessions_of(paired.key, None, 9) == ([KEY], None)


def named(world: World) -> tuple[str, ...]:
    charger = world.accounts.charger(CHARGER)
    assert charger
    return charger.open_sessions


def test_a_session_that_was_silent_is_named_anew_when_it_is_heard_of(world: World) -> None:
    pair(world)
    world.receive()
    world.plan()
    world.pass_time(days=8)
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.plan()
    assert named(world) == ()
    world.receive(a_patch(8 * 24 * 60, kwh=Decimal(1)))
    world.plan()
    assert named(world) == ("s-1",)


def test_a_session_before_the_pairing_is_not_the_drivers(world: World) -> None:
    world.receive(a_put(0, status="COMPLETED", end_date_time=at(60), kwh=Decimal(4)))
    hold(world, Held.OWNED, CHARGER)
    world.accounts.save_charger(charger(station=station(KEY.partner_id, "E1"), paired_at=at(1)))
    world.plan()
    assert world.profiles.sessions_of(CHARGER, None, 9) == ([], None)


def test_sessions_are_listed_newest_first_page_by_page_and_a_place_in_another_list_is_refused(world: World) -> None:
    paired = pair(world)
    for day in range(3):
        key = replace(KEY, session_id=f"S-{day}")
        put = a_put(day * 1440, start_date_time=at(day * 1440), status="COMPLETED", end_date_time=at(day * 1440 + 60))
        world.receive(replace(put, key=key))
        world.plan(key)
    first, place = world.profiles.sessions_of(paired.key, None, 2)
    rest, end_of_list = world.profiles.sessions_of(paired.key, place, 2)
    assert ([each.session_id for each in first + rest], end_of_list) == (["S-2", "S-1", "S-0"], None)
    with pytest.raises(InvalidMessage):
        world.profiles.sessions_of(replace(paired.key, charger_id="chg_2"), place, 2)


def test_a_new_owner_gets_the_session_that_runs_and_none_that_is_over(world: World) -> None:
    pair(world)
    world.receive()
    world.plan()
    other = replace(CHARGER, charger_id="chg_2")
    world.accounts.save_charger(charger(other, station=station(KEY.partner_id, "E1")))
    hold(world, Held.OWNED, other)
    world.sessions.want_plan(KEY, now=world.now, received_at=world.real_now)
    world.plan()
    assert world.profiles.sessions_of(CHARGER, None, 9) == ([], None)
    assert world.profiles.sessions_of(other, None, 9) == ([KEY], None)


def test_whoever_dies_while_a_session_ends_lets_its_charger_go_the_next_time(world: World) -> None:
    pair(world)
    world.receive()
    world.plan()
    end(world)
    world.life.left = 2  # what was learnt, and the charger's row
    with pytest.raises(ProcessDied):
        world.plan()
    world.life.left = None
    assert world.plan() is not None
    assert named(world) == ()


def test_behind_a_shared_limit_a_driver_has_his_word_for_both_evses_of_his_station(world: World) -> None:
    site = Site(world, 3, 40_000)
    paired = pair(world, departures={4: time(5)}, need_kwh=Decimal(11))
    world.ownership.write(Put(ownership_row(Ownership(KEY.partner_id, Claimed("E2"), Held.OWNED, CHARGER, "c", SINCE))))
    site.plug_in(1, 2, 3)
    site.settle()
    plans = [site.standing(number).plan for number in (1, 2, 3)]
    assert [each and each.need_kwh for each in plans] == [11, 11, 30]
    assert [each and each.departure_at for each in plans] == [at(11 * 60), at(11 * 60), at(13 * 60)]
    assert sorted(named(world)) == ["s-1", "s-2"]
    wishes = Wishes(world.accounts, world.sessions, world.plan_queue, lambda: world.now, lambda: world.real_now)
    change_settings(paired.key, lambda settings: replace(settings, need_kwh=Decimal(5)), wishes)
    site.settle()
    plans = [site.standing(number).plan for number in (1, 2, 3)]
    assert [each and each.need_kwh for each in plans] == [5, 5, 30]
    site.tell(1, 60, status="COMPLETED", end_date_time=at(60))
    site.settle()
    assert named(world) == ("s-2",)
    rows = world.events.query("pk = :pk", {":pk": stream_key(stream_of(CHARGER))})
    told = Counter(row["kind"] for row in rows)
    assert (told["session.started"], told["session.planned"], told["session.finished"]) == (2, 2, 1)
    assert told["profile.confirmed"] == 4

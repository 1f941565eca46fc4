"""What a Location and a tariff tell, and what plans make of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from offpeak.locations.model import Address, LocationKey
from offpeak.locations.parse import parse_location_push
from offpeak.locations.receive import receive_location
from offpeak.ocpi.wire_json import read_json, write_json
from offpeak.partners.model import Flags, Party, PlanningDefaults, RateUnit
from offpeak.planning.profile import in_unit
from offpeak.profiles.model import Circuit, RequestState
from offpeak.profiles.outcome import Planned
from offpeak.profiles.sites import NOWHERE
from offpeak.sessions.model import ChargingPeriod
from offpeak.tariffs.model import TariffKey
from offpeak.tariffs.parse import parse_tariff_push
from offpeak.tariffs.receive import receive_tariff
from tests.profiles.world import World
from tests.sessions.builders import KEY, a_patch, a_put, at, period

PARTY = Party("NL", "EXA")

ONE_PHASE = {"id": "1", "power_type": "AC_1_PHASE", "max_voltage": 230, "max_amperage": 32}
CAPABLE = ["CHARGING_PROFILE_CAPABLE"]


def tell_evse(world: World, *connectors: dict[str, Any], capabilities: list[str] | None = None) -> None:
    """The partner tells of the EVSE at which the session charges."""
    address = Address(LocationKey(KEY.partner_id, PARTY, "LOC-1"), "EVSE-1")
    body = read_json(write_json({"connectors": list(connectors), "capabilities": capabilities}))
    told = parse_location_push(body, address, is_whole=True, strict=False, now=world.now)
    receive_location(told, address, world.locations, strict=False)


def tell_tariff(world: World, tariff_id: str, *elements: Any) -> None:
    key = TariffKey(KEY.partner_id, PARTY, tariff_id)
    body = read_json(write_json({"currency": "EUR", "elements": list(elements)}))
    receive_tariff(
        parse_tariff_push(body, key, "2.2.1", is_whole=True, strict=False, now=world.now), key, world.tariffs
    )


def element(price: str, **when: Any) -> dict[str, Any]:
    return {"price_components": [{"type": "ENERGY", "price": Decimal(price), "step_size": 1}], "restrictions": when}


def planned(world: World) -> Planned:
    world.receive(a_put(0, evse_uid="EVSE-1", connector_id="1"))
    outcome = world.plan()
    assert outcome is not None
    return outcome


def test_the_connectors_phases_and_power_are_those_of_the_profile(world: World) -> None:
    """P8"""
    tell_evse(world, ONE_PHASE, capabilities=CAPABLE)
    planned(world)
    profile = world.newest.profile
    assert profile is not None
    assert (profile.unit, [each.limit for each in profile.periods]) == ("A", [Decimal(0), Decimal(32)])
    assert world.newest.circuit == Circuit(phases=1, voltage_v=230, max_power_w=7360)
    assert world.standing.plan is not None
    assert world.standing.plan.max_power_w == 7360


def test_a_dc_charger_gets_watts(world: World) -> None:
    """P8"""
    world.change_partner(planning=PlanningDefaults(phases=3))
    tell_evse(world, {"id": "1", "power_type": "DC", "max_voltage": 500, "max_amperage": 100})
    planned(world)
    profile = world.newest.profile
    assert profile is not None
    assert (profile.unit, profile.periods[-1].limit) == ("W", Decimal(50_000))


def test_an_evse_that_cannot_take_profiles_gets_none_and_the_reason_is_told(world: World) -> None:
    """P12"""
    tell_evse(world, ONE_PHASE, capabilities=["RFID_READER"])
    outcome = planned(world)
    assert (outcome.request, outcome.intent.why) == (None, "evse_not_capable")
    assert world.waiting("send") == []


def test_an_evse_of_which_nothing_is_known_gets_its_profile(world: World) -> None:
    """S6, P12"""
    tell_evse(world, ONE_PHASE, capabilities=["RFID_READER"])
    world.receive(a_put(0, evse_uid="EVSE-2"))
    outcome = world.plan()
    assert outcome is not None
    assert outcome.request is not None
    assert outcome.request.circuit is None


def test_a_profile_that_waits_is_not_sent_once_the_evse_is_told_to_be_incapable(world: World) -> None:
    """P12"""
    planned(world)
    tell_evse(world, ONE_PHASE, capabilities=["RFID_READER"])
    world.pass_time(minutes=1)
    world.receive(a_patch(1, kwh=Decimal(1)))
    world.plan()
    assert (world.newest.state, world.newest.detail) == (RequestState.SUPERSEDED, "evse_not_capable")
    world.deliver()
    assert world.cpo.calls == []


def test_a_strict_partner_that_told_no_capabilities_has_none(world: World) -> None:
    """P12"""
    world.change_partner(flags=Flags(strict=True))
    tell_evse(world, ONE_PHASE)
    assert planned(world).intent.why == "evse_not_capable"


def test_what_the_charger_took_is_counted_by_its_own_phases(world: World) -> None:
    """P3: amperes become watts as the profile was made, for the state that is inferred and for `observed`"""
    tell_evse(world, ONE_PHASE, capabilities=CAPABLE)
    world.prices.cheap_hours = {17}
    planned(world)
    world.deliver()
    world.results()
    assert max(limit_w for _, limit_w in world.standing.limit_w_steps) == 7360
    for minutes, power_kw, state in ((10, 15, RequestState.CHARGER_ACCEPTED), (20, 7, RequestState.OBSERVED)):
        world.pass_time(minutes=10)
        world.receive(a_patch(minutes, period(minutes - 5, POWER=power_kw), evse_uid="EVSE-1"))
        world.plan()
        assert world.newest.state is state, f"{power_kw} kW against 32 A on one phase"


NIGHT = element("0.10", start_time="20:00", end_time="22:00")


@pytest.mark.parametrize(
    ("is_asked", "told_at", "price"),
    [(True, "connector", "0.10"), (True, "period", "0.10"), (False, "connector", "0.05")],
)
def test_the_sessions_own_tariff_is_planned_by_where_the_partner_is_set_so(
    world: World, is_asked: bool, told_at: str, price: str
) -> None:
    world.change_partner(planning=PlanningDefaults(ocpi_tariffs=is_asked, need_kwh=Decimal(5)))
    tell_tariff(world, "T-NIGHT", NIGHT, element("0.40"))
    tell_tariff(world, "T-DAY", element("0.90"))
    connector = {**ONE_PHASE, "tariff_ids": ["T-NIGHT" if told_at == "connector" else "T-DAY"]}
    tell_evse(world, connector, capabilities=CAPABLE)
    if told_at == "period":
        world.receive(
            a_put(0, ChargingPeriod(at(0), {"ENERGY": Decimal(0)}, "T-NIGHT"), evse_uid="EVSE-1", connector_id="1")
        )
        world.plan()
    else:
        planned(world)
    plan = world.standing.plan
    assert plan is not None
    assert round(plan.cost_eur / plan.need_kwh, 2) == Decimal(price)


def test_a_tariff_that_cannot_be_planned_by_leaves_the_partners_own(world: World) -> None:
    world.change_partner(planning=PlanningDefaults(ocpi_tariffs=True, need_kwh=Decimal(5)))
    tell_tariff(world, "T1", NIGHT)
    tell_evse(world, {**ONE_PHASE, "tariff_ids": ["T1", "unheard of"]}, capabilities=CAPABLE)
    planned(world)
    plan = world.standing.plan
    assert plan is not None
    assert plan.blocks[0].start_at.hour == 1, "the cheap hours of the market"


def test_a_charger_is_looked_up_once_in_half_a_minute_and_partners_without_locations_cost_one_read(
    world: World,
) -> None:
    asked: list[str] = []
    table = world.locations._table

    class Counted:
        def __getattr__(self, name: str) -> Any:
            asked.extend([name] if name in ("get_item", "query") else [])
            return getattr(client, name)

    client, table._client = table._client, Counted()
    for minutes in range(3):
        world.receive(a_put(minutes, evse_uid="EVSE-1", kwh=Decimal(minutes)))
        world.plan()
    assert asked == ["get_item"]
    tell_evse(world, ONE_PHASE, capabilities=CAPABLE)
    world.pass_time(seconds=31)
    asked.clear()
    for minutes in range(3, 6):
        world.receive(a_put(minutes, evse_uid="EVSE-1", kwh=Decimal(minutes)))
        world.plan()
    assert asked == ["get_item", "query"]


@pytest.mark.parametrize(
    ("unit", "max_power_w", "phases", "limit"),
    [
        (RateUnit.AMPERE, 3680, 1, "16.0"),
        (RateUnit.AMPERE, 4140, None, "6.0"),
        (RateUnit.WATT, 3680, None, "3680.0"),
    ],
)
def test_in_amperes_a_charger_too_weak_for_three_phases_has_one(
    unit: RateUnit, max_power_w: int, phases: int | None, limit: str
) -> None:
    told = PlanningDefaults(phases=None, max_power_w=max_power_w)
    planning = NOWHERE.fitted(told, Flags(rate_unit=unit))
    assert planning.phases == phases
    assert str(in_unit(Decimal(max_power_w), unit.value, planning.phases, planning.voltage_v)) == limit

"""Locations, tariffs and hub clients are pulled by the same machinery as sessions (CONFORMANCE T9, T10, T11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from offpeak.errors import InvalidMessage
from offpeak.history.begin import list_of, order_run, sync_partner
from offpeak.history.model import MOST_ATTEMPTS, Module, RunKind, RunState, Tally
from offpeak.history.schedule import EVERY, OVERLAP
from offpeak.instants import format_instant
from offpeak.locations.chargers import Chargers
from offpeak.locations.model import Address, Charger, LocationKey
from offpeak.locations.parse import parse_location_push
from offpeak.locations.receive import receive_location
from offpeak.partners.model import Endpoint, PartnerStatus, Party
from offpeak.tariffs.model import TariffKey
from offpeak.tariffs.receive import delete_tariff
from tests.history.world import NOW, PARTNER, PARTY, ListCpo, World, listed
from tests.ocpi.peer import ocpi
from tests.profiles.world import ProcessDied

YEARS_AGO = NOW - timedelta(days=900)
OTHERS = (Module.LOCATIONS, Module.TARIFFS, Module.HUB_CLIENTS)
OWN = {"country_code": PARTY.country_code, "party_id": PARTY.party_id}


def location(number: int, updated_at: datetime = YEARS_AGO, max_amperage: int = 32, **fields: Any) -> dict[str, Any]:
    stamp = {"last_updated": format_instant(updated_at)}
    connector = {"id": "1", "power_type": "AC_1_PHASE", "max_voltage": 230, "max_amperage": max_amperage, **stamp}
    evse = {"uid": f"E{number}", "status": "AVAILABLE", "connectors": [connector], **stamp}
    return {**OWN, "id": f"L{number}", "evses": [evse], **stamp, **fields}


def tariff(number: int, updated_at: datetime = YEARS_AGO, price: float = 0.25) -> dict[str, Any]:
    elements = [{"price_components": [{"type": "ENERGY", "price": price, "step_size": 1}]}]
    stamp = format_instant(updated_at)
    return {**OWN, "id": f"T{number}", "currency": "EUR", "elements": elements, "last_updated": stamp}


def hub_client(number: int, updated_at: datetime = YEARS_AGO, status: str = "CONNECTED") -> dict[str, Any]:
    stamp = format_instant(updated_at)
    return {"country_code": "FR", "party_id": f"X{number:02}", "role": "CPO", "status": status, "last_updated": stamp}


MAKE: dict[Module, Any] = {Module.LOCATIONS: location, Module.TARIFFS: tariff, Module.HUB_CLIENTS: hub_client}


def offer(world: World, module: Module, objects: int = 25) -> ListCpo:
    cpo = world.offer(module)[module]
    cpo.objects = [MAKE[module](number) for number in range(objects)]
    return cpo


def sync(world: World) -> None:
    sync_partner(world.partner, world.begin, world.now)


def charger(world: World, evse_uid: str) -> Charger | None:
    return Chargers(world.locations._table).at(PARTNER, PARTY, evse_uid, "1")


def tariff_key(number: int) -> TariffKey:
    return TariffKey(PARTNER, PARTY, f"T{number}")


@pytest.mark.parametrize("module", OTHERS)
def test_a_list_is_taken_whole_at_first_and_what_changed_later_on(world: World, module: Module) -> None:
    """T9, T11"""
    cpo = offer(world, module)
    sync(world)
    world.run_all()
    run = world.run(module=module)
    assert (run.state, run.tally) == (RunState.DONE, Tally(objects=25, created=25))
    assert "date_from" not in cpo.asked[0]
    assert len(cpo.asked) == 3

    cpo.objects[3] = MAKE[module](3, NOW)
    world.pass_time(seconds=EVERY.total_seconds())
    sync(world)
    world.run_all()
    assert cpo.asked[3]["date_from"] == format_instant(NOW - OVERLAP)
    assert world.run(module=module).tally == Tally(objects=1, updated=1)


def test_what_was_pulled_is_there_for_planning(world: World) -> None:
    offer(world, Module.LOCATIONS, 1)
    offer(world, Module.TARIFFS, 1)
    offer(world, Module.HUB_CLIENTS, 1)
    sync(world)
    world.run_all()
    found, priced = charger(world, "E0"), world.tariffs.for_planning(tariff_key(0))
    assert found is not None
    assert (found.phases, found.max_current_a) == (1, 32)
    assert priced is not None
    assert priced.elements[0].eur_per_kwh == Decimal("0.25")
    assert world.hub_clients.load(PARTNER, Party("FR", "X00")).status == "CONNECTED"


@pytest.mark.parametrize("module", OTHERS)
def test_a_list_that_is_behind_what_was_pushed_changes_nothing(world: World, module: Module) -> None:
    """T14"""
    cpo = offer(world, module, 2)
    sync(world)
    world.run_all()
    cpo.objects = [MAKE[module](number, YEARS_AGO - timedelta(days=1)) for number in range(2)]
    order_run(world.partner, module, None, None, world.begin, NOW)
    world.run_all()
    assert world.run(RunKind.ORDERED, module).tally == Tally(objects=2, unchanged=2)


def test_a_push_that_is_newer_outlives_the_list(world: World) -> None:
    """T14"""
    pushed = location(0, NOW - timedelta(minutes=5), max_amperage=16)
    address = Address(LocationKey(PARTNER, PARTY, "L0"))
    told = parse_location_push(pushed, address, is_whole=True, strict=False, now=NOW)
    receive_location(told, address, world.locations, strict=False)
    offer(world, Module.LOCATIONS, 1)
    sync(world)
    world.run_all()
    found = charger(world, "E0")
    assert found is not None
    assert found.max_current_a == 16


def test_a_tariff_that_was_deleted_stays_so_unless_the_list_has_a_newer_one(world: World) -> None:
    cpo = offer(world, Module.TARIFFS, 2)
    sync(world)
    world.run_all()
    for number in range(2):
        delete_tariff(tariff_key(number), world.tariffs)
    cpo.objects[1] = tariff(1, NOW)
    order_run(world.partner, Module.TARIFFS, None, None, world.begin, NOW)
    world.run_all()
    assert [world.tariffs.load(tariff_key(number)).merged.is_known for number in range(2)] == [False, True]
    assert world.run(RunKind.ORDERED, Module.TARIFFS).tally == Tally(objects=2, created=1, stopped=1)


@pytest.mark.parametrize(
    ("module", "bad", "name", "field"),
    [
        (Module.LOCATIONS, {**location(1), "party_id": "XXX"}, "L1", "party_id"),
        (Module.LOCATIONS, {**location(1), "id": None}, None, "id"),
        (Module.LOCATIONS, {**location(1), "id": "L" * 300}, "L" * 255, "id"),
        (Module.LOCATIONS, {**location(1), "evses": [{}]}, "L1", "evses.0.uid"),
        (Module.TARIFFS, {**tariff(1), "elements": []}, "T1", "elements"),
        (Module.TARIFFS, {**tariff(1), "id": "T" * 300}, "T" * 255, "id"),
        (Module.HUB_CLIENTS, {**hub_client(1), "status": "ASLEEP"}, "FR-X01", "status"),
        (Module.HUB_CLIENTS, {**hub_client(1), "party_id": None}, None, "party_id"),
        (Module.HUB_CLIENTS, {**hub_client(1), "party_id": "TOOLONG"}, "FR-TOOLONG", "party_id"),
        (Module.HUB_CLIENTS, "no object", None, "body"),
    ],
)
def test_a_bad_object_is_reported_and_spoils_nothing(
    world: World, module: Module, bad: Any, name: str | None, field: str
) -> None:
    """T8, T10"""
    body = [MAKE[module](0), bad, MAKE[module](2)]
    offer(world, module, 0).pages = {0: ocpi(body)}
    sync(world)
    world.run_all()
    run = world.run(module=module)
    assert run.tally == Tally(objects=3, created=2, refused=1)
    assert [(each.object_id, each.field) for each in run.samples] == [(name, field)]


def test_lists_are_walked_one_after_the_other(world: World) -> None:
    """T11"""
    lists = world.offer(*OTHERS)
    world.cpo.objects = [listed("S-1")]
    for _ in range(3):
        sync(world)
        assert len(world.messages) == 1
    while world.messages:
        running = [run for run in world.store.runs(PARTNER).values() if run.is_running]
        assert len(running) == 1
        _, message = world.messages.pop(0)
        world.work(message)
    assert [len(each.asked) for each in (world.cpo, *lists.values())] == [1, 1, 1, 1]
    sync(world)
    assert world.messages == []


def test_one_list_that_fails_keeps_no_other_back(world: World) -> None:
    lists = world.offer(Module.LOCATIONS, Module.TARIFFS)
    lists[Module.LOCATIONS].pages = {number: ocpi(http_status=503) for number in range(MOST_ATTEMPTS)}
    sync(world)
    world.run_all()
    states = {module: world.run(module=module).state for module in (Module.SESSIONS, *lists)}
    assert states == {
        Module.SESSIONS: RunState.DONE,
        Module.LOCATIONS: RunState.FAILED,
        Module.TARIFFS: RunState.DONE,
    }


def test_a_walk_through_locations_that_is_killed_anywhere_goes_on_and_ends_the_same(world: World) -> None:
    """T11"""
    cpo = world.offer(Module.LOCATIONS)[Module.LOCATIONS]
    cpo.page_size = 2
    deaths = 0
    for effects in range(1, 30, 4):
        numbers = range(10 * effects, 10 * effects + 5)
        cpo.objects = [location(number) for number in numbers]
        order_run(world.partner, Module.LOCATIONS, None, None, world.begin, NOW)
        world.life.left = effects
        try:
            world.deliver()
        except ProcessDied:
            deaths += 1
            world.life.left = None
            world.real_now += timedelta(minutes=6)  # until SQS shows the message again
            world.deliver()
        world.life.left = None
        run = world.run(RunKind.ORDERED, Module.LOCATIONS)
        assert (run.state, run.tally.objects) == (RunState.DONE, 5)
        assert all(charger(world, f"E{number}") for number in numbers)
    assert deaths > 4


def test_the_list_of_each_party_is_walked_but_that_of_a_hub_once_and_unrouted(world: World) -> None:
    """T4"""
    world.change_partner(parties=(PARTY, Party("BE", "ACM")))
    lists = world.offer(Module.TARIFFS, Module.HUB_CLIENTS)
    sync(world)
    world.run_all()
    assert [len(each.asked) for each in lists.values()] == [2, 1]
    routed = {each.path.partition("?")[0]: "ocpi-to-party-id" in each.headers for each in world.peer.requests}
    assert routed == {"/sessions": True, "/tariffs": True, "/hubclientinfo": False}


def test_what_a_partner_takes_it_need_not_give(world: World) -> None:
    """Platforms that are CPO and eMSP offer addresses for what they receive, too."""
    taking = Endpoint("locations", "RECEIVER", "https://peer.example/emsp/locations")
    giving = Endpoint("locations", "SENDER", "https://peer.example/cpo/locations")
    unsaid = replace(giving, role="")
    for offered, url in (((taking,), None), ((taking, giving), giving.url), ((taking, unsaid), unsaid.url), ((), None)):
        assert list_of(replace(world.partner, endpoints=offered), Module.LOCATIONS) == url
    left = replace(world.partner, endpoints=(giving,), status=PartnerStatus.LEFT)
    assert list_of(left, Module.LOCATIONS) is None


def test_an_order_needs_a_list_and_a_range_where_there_is_no_end(world: World) -> None:
    for module, since, field in (
        (Module.SESSIONS, None, "from"),
        (Module.LOCATIONS, None, "partner_id"),
        (Module.SESSIONS, NOW, "from"),
    ):
        with pytest.raises(InvalidMessage) as refused:
            order_run(world.partner, module, since, None, world.begin, NOW)
        assert refused.value.field == field

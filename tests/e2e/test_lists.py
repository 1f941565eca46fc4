"""What a CPO failed to tell of its chargers and prices, and a hub of its clients, is pulled from their lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.cpo import ListTrouble, Place, Tariff
from local.cpo.places import location_object, tariff_object
from local.cpo.wire import write_instant
from offpeak.history.model import Module, Run, RunKind, RunState, Tally
from offpeak.history.store import HistoryStore
from offpeak.profiles.model import RequestState
from ops.__main__ import main
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING

LONG_AGO = EVENING - timedelta(days=400)


def run_of(partner: Partner, module: Module) -> Run:
    run = HistoryStore(partner.stage.table("history")).run(partner.partner_id, module, RunKind.SCHEDULED)
    assert run is not None, f"no run through {module} was begun"
    return run


def sync(scene: Scene) -> None:
    scene.cloud.invoke("sync_history")
    scene.settle()


def located(partner: Partner, *places: Place) -> list[Any]:
    return [location_object(place, partner.party, LONG_AGO) for place in places]


def test_chargers_and_prices_that_were_never_pushed_are_planned_by(scene: Scene) -> None:
    """T9, T11"""
    partner = scene.partner(planning={"ocpi_tariffs": True, "need_kwh": 5})
    night = Tariff("T1", 0.50, cheap_eur_per_kwh=0.10, cheap_from="20:00", cheap_until="21:00")
    places = [Place(f"EVSE-S{number}", "AC_1_PHASE", max_amperage=32, tariff_ids=["T1"]) for number in range(5)]
    partner.cpo.remember(*located(partner, *places), module="locations")
    partner.cpo.remember(tariff_object(night, partner.party, "2.2.1", LONG_AGO), module="tariffs")
    partner.cpo.trouble_list(ListTrouble(page_size=2), "locations")
    sync(scene)
    assert len(partner.cpo.calls_on_list("locations")) == 3
    assert run_of(partner, Module.LOCATIONS).tally == Tally(objects=5, created=5)
    assert run_of(partner, Module.TARIFFS).tally == Tally(objects=1, created=1)
    partner.plug_in("S1", phases=1, max_current_a=32)
    scene.settle()
    plan, request = partner.standing("S1").plan, partner.newest("S1")
    assert plan is not None
    assert [each.start_at.hour for each in plan.blocks] == [18], "20:00 in Germany, when nothing else is cheap"
    assert request.profile is not None
    assert (request.profile.unit, request.state) == ("A", RequestState.CHARGER_ACCEPTED), "its phases are known"

    scene.later(hours=6)
    sync(scene)
    asked = [each.query.get("date_from") for each in partner.cpo.calls_on_list("locations")]
    assert asked == [None, None, None, write_instant(EVENING - timedelta(hours=1))[:-1] + ".000Z"]


def test_a_list_that_is_older_than_what_was_pushed_changes_nothing_and_an_operator_can_have_it_pulled(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """T10, T14"""
    partner = scene.partner()
    partner.cpo.tell_location(Place("E1", max_amperage=16))
    [known] = located(partner, Place("E1", max_amperage=63))
    partner.cpo.remember({**known, "id": "AT-E1"}, *located(partner, Place("E2")), module="locations")
    partner.cpo.trouble_list(ListTrouble(has_bad_objects=True), "locations")
    order = ["sync", partner.partner_id, "--local", "--objects", "locations"]
    assert main(order, lambda _: scene.cloud.deployed) == 0
    told = capsys.readouterr().out
    assert "all locations" in told
    assert "2 new, 1 known, 2 refused" in told, "a Location without more than its id is one"
    assert "refused: location BAD-2" in told
    here = f"/ocpi/emsp/2.2.1/locations/{partner.party.country_code}/{partner.party.party_id}/AT-E1"
    assert partner.ask("GET", here).data["evses"][0]["connectors"][0]["max_amperage"] == 16


def test_a_hub_is_asked_who_is_connected_to_it(scene: Scene) -> None:
    """T4, T11"""
    hub, cpo = scene.partner({"is_hub": True}), scene.partner()
    client = {"country_code": "FR", "party_id": "XYZ", "role": "CPO", "status": "OFFLINE"}
    hub.cpo.remember({**client, "last_updated": write_instant(LONG_AGO)}, module="hubclientinfo")
    sync(scene)
    assert run_of(hub, Module.HUB_CLIENTS).state is RunState.DONE
    assert hub.ask("GET", "/ocpi/emsp/2.2.1/hubclientinfo/FR/XYZ").data["status"] == "OFFLINE"
    assert [each.module for each in runs(cpo)] == [Module.LOCATIONS, Module.SESSIONS, Module.TARIFFS]


def runs(partner: Partner) -> list[Run]:
    found = HistoryStore(partner.stage.table("history")).runs(partner.partner_id).values()
    return sorted(found, key=lambda each: each.module)

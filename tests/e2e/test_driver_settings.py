"""A paired charger, from the driver's settings in an app to the profile at the charger."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from offpeak.events.model import EventKind
from offpeak.profiles.model import RequestKind
from tests.e2e.app import App
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING, FULL_W
from tests.e2e.test_journey import limit_at

WITHIN_S = 15
"""From the change of a setting to the CPO's receiver, on a laptop that does much else."""


def profiles(partner: Partner) -> int:
    return len(partner.profile_calls("S1"))


def test_what_a_driver_wants_is_at_the_charger_within_seconds(scene: Scene) -> None:
    partner = scene.partner(flags={"only_paired": True})
    app = App(scene.stage)
    charger = app.has_paired(partner, "EVSE-S1")
    assert app.done("GET", charger)["state"] == "waiting_for_session"
    wanted = {"departures": {"friday": "05:30"}, "need_kwh": 10, "money_unit": "CENT"}
    settings = app.ask("PATCH", f"{charger}/settings", wanted, If_Match='"0"')
    assert settings.headers["ETag"] == '"1"'

    partner.plug_in("S1", "S2")
    scene.settle()
    plan = partner.standing("S1").plan
    assert plan is not None
    assert plan.departure_at == datetime(2025, 10, 3, 3, 30, tzinfo=UTC)
    assert plan.need_kwh == 10
    assert partner.profile_calls("S2") == [], "nobody has paired that EVSE"

    shown = app.done("GET", f"{charger}/sessions/S1")
    assert shown["plan"]["departure_at"] == "2025-10-03T05:30:00.000+02:00"
    assert shown["plan"]["text"] == plan.reason.text
    assert shown["saving"] == {"amount": float(plan.saving_eur * 100), "unit": "CENT"}
    assert [each["state"] for each in shown["profiles"]] == ["charger_accepted"]
    assert app.ask("GET", f"{charger}/sessions/S2").http_status == 404
    listed = scene.eventually(lambda: bool(app.done("GET", f"{charger}/sessions")["sessions"]))
    assert listed, "a session is listed some moments after its first plan"

    before = changed_at(scene, app, charger, partner, {"departures": {"friday": "01:00"}}, '"1"')
    assert before < WITHIN_S
    assert partner.profile_calls("S1")[-1].profile is not None
    replanned = partner.standing("S1").plan
    assert replanned is not None
    assert replanned.departure_at == datetime(2025, 10, 2, 23, tzinfo=UTC)

    count = profiles(partner)
    app.done("POST", f"{charger}/boost", {"minutes": 60})
    assert scene.eventually(lambda: profiles(partner) > count, WITHIN_S)
    boosted = partner.profile_calls("S1")[-1].profile
    assert limit_at(boosted, EVENING + timedelta(minutes=1)) == FULL_W

    app.done("PATCH", f"{charger}/settings", {"smart_charging": False}, If_Match="*")
    assert scene.eventually(lambda: bool(partner.profile_calls("S1", "clear")), WITHIN_S)
    scene.settle()
    assert partner.newest("S1").kind is RequestKind.CLEAR
    assert app.done("GET", f"{charger}/sessions/S1")["unmanaged"]["reason"] == "smart_charging_off"
    assert app.done("GET", charger)["state"] in ("charging", "suspended")

    scene.pass_time(minutes=5)
    assert app.done("GET", charger)["state"] == "charging"
    partner.cpo.unplug("S1")
    partner.cpo.advance(scene.now)
    scene.settle()
    assert app.done("GET", charger)["state"] == "finished"
    assert scene.eventually(lambda: app.told(charger)[-1].event.kind is EventKind.SESSION_FINISHED)
    kinds = [each.event.kind.value for each in app.told(charger)]
    assert kinds[:3] == ["session.started", "session.planned", "profile.confirmed"]
    assert kinds.count("session.plan_changed") == 3
    assert kinds.count("profile.confirmed") == 3


def test_who_unpairs_is_left_alone_at_once(scene: Scene) -> None:
    partner = scene.partner()
    app = App(scene.stage)
    charger = app.has_paired(partner, "EVSE-S1")
    partner.plug_in("S1")
    scene.settle()
    assert app.ask("DELETE", charger).http_status == 204
    assert scene.eventually(lambda: bool(partner.profile_calls("S1", "clear")), WITHIN_S)
    scene.settle()
    assert app.ask("GET", charger).http_status == 404
    assert app.told(charger)[-1].event.kind is EventKind.CHARGER_UNPAIRED


def test_another_tenants_charger_is_not_there(scene: Scene) -> None:
    partner = scene.partner()
    app, other = App(scene.stage), App(scene.stage)
    charger = app.has_paired(partner, "EVSE-S1")
    assert app.ask("GET", charger).http_status == 200
    for method, path in (("GET", charger), ("PATCH", f"{charger}/settings"), ("GET", f"{charger}/sessions")):
        assert other.ask(method, path, {} if method == "PATCH" else None, If_Match="*").http_status == 404


def changed_at(scene: Scene, app: App, charger: str, partner: Partner, said: Any, seen: str) -> float:
    """Change settings, and return the seconds until the CPO has another profile."""
    count, begun = profiles(partner), time.monotonic()
    app.done("PATCH", f"{charger}/settings", said, If_Match=seen)
    assert scene.eventually(lambda: profiles(partner) > count)
    took = time.monotonic() - begun
    scene.settle()
    return took

"""Signals of the grid on the deployed stack: from the signed operator API to the charging profile at the CPO."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from offpeak.instants import format_instant
from tests.e2e.app import App
from tests.e2e.market import Market
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING, FULL_W
from tests.e2e.test_administration import Operator, command

SIGNALS = "/ops/v1/signals"
WITHIN_S = 30
"""It takes two; a machine that does other things as well may need longer."""


def limit_w(partner: Partner) -> Decimal | float:
    return partner.cpo.state("S1").limit_w


def congestion(share: float, hours: float = 3) -> dict[str, Any]:
    return {
        "signal_id": f"congestion-{share}",
        "zone": "DE-LU",
        "kind": "CONGESTION",
        "steps": [{"start_at": format_instant(EVENING), "share": share}],
        "end_at": format_instant(EVENING + timedelta(hours=hours)),
        "note": "redispatch",
    }


def test_congestion_lowers_running_sessions_of_its_zone_within_seconds_and_a_withdrawal_lifts_them(
    scene: Scene,
) -> None:
    fixed = {"kind": "FIXED", "fixed_eur_per_kwh": "0.30"}
    here = scene.partner(planning={"need_kwh": 200})
    elsewhere = scene.partner(planning={"bidding_zone": "NL", "tariff": fixed, "need_kwh": 200})
    placed = scene.partner(planning={"bidding_zone": "NL", "tariff": fixed, "need_kwh": 200})
    app = App(scene.stage)
    app.has_paired(placed, "EVSE-S1")
    home = f"/v1/users/{app.user_id}/locations/{app.location_id}"
    app.done("PATCH", home, {"bidding_zone": "DE-LU"}, If_Match="*")
    for partner in scene.partners:
        partner.plug_in("S1", soc=0.0, battery_kwh=300)
    scene.settle()
    assert [limit_w(each) for each in scene.partners] == [FULL_W, FULL_W, FULL_W]

    operator = Operator(scene)
    made = operator.ask("POST", SIGNALS, congestion(0.5))
    assert made.status_code == 201, made.text
    lowered = (here, placed)  # the one by its partner's zone, the other by its driver's place
    assert scene.eventually(lambda: {limit_w(each) for each in lowered} == {FULL_W / 2}, within_s=WITHIN_S), [
        limit_w(each) for each in lowered
    ]
    plan = here.standing("S1").plan
    assert plan is not None
    assert "Power is held to 5.5 kW" in plan.reason.text
    assert plan.reason.facts["signals"] == "congestion-0.5"

    gone = operator.ask("DELETE", f"{SIGNALS}/congestion-0.5", seen=made.headers["ETag"])
    assert gone.status_code == 200
    assert scene.eventually(lambda: limit_w(here) == FULL_W, within_s=WITHIN_S), limit_w(here)
    scene.settle()
    assert len(elsewhere.profile_calls("S1")) == 1, "a session of another zone is left alone"
    trail = operator.ask("GET", "/ops/v1/audit/signals").json()["entries"]
    assert [each["action"] for each in trail] == ["signal_withdrawn", "signal_announced"]


def test_a_signal_whose_messages_are_lost_takes_effect_by_the_sweep(scene: Scene) -> None:
    partner = scene.partner(planning={"need_kwh": 200})
    partner.plug_in("S1", soc=0.0, battery_kwh=300)
    scene.settle()
    at = format_instant(EVENING)
    arguments = ("--zone", "DE-LU", "--kind", "cap", "--step", f"{at}=6000", "--id", "lost")
    with scene.losing("plan"):
        assert command(scene, "signal", "add", *arguments) == 0
    scene.later(minutes=2)
    scene.sweep()
    newest = partner.profile_calls("S1")[-1].profile
    assert newest is not None
    assert newest.periods[0] == (0, Decimal(6000))


def test_carbon_intensity_of_the_feed_moves_those_who_weigh_it(scene: Scene, market: Market) -> None:
    partner = scene.partner(planning={"tariff": {"kind": "FIXED", "fixed_eur_per_kwh": "0.30"}, "need_kwh": 20})
    partner.change(planning={"carbon_weight_eur_per_kg": "0.5"})
    partner.plug_in("S1")
    scene.settle()
    assert limit_w(partner) == FULL_W, "at a fixed price no later time is cheaper"
    clean_from = EVENING + timedelta(hours=6)
    market.carbon.g_per_kwh = lambda at: 600 if at < clean_from else 100
    scene.cloud.invoke("fetch_carbon")
    scene.settle()
    plan = partner.standing("S1").plan
    assert plan is not None
    assert plan.blocks[0].start_at >= clean_from
    assert plan.reason.facts["signals"] == "feed.carbon.DE-LU"
    assert limit_w(partner) == 0

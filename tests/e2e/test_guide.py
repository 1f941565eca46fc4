"""The sessions that the guides of this trade show: six fields to begin with, `start_datetime` in what follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.cpo import Dialect
from local.cpo.wire import write_instant
from offpeak.profiles.model import RequestState
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING


def first_message(session_id: str) -> dict[str, Any]:
    return {
        "id": session_id,
        "evse_uid": "DE*ABC*E7",
        "status": "ACTIVE",
        "kwh": 0.0,
        "start_date_time": "2025-10-02T17:00:00Z",
        "last_updated": "2025-10-02T17:00:00Z",
    }


def update(minutes: int = 5, kwh: float = 0.9) -> dict[str, Any]:
    dimensions = [{"type": "ENERGY", "volume": kwh}, {"type": "POWER", "volume": 10.8}]
    return {
        "start_datetime": "2025-10-02T17:00:00Z",
        "kwh": kwh,
        "charging_periods": [{"start_date_time": "2025-10-02T17:00:00Z", "dimensions": dimensions}],
        "last_updated": write_instant(EVENING + timedelta(minutes=minutes)),
    }


def test_the_guides_messages_become_a_session_with_a_profile(scene: Scene) -> None:
    """S5: country, party and id come from the URL."""
    partner = scene.partner()
    partner.plug_in("S1")  # the CPO must know the session that the profile is for
    scene.settle()
    assert partner.put(first_message("G1")).codes == (201, 1000)
    assert partner.patch("G1", **update()).codes == (200, 1000)
    scene.settle()
    given = partner.get("G1").data
    assert (given["country_code"], given["party_id"]) == (partner.party.country_code, partner.party.party_id)
    assert (given["id"], given["kwh"], given["location_id"]) == ("G1", 0.9, "#NA")
    assert partner.known("G1").state.power_w == 10_800
    assert partner.standing("G1").plan is not None


def test_a_cpo_that_follows_the_guide_is_served_from_start_to_end(scene: Scene) -> None:
    """S5"""
    partner = scene.partner(cpo={"dialect": Dialect.GUIDE})
    partner.plug_in("S1")
    scene.settle()
    scene.pass_time(minutes=10)
    assert partner.newest("S1").state is RequestState.OBSERVED
    partner.cpo.unplug("S1")
    scene.pass_time(minutes=1)
    assert partner.get("S1").data["status"] == "COMPLETED"
    assert all(push.problem is None for push in partner.cpo.pushes)


def test_what_was_filled_in_or_renamed_is_shown(scene: Scene) -> None:
    """S5: counted and shown, not hidden."""
    partner = scene.partner()
    partner.put(first_message("G-shown"))
    partner.patch("G-shown", **update())
    put, patch = (line for line in scene.cloud.logs("ocpi_sessions") if '"session_id":"G-shown"' in line)
    assert '"cdr_token"' in put
    assert '"location_id"' in put
    assert '"renamed":["start_datetime"]' in patch
    assert any("SessionMessagesMended" in line for line in scene.cloud.logs("ocpi_sessions"))


@pytest.mark.parametrize(
    ("method", "message", "field"),
    [
        ("PUT", first_message("G1"), "country_code"),
        ("PATCH", {**update(), "last_updated": None}, "last_updated"),
        ("PUT", {"long": True}, "evse_uid"),
    ],
    ids=["missing fields", "no last_updated", "a field too long"],
)
def test_a_strict_partner_is_told_which_field_is_wrong(
    scene: Scene, method: str, message: dict[str, Any], field: str
) -> None:
    """S5, T14"""
    partner: Partner = scene.partner(flags={"strict": True})
    if "long" in message:
        message = partner.session("G1", evse_uid="E" * 37)
    answer = partner.ask(method, partner.path("G1"), message)
    assert answer.codes == (200, 2001)
    assert answer.message.startswith(f"{field}: ")
    assert partner.rows("G1") == []


def test_a_strict_partner_that_sends_all_is_served(scene: Scene) -> None:
    """S5"""
    partner = scene.partner(flags={"strict": True})
    partner.plug_in("S1")
    scene.settle()
    scene.pass_time(minutes=10)
    assert partner.newest("S1").state is RequestState.OBSERVED
    assert all(push.problem is None for push in partner.cpo.pushes)

"""What a CPO is told about its own system, after an evening of calls that were good and bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from local.cpo.wire import write_instant
from ops.__main__ import main
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING
from tests.e2e.test_administration import Operator

DAY = EVENING.date().isoformat()


def shown(scene: Scene, partner: Partner) -> dict[str, Any]:
    answer = Operator(scene).ask("GET", f"/ops/v1/partners/{partner.partner_id}/quality?day={DAY}")
    assert answer.status_code == 200
    return dict(answer.json())


def refuse_until(scene: Scene, partner: Partner, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Send wrong objects until what was noticed of the messages before is written.

    What a warm function has noticed within a minute waits for its next refusal, or for the minute to pass; there may be
    several warm copies of a function.
    """

    def is_there() -> bool:
        wrong = partner.session("S9", status="SLEEPING")
        assert partner.put(wrong).status == 2001
        return holds(shown(scene, partner))

    assert scene.eventually(is_there), shown(scene, partner)["counts"]
    return shown(scene, partner)


def test_an_evening_is_told_in_words_with_samples_and_without_secrets(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    partner = scene.partner()
    six = {"id": "S1", "evse_uid": "E1", "status": "ACTIVE", "kwh": 0}
    stamps = {"start_date_time": write_instant(EVENING), "last_updated": write_instant(EVENING)}
    assert partner.put({**six, **stamps}).http_status == 201
    for minutes in (5, 5, 15):
        scene.later(minutes=minutes)
        power = [{"type": "POWER", "volume": 11}]
        periods = [{"start_date_time": write_instant(scene.now - timedelta(minutes=5)), "dimensions": power}]
        stamp = write_instant(scene.now)
        assert partner.patch("S1", kwh=minutes, charging_periods=periods, last_updated=stamp).codes == (200, 1000)
    assert partner.patch("S1", kwh=0, last_updated=write_instant(EVENING)).codes == (200, 1000)
    scene.settle()
    secret = partner.token_c
    assert partner.put({**six, **stamps, "kwh": secret, "cdr_token": {"uid": "04E1A2"}}).status == 2001

    day = refuse_until(
        scene, partner, lambda day: day["counts"].get("messages") == 5 and len(day["refused_samples"]) == 2
    )
    assert {name: day["counts"][name] for name in ("messages", "puts", "patches", "out_of_order", "periods")} == {
        "messages": 5, "puts": 1, "patches": 4, "out_of_order": 1, "periods": 3,
    }  # fmt: skip
    assert day["counts"]["filled.currency"] == 1
    interval = day["durations_s"]["interval"]
    assert (interval["count"], interval["late"]) == (3, 1)
    assert interval["p50"] == pytest.approx(300, rel=0.05)
    assert interval["p95"] == pytest.approx(900, rel=0.05)
    samples = {each["field"]: each for each in day["refused_samples"]}
    assert samples["status"]["call"] == "PUT sessions"
    assert '"status": "SLEEPING"' in samples["status"]["excerpt"]
    assert "kwh" in samples
    assert secret not in json.dumps(day)
    assert "04E1A2" not in json.dumps(day)

    capsys.readouterr()
    assert main(["quality", partner.partner_id, "--day", DAY, "--local"], lambda _: scene.cloud.deployed) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "PATCH each ACTIVE session at least every 5 minutes" in text
    assert "1 of 3 were late against 5 minutes" in text
    assert "PUT sessions: status:" in text


def test_the_way_of_a_profile_is_timed_from_request_to_result(scene: Scene) -> None:
    partner = scene.partner()
    partner.plug_in("S1")
    scene.settle()
    assert partner.is_confirmed("S1")

    def timed() -> bool:
        durations = shown(scene, partner)["durations_s"]
        return bool(durations["answer"]["count"] and durations["result"]["count"])

    assert scene.eventually(timed)
    durations = shown(scene, partner)["durations_s"]
    assert 0 < durations["answer"]["p95"] <= 10
    assert durations["result"]["late"] == 0


def test_a_day_that_is_none_is_refused_and_an_empty_one_says_so(scene: Scene) -> None:
    partner = scene.invited()
    here = f"/ops/v1/partners/{partner.partner_id}/quality"
    wrong = Operator(scene).ask("GET", f"{here}?day=yesterday")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "day")
    empty = Operator(scene).ask("GET", here).json()
    assert {each["verdict"] for each in empty["findings"]} == {"nothing"}

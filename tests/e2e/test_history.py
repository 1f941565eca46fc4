"""What a CPO failed to push is pulled from its list: by the clock, by order, after a PATCH out of the blue."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.cpo import ListTrouble
from local.cpo.wire import write_instant
from offpeak.history.model import Module, RunKind, RunState
from offpeak.history.store import HistoryStore
from offpeak.profiles.model import RequestState
from ops.__main__ import main
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING

MISSED = 12


def past(partner: Partner, many: int = MISSED) -> list[dict[str, Any]]:
    """Sessions of yesterday that the CPO has in its books and never told us of."""
    at = write_instant(EVENING - timedelta(days=1))
    return [
        partner.session(f"PAST-{number}", status="COMPLETED", kwh=7, start_date_time=at, last_updated=at)
        for number in range(many)
    ]


def run_of(partner: Partner, kind: RunKind = RunKind.SCHEDULED, module: Module = Module.SESSIONS) -> Any:
    run = HistoryStore(partner.stage.table("history")).run(partner.partner_id, module, kind)
    assert run is not None, f"no {kind} run was begun"
    return run


def sync(scene: Scene) -> None:
    scene.cloud.invoke("sync_history")
    scene.settle()


def known(partner: Partner, sessions: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in sessions if partner.stage.sessions.known(partner.key(each["id"])) is not None]


def ids(sessions: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in sessions]


def test_pushes_that_were_lost_are_healed_by_the_next_pull(scene: Scene) -> None:
    """T9, T11"""
    partner = scene.partner()
    missed = past(partner)
    partner.cpo.remember(*missed)
    partner.cpo.trouble_list(ListTrouble(page_size=5))
    partner.misbehave(lost=1.0)
    partner.plug_in("S1")
    assert partner.get("S1").http_status == 404
    sync(scene)
    assert known(partner, missed) == ids(missed)
    assert partner.known("S1").session.is_open
    assert partner.newest("S1").state is RequestState.CHARGER_ACCEPTED, "a pulled session is planned like a pushed one"
    assert len(partner.cpo.list_calls) == 3
    assert run_of(partner).state is RunState.DONE

    scene.later(hours=6)
    sync(scene)
    assert partner.cpo.list_calls[-1].query["date_from"] == write_instant(EVENING - timedelta(hours=1))[:-1] + ".000Z"


def test_a_pull_that_is_killed_in_the_middle_goes_on_where_it_stood(scene: Scene) -> None:
    """T11"""
    partner = scene.partner()
    missed = past(partner)
    partner.cpo.remember(*missed)
    partner.cpo.trouble_list(ListTrouble(page_size=5, slow_s=3, from_page=2, pages=1))
    with scene.cloud.retrying_quickly("history"):
        scene.cloud.invoke("sync_history")
        assert scene.eventually(lambda: len(partner.cpo.list_calls) == 2)
        assert kill(scene, "pull_history") > 0
        assert scene.eventually(lambda: not run_of(partner).is_running)
    scene.settle()
    assert run_of(partner).state is RunState.DONE
    assert run_of(partner).tally.objects == MISSED, "no page counts twice"
    assert [each.offset for each in partner.cpo.list_calls] == [0, 5, 5, 10]
    assert known(partner, missed) == ids(missed)


def kill(scene: Scene, function: str) -> int:
    """Kill all processes in which a function runs, as a machine that fails would; return how many there were."""
    killed = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = scene.cloud.server.program.pid in _ancestors(process)
            if is_ours and (process / "cwd" / f"{function}.py").exists():
                os.kill(int(process.name), signal.SIGKILL)
                killed += 1
        except OSError:
            continue  # it ended by itself, or is somebody else's
    return killed


def _ancestors(process: Path) -> list[int]:
    found: list[int] = []
    while process.name not in ("0", "1"):
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        found.append(int(parent))
        process = process.parent / parent
    return found


def test_a_patch_out_of_the_blue_is_answered_404_kept_and_its_session_pulled(scene: Scene) -> None:
    """S1"""
    partner = scene.partner()
    partner.cpo.remember(partner.session("S1", kwh=3, connector_id="1", last_updated=write_instant(EVENING)))
    told_at = write_instant(EVENING + timedelta(minutes=1))
    assert partner.patch("S1", connector_id="2", last_updated=told_at).codes == (404, 2000)
    scene.settle()
    told = partner.get("S1").data
    assert (told["kwh"], told["connector_id"]) == (3, "2"), "the PATCH was kept, and joined to what was pulled"
    assert partner.patch("S1", kwh=4, last_updated=told_at).codes == (200, 1000)


def test_a_storm_of_patches_out_of_the_blue_asks_the_cpo_once(scene: Scene) -> None:
    """S1"""
    partner = scene.partner()
    sessions = [partner.session(f"S{number}") for number in range(12)]
    partner.cpo.remember(*sessions)
    for each in sessions:
        assert partner.patch(each["id"], kwh=1, last_updated=write_instant(EVENING)).http_status in (200, 404)
    scene.settle()
    assert known(partner, sessions) == ids(sessions)
    assert len(partner.cpo.list_calls) <= 2


def test_a_range_is_pulled_by_the_operators_command_with_what_was_refused(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """T9, T10"""
    partner = scene.partner()
    missed = past(partner)
    partner.cpo.remember(*missed)
    partner.cpo.trouble_list(ListTrouble(page_size=5, has_bad_objects=True, counts=False))
    dates = [write_instant(EVENING - timedelta(days=days)) for days in (2, 0.5)]
    order = ["sync", partner.partner_id, "--local", "--from", dates[0], "--to", dates[1]]
    assert main(order, lambda _: scene.cloud.deployed) == 0
    told = capsys.readouterr().out
    assert "12 new, 9 refused" in told
    assert "refused: session BAD-2: kwh" in told
    assert known(partner, missed) == ids(missed)
    assert main(["history", partner.partner_id, "--local"], lambda _: scene.cloud.deployed) == 0
    assert "ordered    sessions that changed from 2025-09-30" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("trouble", "problem"),
    [
        ({"leads_to": "https://evil.example"}, "another server"),
        ({"leads_to": "http://169.254.169.254"}, "another server"),
        ({"leads_in_a_circle": True}, "circle"),
        ({"filler_bytes": 5_000_000}, "bytes"),
        ({"http_status": 403}, "HTTP 403"),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else "",
)
def test_a_list_that_is_not_to_be_trusted_is_left_and_said_so(
    scene: Scene, trouble: Mapping[str, Any], problem: str
) -> None:
    """T9, C7"""
    partner = scene.partner()
    partner.cpo.remember(*past(partner, many=6))
    partner.cpo.trouble_list(ListTrouble(page_size=3, **trouble))
    sync(scene)
    assert run_of(partner).state is RunState.FAILED
    assert problem in run_of(partner).problem
    assert len(partner.cpo.list_calls) < 6


def test_a_list_that_breaks_off_or_fails_is_tried_again(scene: Scene) -> None:
    """T9"""
    partner = scene.partner()
    partner.cpo.remember(*past(partner))
    partner.cpo.trouble_list(ListTrouble(page_size=10, dies=True, from_page=2, pages=1))
    scene.cloud.invoke("sync_history")
    assert scene.eventually(lambda: run_of(partner).problem is not None or not run_of(partner).is_running)
    assert run_of(partner).is_running
    assert run_of(partner).step == 1, "the first page is not asked for again"
    assert "connection" in run_of(partner).problem


def test_profiles_go_out_while_a_list_hangs(scene: Scene) -> None:
    partner = scene.partner()
    partner.cpo.trouble_list(ListTrouble(slow_s=60))
    scene.cloud.invoke("sync_history")
    assert scene.eventually(lambda: len(partner.cpo.list_calls) == 1)
    partner.plug_in("S1")
    assert scene.eventually(lambda: partner.is_confirmed("S1"), within_s=30)
    assert run_of(partner).is_running


def test_clocks_that_differ_by_minutes_lose_nothing(scene: Scene) -> None:
    """T11"""
    partner = scene.partner()
    sync(scene)
    behind = partner.session("BEHIND", last_updated=write_instant(EVENING - timedelta(minutes=12)))
    ahead = partner.session("AHEAD", last_updated=write_instant(EVENING + timedelta(minutes=12)))
    partner.cpo.remember(behind, ahead)
    scene.later(hours=6)
    sync(scene)
    assert known(partner, [behind, ahead]) == ["BEHIND", "AHEAD"]

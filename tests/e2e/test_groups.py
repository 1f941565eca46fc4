"""Limit groups on the deployed stack: kept by the signed API and by the command, and planned by at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from offpeak.instants import format_instant
from tests.e2e.scene import Scene
from tests.e2e.stage import EVENING
from tests.e2e.test_administration import Operator, command
from tests.e2e.test_least_privilege import DENIED, attempt, read
from tests.e2e.test_signals import SIGNALS

GROUPS = "/ops/v1/groups"


def test_a_limit_group_is_kept_by_api_and_command_and_every_change_asks_for_a_plan(
    scene: Scene, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    operator = Operator(scene)
    with scene.losing("plan"):
        made = operator.ask("POST", GROUPS, {"group_id": "garage", "name": "The garage", "limit_a": 63})
        assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
        wrong = operator.ask("PATCH", f"{GROUPS}/garage", {"limit_a": -1}, seen='"1"')
        assert (wrong.status_code, wrong.json()["field"]) == (422, "limit_a")
        assert operator.ask("PATCH", f"{GROUPS}/garage", {"limit_a": 50}, seen='"9"').status_code == 412
        assert operator.ask("PATCH", f"{GROUPS}/garage", {"limit_a": 50}, seen='"1"').headers["ETag"] == '"2"'

        charger = {"partner_id": "acme", "evse_uid": "BE*E 1", "max_power_w": 11_040, "phases": 3}
        row = {"group_id": "row-b", "name": "Row B", "kind": "BOARD", "parent_id": "garage", "limit_w": 20_000}
        (tmp_path / "row.json").write_text(json.dumps({"groups": [{**row, "members": [charger]}]}))
        assert command(scene, "group", "import", str(tmp_path / "row.json")) == 0
        member = ("member", "add", "garage", "acme", "EVSE-2", "1", "--max-power-w", "3680", "--phases", "1")
        assert command(scene, "group", *member) == 0
        assert command(scene, "group", "load", "garage", "--base-load-a", "10", "4", "0") == 0
        capsys.readouterr()
        assert command(scene, "group", "show", "garage") == 0
        shown = capsys.readouterr().out
        assert "garage   CONNECTION  50 A x 3  27.6 kW    2.3 kW + 0.9 kW + 0.0 kW" in shown
        assert "row-b: acme BE*E 1" in shown

        root = scene.stage.table("limit_groups").get({"pk": "TREE#garage", "sk": "ROOT"})
        assert root is not None
        assert root["plan_wanted"] == 6
        assert scene.eventually(lambda: scene.cloud.messages_in("plan") >= 6), "one for each cause"

        step = {"start_at": format_instant(EVENING), "power_w": 9000}
        signal = {"signal_id": "row", "group": "row-b", "kind": "CAP", "steps": [step]}
        unknown = operator.ask("POST", SIGNALS, {**signal, "group": "row-c"})
        assert (unknown.status_code, unknown.json()["field"]) == (422, "group")
        assert operator.ask("POST", SIGNALS, signal).status_code == 201
        root = scene.stage.table("limit_groups").get({"pk": "TREE#garage", "sk": "ROOT"})
        assert root is not None
        assert root["plan_wanted"] == 7, "a signal of a row has the whole garage planned"
        assert operator.ask("DELETE", f"{SIGNALS}/row", seen="*").status_code == 200

        assert command(scene, "group", "member", "remove", "garage", "acme", "EVSE-2", "1") == 0
        assert command(scene, "group", "remove", "garage") == 1
        assert "groups below it" in capsys.readouterr().err
        moved = {"put": [charger]}
        assert operator.ask("PATCH", f"{GROUPS}/garage/members", moved, seen="*").status_code == 200
        assert operator.ask("DELETE", f"{GROUPS}/garage/members/acme/be%2AE%201", seen="*").status_code == 200
        assert [command(scene, "group", "remove", each) for each in ("row-b", "garage")] == [0, 0]
        assert operator.ask("GET", GROUPS).json() == {"groups": [], "next": None}


def test_whoever_keeps_groups_touches_nothing_else(scene: Scene) -> None:
    outcomes = attempt(
        scene,
        "ops_groups",
        read(scene, "limit_groups", pk="TREE#x", sk="ROOT"),
        read(scene, "partners", pk="PARTNER#x", sk="PARTNER"),
        read(scene, "sessions", pk="x#y", sk="SESSION"),
    )
    assert outcomes[0] == "done"
    assert set(outcomes[1:]) <= DENIED

"""The operators' commands on limit groups: what they ask of the operator API, and how they show what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.__main__ import main
from tests.ops.operator_api import OperatorApi, serving

SITE: dict[str, Any] = {
    "group_id": "site",
    "name": "The site",
    "kind": "CONNECTION",
    "parent_id": None,
    "limit_a": 63,
    "limit_w": None,
    "phases": 3,
    "level": 0,
    "members": [],
    "base_load": {
        "measured": {"start_at": "2027-03-01T18:00:00.000Z", "power_w": [500, 1500, 0]},
        "is_stale": False,
        "forecast": [],
    },
    "pv": {"measured": None, "is_stale": False, "forecast": []},
    "available": [
        {"start_at": "2027-03-01T18:00:00.000Z", "power_w": 30_000},
        {"start_at": "2027-03-01T18:15:00.000Z", "power_w": 25_500},
    ],
    "sessions": [],
}
BOARD = {
    **SITE,
    "group_id": "board",
    "kind": "BOARD",
    "limit_a": None,
    "limit_w": 20_000,
    "level": 1,
    "members": [
        {
            "partner_id": "acme",
            "evse_uid": "EVSE-1",
            "connector_id": None,
            "max_power_w": 11_040,
            "phases": 3,
            "phase_order": None,
            "unmanaged_w": 4140,
        }
    ],
    "sessions": [{"partner_id": "acme", "session_id": "S-1", "evse_uid": "EVSE-1", "connector_id": None}],
}
SHOWN = {"group_id": "site", "root_id": "site", "revision": 7, "is_planned": True, "groups": [SITE, BOARD]}


@pytest.fixture
def offpeak() -> Iterator[OperatorApi]:
    with serving() as running:
        running.said = {"": SHOWN, "?limit=100": {"groups": [], "next": None}}
        yield running


def run(offpeak: OperatorApi, *arguments: str) -> int:
    return main(["group", *arguments, "--stage", "qa"], lambda _: offpeak)


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (
            ["add", "site", "--name", "The site", "--limit-a", "63", "--reserve-w", "4140", "--balanced"],
            (
                "POST",
                "",
                {"group_id": "site", "name": "The site", "limit_a": 63.0, "reserve_w": 4140, "is_balanced": True},
            ),
        ),
        (["change", "site", "--set", "limit_a=50", "--set", "name=Left"],
         ("PATCH", "/site", {"limit_a": 50, "name": "Left"})),
        (["show", "site"], ("GET", "/site", None)),
        (["remove", "site"], ("DELETE", "/site", None)),
        (
            ["member", "add", "site", "acme", "E/1#", "2", "--max-power-w=3680", "--phases=1", "--phase-order", "L2"],
            ("PUT", "/site/members/acme/E%2F1%23/2", {"max_power_w": 3680, "phases": 1, "phase_order": ["L2"]}),
        ),
        (["member", "remove", "site", "acme", "E1"], ("DELETE", "/site/members/acme/E1", None)),
        (["load", "site", "--base-load-a", "1.5", "2", "3", "--pv-w", "400"],
         ("PUT", "/site/load",
          {"base_load": {"measured": {"current_a": [1.5, 2.0, 3.0]}}, "pv": {"measured": {"power_w": 400}}})),
    ],
)  # fmt: skip
def test_a_command_is_one_signed_call(
    offpeak: OperatorApi, arguments: list[str], asked: tuple[str, str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(offpeak, *arguments) == 0
    method, path, body = asked
    assert offpeak.asked == [(method, f"/qa/ops/v1/groups{path}", body)]
    assert offpeak.headers[0]["Authorization"].startswith("AWS4-HMAC-SHA256")
    assert offpeak.headers[0].get("If-Match") == (None if method in ("GET", "POST") else "*")


def test_a_group_is_shown_as_a_tree_with_what_is_available_now(
    offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(offpeak, "show", "site") == 0
    assert capsys.readouterr().out.splitlines() == [
        "The site (tree site, revision 7, planned)",
        "GROUP    KIND        LIMIT     AVAILABLE  BASE LOAD                 PV  CHARGERS  SESSIONS",
        "site     CONNECTION  63 A x 3  30.0 kW    0.5 kW + 1.5 kW + 0.0 kW  -   0         0",
        "  board  BOARD       20.0 kW   30.0 kW    0.5 kW + 1.5 kW + 0.0 kW  -   1         1",
        "",
        "CHARGER             HARDWARE  PHASES  UNMANAGED  SESSION",
        "board: acme EVSE-1  11.0 kW   3       4.1 kW     S-1",
        "",
        "available in site: 30.0 kW from 01 Mar 18:00 UTC, 25.5 kW from 01 Mar 18:15 UTC",
    ]


def test_a_refusal_names_the_field_and_is_a_failure(offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]) -> None:
    offpeak.status, offpeak.said = 422, {"": {"detail": "must be positive", "field": "limit_a"}}
    assert run(offpeak, "change", "site", "--set", "limit_a=-1") == 1
    assert capsys.readouterr().err == "limit_a: must be positive\n"


def test_all_pages_are_listed(offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]) -> None:
    group = {"group_id": "site", "root_id": "site", "parent_id": None, "kind": "CONNECTION", "name": "The site"}
    below = {**group, "group_id": "board", "parent_id": "site"}
    offpeak.said = {"?limit=100": {"groups": [group], "next": "abc"}, "cursor=abc": {"groups": [below], "next": None}}
    assert run(offpeak, "list") == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [["site", "site"], ["site", "board"]]


def test_a_json_file_makes_groups_and_a_csv_file_fills_them(offpeak: OperatorApi, tmp_path: Path) -> None:
    charger = {"partner_id": "acme", "evse_uid": "E1", "max_power_w": 11_040}
    groups, chargers = tmp_path / "groups.json", tmp_path / "chargers.csv"
    groups.write_text(json.dumps({"groups": [{"group_id": "a", "name": "A", "limit_a": 63, "members": [charger]}]}))
    chargers.write_text(
        "group_id,partner_id,evse_uid,connector_id,max_power_w,phases,phase_order,unmanaged_w\n"
        "a,acme,E1,,11040,3,L1+L2+L3,\n"
        "b,acme,E2,1,3680,1,,1380\n"
    )
    assert run(offpeak, "import", str(groups)) == 0
    assert offpeak.asked[1:] == [
        ("POST", "/qa/ops/v1/groups", {"group_id": "a", "name": "A", "limit_a": 63}),
        ("PATCH", "/qa/ops/v1/groups/a/members", {"put": [charger]}),
    ]
    offpeak.asked.clear()
    offpeak.said["?limit=100"] = {"groups": [{"group_id": "a"}, {"group_id": "b"}], "next": None}
    assert run(offpeak, "import", str(chargers)) == 0
    assert offpeak.asked[1:] == [
        (
            "PATCH",
            "/qa/ops/v1/groups/a/members",
            {"put": [{**charger, "phases": 3, "phase_order": ["L1", "L2", "L3"]}]},
        ),
        (
            "PATCH",
            "/qa/ops/v1/groups/b/members",
            {
                "put": [
                    {
                        "partner_id": "acme",
                        "evse_uid": "E2",
                        "connector_id": "1",
                        "max_power_w": 3680,
                        "phases": 1,
                        "unmanaged_w": 1380,
                    }
                ]
            },
        ),
    ]


def test_a_csv_of_groups_that_are_not_there_is_refused_before_anything_is_asked(
    offpeak: OperatorApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chargers = tmp_path / "chargers.csv"
    chargers.write_text("group_id,partner_id,evse_uid,max_power_w\nnowhere,acme,E1,11040\n")
    assert run(offpeak, "import", str(chargers)) == 1
    assert "nowhere" in capsys.readouterr().err
    assert [method for method, _, _ in offpeak.asked] == ["GET"]


def test_a_line_that_cannot_be_read_is_named(
    offpeak: OperatorApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chargers = tmp_path / "chargers.csv"
    chargers.write_text("group_id,partner_id,evse_uid,max_power_w\na,acme,E1,11 kW\n")
    assert run(offpeak, "import", str(chargers)) == 1
    assert "line 2: max_power_w" in capsys.readouterr().err


def test_a_forecast_is_told_from_a_file_whose_last_row_ends_it(offpeak: OperatorApi, tmp_path: Path) -> None:
    forecast = tmp_path / "load.csv"
    forecast.write_text("start_at,power_w\n2027-03-01T18:00:00Z,1200\n2027-03-01T19:00:00,800.4\n2027-03-01T20:00,0\n")
    assert run(offpeak, "load", "site", "--base-load-forecast", str(forecast)) == 0
    steps = [
        {"start_at": "2027-03-01T18:00:00+00:00", "power_w": 1200},
        {"start_at": "2027-03-01T19:00:00+00:00", "power_w": 800},
    ]
    told = {"steps": steps, "until": "2027-03-01T20:00:00+00:00"}
    assert offpeak.asked == [("PUT", "/qa/ops/v1/groups/site/load", {"base_load": {"forecast": told}})]


def test_a_load_that_says_nothing_is_refused(offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(offpeak, "load", "site") == 1
    assert "--base-load-w" in capsys.readouterr().err
    assert offpeak.asked == []

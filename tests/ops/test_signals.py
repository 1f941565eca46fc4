"""The operators' commands on signals of the grid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ops.__main__ import main
from tests.ops.operator_api import OperatorApi, serving

SHOWN: dict[str, Any] = {
    "signal_id": "evening",
    "zone": "DE-LU",
    "group": None,
    "kind": "PRICE_ADDER",
    "steps": [{"start_at": "2027-03-01T17:00:00.000Z", "eur_per_kwh": 0.1}] * 4,
    "end_at": None,
    "revision": 1,
}
AT = "2027-03-01T17:00:00Z"


@pytest.fixture
def offpeak() -> Iterator[OperatorApi]:
    with serving() as running:
        yield running


def run(offpeak: OperatorApi, *arguments: str) -> int:
    return main(["signal", *arguments, "--stage", "qa"], lambda _: offpeak)


@pytest.mark.parametrize(
    ("arguments", "signal"),
    [
        (
            ["--zone", "NL", "--kind", "cap", "--step", f"{AT}=4100"],
            {"zone": "NL", "kind": "CAP", "steps": [{"start_at": AT, "power_w": 4100}]},
        ),
        (
            ["--group", "depot", "--kind", "congestion", "--step", f"{AT}=0.5", "--until", "2027-03-01T19:00:00Z"],
            {
                "group": "depot",
                "kind": "CONGESTION",
                "steps": [{"start_at": AT, "share": 0.5}],
                "end_at": "2027-03-01T19:00:00Z",
            },
        ),
        (
            ["--zone", "NL", "--kind", "price-adder", "--step", f"{AT}=-0.05", "--id", "x", "--note", "wind"],
            {
                "signal_id": "x",
                "zone": "NL",
                "kind": "PRICE_ADDER",
                "steps": [{"start_at": AT, "eur_per_kwh": -0.05}],
                "note": "wind",
            },
        ),
    ],
)
def test_a_signal_is_announced_by_one_signed_call(
    offpeak: OperatorApi, arguments: list[str], signal: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    offpeak.said = {"": {"signal_id": "s1"}}
    assert run(offpeak, "add", *arguments) == 0
    assert offpeak.asked == [("POST", "/qa/ops/v1/signals", signal)]
    assert offpeak.headers[0]["Authorization"].startswith("AWS4-HMAC-SHA256")
    assert "Signal s1 stands" in capsys.readouterr().out


def test_a_signal_is_shown_and_withdrawn_by_its_name(offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert [run(offpeak, "show", "evening"), run(offpeak, "withdraw", "evening")] == [0, 0]
    assert [each[:2] for each in offpeak.asked] == [(m, "/qa/ops/v1/signals/evening") for m in ("GET", "DELETE")]
    assert run(offpeak, "withdraw") == 1
    assert "Name the signal" in capsys.readouterr().err


def test_signals_are_listed_one_a_line(offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]) -> None:
    offpeak.said = {"": {"signals": [SHOWN], "next": None}}
    assert run(offpeak, "list", "--zone", "DE-LU") == 0
    assert offpeak.asked == [("GET", "/qa/ops/v1/signals?limit=100&zone=DE-LU", None)]
    [line] = capsys.readouterr().out.splitlines()
    assert line.split() == [
        "evening", "DE-LU", "PRICE_ADDER", "2027-03-01T17:00:00.000Z", "to", "withdrawn",
        "eur_per_kwh", "0.1,", "0.1,", "0.1,", "...",
    ]  # fmt: skip
    offpeak.said = {"": {"signals": [], "next": None}}
    assert run(offpeak, "list") == 0
    assert "no signals" in capsys.readouterr().out


def test_who_did_what_is_told(offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]) -> None:
    change = {"name": "evening.end_at", "before": None, "after": "2027-03-01T19:00:00.000Z"}
    entry = {"number": 2, "at": "2027-03-01T12:00:00.000Z", "action": "signal_changed", "who": "arn:x"}
    offpeak.said = {"": {"entries": [{**entry, "changes": [change]}], "next": None}}
    assert run(offpeak, "audit") == 0
    assert offpeak.asked == [("GET", "/qa/ops/v1/audit/signals?limit=100", None)]
    assert "signal_changed  by arn:x" in capsys.readouterr().out


def test_a_signal_without_a_kind_is_asked_for_one(offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(offpeak, "add", "--zone", "NL") == 1
    assert "--kind cap" in capsys.readouterr().err


def test_a_step_that_is_none_is_refused(offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(offpeak, "add", "--zone", "NL", "--kind", "cap", "--step", "4100")
    assert "INSTANT=VALUE" in capsys.readouterr().err


def test_the_help_has_examples(offpeak: OperatorApi, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["signal", "--help"], lambda _: offpeak)
    assert "--kind congestion" in capsys.readouterr().out

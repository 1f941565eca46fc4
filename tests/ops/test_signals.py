"""The operators' commands on signals of the grid."""

from __future__ import annotations

from typing import Any

import pytest

from ops.__main__ import main
from tests.ops.answers import ALICE, Answers

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


def run(offpeak: Answers, *arguments: str) -> int:
    return main(["signal", *arguments, "--local"], lambda _: offpeak)


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
def test_a_signal_is_announced_in_the_name_of_who_gives_the_command(
    arguments: list[str], signal: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    offpeak = Answers({"signal_id": "s1"})
    assert run(offpeak, "add", *arguments) == 0
    assert offpeak.asked == [("ops_signals", {"action": "add", "signal": signal, "who": ALICE})]
    assert "Signal s1 stands" in capsys.readouterr().out


def test_a_signal_is_withdrawn_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answers({})
    assert run(offpeak, "withdraw", "evening") == 0
    assert offpeak.asked == [("ops_signals", {"action": "withdraw", "signal_id": "evening", "who": ALICE})]
    assert run(offpeak, "withdraw") == 1
    assert "Name the signal" in capsys.readouterr().err


def test_signals_are_listed_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answers({"signals": [SHOWN], "next": None})
    assert run(offpeak, "list", "--zone", "DE-LU") == 0
    assert offpeak.asked == [("ops_signals", {"action": "list", "zone": "DE-LU"})]
    [line] = capsys.readouterr().out.splitlines()
    assert line.split() == [
        "evening", "DE-LU", "PRICE_ADDER", "2027-03-01T17:00:00.000Z", "to", "withdrawn",
        "eur_per_kwh", "0.1,", "0.1,", "0.1,", "...",
    ]  # fmt: skip
    assert run(Answers({"signals": [], "next": None}), "list") == 0
    assert "no signals" in capsys.readouterr().out


def test_a_signal_without_a_kind_is_asked_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Answers({}), "add", "--zone", "NL") == 1
    assert "--kind cap" in capsys.readouterr().err


def test_a_step_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(Answers({}), "add", "--zone", "NL", "--kind", "cap", "--step", "4100")
    assert "INSTANT=VALUE" in capsys.readouterr().err


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["signal", "--help"], lambda _: Answers({}))
    assert "--kind congestion" in capsys.readouterr().out

"""The commands that call a CPO: how a handshake is told."""

from __future__ import annotations

import io
from typing import Any

import pytest

from ops.__main__ import main
from tests.ops.test_command import ALICE, Answers

STEPS = [
    {"call": "GET https://cpo.example/versions", "outcome": "HTTP 200, OCPI 1000", "took_ms": 12},
    {"call": "POST https://cpo.example/credentials", "outcome": "HTTP 200, OCPI 3001: no", "took_ms": 345},
]
REGISTER = "register acme --local --name Acme --party NL-ACM --versions-url https://cpo.example/versions"


def answer(**said: Any) -> dict[str, Any]:
    return {"status": "REGISTERED", "version": "2.3.0", "problem": None, "steps": STEPS, **said}


def test_a_registration_reads_its_token_from_standard_input_and_prints_each_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """C2"""
    monkeypatch.setattr("sys.stdin", io.StringIO("TOKEN-A\n"))
    offpeak = Answers(answer())
    assert main([*REGISTER.split(), "--set", "flags.raw_token=true"], lambda _: offpeak) == 0
    assert offpeak.asked == [
        (
            "ops_partners",
            {
                "action": "register",
                "partner_id": "acme",
                "versions_url": "https://cpo.example/versions",
                "token_a": "TOKEN-A",
                "settings": {"name": "Acme", "parties": ["NL-ACM"], "flags": {"raw_token": True}},
                "who": ALICE,
            },
        )
    ]
    printed = capsys.readouterr().out
    assert "    12 ms  GET https://cpo.example/versions  ->  HTTP 200, OCPI 1000" in printed
    assert "registered at Acme, OCPI 2.3.0" in printed
    assert "TOKEN-A" not in printed


def test_a_registration_without_a_token_is_not_begun(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    offpeak = Answers(answer())
    assert main(REGISTER.split(), lambda _: offpeak) == 1
    assert offpeak.asked == []
    assert "token A" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["rotate acme --local", "unregister acme --local"])
def test_a_handshake_that_broke_off_prints_how_far_it_came_and_fails(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """C4, C6"""
    offpeak = Answers(answer(problem="PUT credentials was answered HTTP 200, OCPI 3001: no"))
    assert main(command.split(), lambda _: offpeak) == 1
    printed = capsys.readouterr()
    assert "   345 ms  POST" in printed.out
    assert "may be repeated" in printed.err


def test_a_forced_end_is_an_end_whatever_the_cpo_answered(capsys: pytest.CaptureFixture[str]) -> None:
    """C6"""
    offpeak = Answers(answer(status=None, version=None, problem="no answer within 12 s"))
    assert main(["unregister", "acme", "--local", "--force"], lambda _: offpeak) == 0
    assert offpeak.asked[0][1]["force"] is True
    assert "its tokens are wiped" in capsys.readouterr().out

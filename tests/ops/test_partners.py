"""Shutting partners out, letting them in again, removing them, and telling who did what."""

from __future__ import annotations

import pytest

from ops.__main__ import main
from tests.ops.answers import ALICE, Answers

ENTRY = {
    "number": 2,
    "at": "2027-03-01T12:00:00.000Z",
    "who": ALICE,
    "via": "command",
    "action": "changed",
    "note": None,
    "changes": [{"name": "flags.strict", "before": False, "after": True}],
    "hash": "abc",
}


@pytest.mark.parametrize(
    ("command", "asked", "printed"),
    [
        (
            ["suspend", "acme", "--note", "rubbish"],
            {"action": "suspend", "partner_id": "acme", "note": "rubbish", "who": ALICE},
            "suspended since 2027",
        ),
        (["suspend", "acme"], {"action": "suspend", "partner_id": "acme", "who": ALICE}, "end in full power"),
        (["resume", "acme"], {"action": "resume", "partner_id": "acme", "who": ALICE}, "acme is REGISTERED again"),
        (["remove", "acme", "--yes"], {"action": "remove", "partner_id": "acme", "who": ALICE}, "tokens are wiped"),
    ],
)
def test_a_partner_is_changed_in_the_name_of_who_gives_the_command(
    command: list[str], asked: dict[str, str], printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    offpeak = Answers({"suspended_at": "2027-03-01T12:00:00.000Z", "status": "REGISTERED"})
    assert main([*command, "--local"], lambda _: offpeak) == 0
    assert offpeak.asked == [("ops_partners", asked)]
    assert printed in capsys.readouterr().out


def test_nobody_is_removed_by_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answers({})
    assert main(["remove", "acme", "--local"], lambda _: offpeak) == 1
    assert offpeak.asked == []
    assert "--yes" in capsys.readouterr().err


def test_the_trail_tells_who_changed_what_and_where_older_entries_are(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Answers({"entries": [ENTRY]})
    assert main(["audit", "acme", "--local", "--before", "3"], lambda _: offpeak) == 0
    assert offpeak.asked == [("ops_partners", {"action": "audit", "partner_id": "acme", "before": 3})]
    assert capsys.readouterr().out.splitlines() == [
        "   2  2027-03-01 12:00:00 UTC  changed",
        f"      by {ALICE} (command)",
        "      flags.strict: False -> True",
        "older ones: --before 2",
    ]


@pytest.mark.parametrize(("is_whole", "status"), [(True, 0), (False, 1)])
def test_a_forged_trail_fails_the_command(is_whole: bool, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = {
        "entries": 2,
        "hash": "abc",
        "is_whole": is_whole,
        "problems": [] if is_whole else ["entry 1 was altered"],
    }
    assert main(["audit", "acme", "--local", "--verify"], lambda _: Answers(verdict)) == status
    said = capsys.readouterr()
    assert "2 entries" in said.out if is_whole else "entry 1 was altered" in said.err


def test_keys_are_restored_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore-keys", "--local"], lambda _: Answers({"partners": ["a", "b"]})) == 0
    assert "2 partners" in capsys.readouterr().out

"""The operators' commands on a partner's history."""

from __future__ import annotations

from typing import Any

import pytest

from ops import history
from ops.__main__ import main
from ops.deployed import Deployed

RUN: dict[str, Any] = {
    "partner_id": "acme",
    "module": "sessions",
    "kind": "ordered",
    "run_id": "run-1",
    "state": "running",
    "since": "2027-03-01T00:00:00.000Z",
    "until": "2027-03-08T00:00:00.000Z",
    "touched_at": "2027-03-09T00:00:00.000Z",
    "synced_until": None,
    "pages": 0,
    "total": None,
    "objects": 0,
    "created": 0,
    "updated": 0,
    "unchanged": 0,
    "refused": 0,
    "stopped": 0,
    "samples": [],
    "problem": None,
}
REFUSED = {"object_id": "S-1", "field": "kwh", "problem": "is required"}


class Pulling(Deployed):
    """A stage whose run is found further on each time that it is looked at."""

    def __init__(self, *looks: dict[str, Any]) -> None:
        self.looks, self.asked = list(looks), list[Any]()

    def call(self, function: str, event: Any) -> Any:
        self.asked.append((function, event))
        if event["action"] == "pull":
            return RUN
        return {"runs": [{**RUN, **(self.looks.pop(0) if len(self.looks) > 1 else self.looks[0])}]}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LOOK_EVERY_S", 0)


def test_a_range_is_ordered_and_followed_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    half = {"pages": 1, "objects": 100, "created": 90, "unchanged": 10, "total": 150}
    offpeak = Pulling(half, half, {"state": "done", "pages": 2, "objects": 150, "created": 140, "unchanged": 10})
    order = ["sync", "acme", "--local", "--from", "2027-03-01", "--to", "2027-03-08T02:00:00+02:00"]

    assert main(order, lambda _: offpeak) == 0

    wanted = {"objects": "sessions", "from": "2027-03-01T00:00:00Z", "to": "2027-03-08T00:00:00Z"}
    assert offpeak.asked[0] == ("ops_history", {"action": "pull", "partner_id": "acme", **wanted})
    assert capsys.readouterr().out.splitlines()[1:] == [
        "running: 1 pages, 100 of about 150 sessions: 90 new, 10 known",
        "done: 2 pages, 150 sessions: 140 new, 10 known",
    ]


def test_the_whole_list_of_other_objects_may_be_ordered(capsys: pytest.CaptureFixture[str]) -> None:
    whole = {"module": "hubclientinfo", "since": None, "until": None, "state": "done", "objects": 3, "created": 3}
    offpeak = Pulling(whole)
    assert main(["sync", "acme", "--local", "--objects", "hubclientinfo"], lambda _: offpeak) == 0
    order = {"action": "pull", "partner_id": "acme", "objects": "hubclientinfo"}
    assert offpeak.asked[0] == ("ops_history", order)
    assert "3 hub clients: 3 new" in capsys.readouterr().out
    assert main(["history", "acme", "--local"], lambda _: offpeak) == 0
    assert "all hub clients" in capsys.readouterr().out


def test_a_run_that_fails_says_why_and_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Pulling({"state": "failed", "problem": "its Links lead in a circle", "refused": 1, "samples": [REFUSED]})
    assert main(["sync", "acme", "--local", "--from", "2027-03-01"], lambda _: offpeak) == 1
    told = capsys.readouterr()
    assert "refused: session S-1: kwh is required" in told.out
    assert "its Links lead in a circle" in told.err


def test_a_run_may_be_left_to_itself(capsys: pytest.CaptureFixture[str]) -> None:
    offpeak = Pulling(RUN)
    assert main(["sync", "acme", "--local", "--from", "2027-03-01", "--no-wait"], lambda _: offpeak) == 0
    assert len(offpeak.asked) == 1


def test_another_run_in_its_place_is_not_taken_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", "acme", "--local", "--from", "2027-03-01"], lambda _: Pulling({"run_id": "run-2"})) == 1
    assert "another run" in capsys.readouterr().err


def test_the_history_of_a_partner_is_shown_run_by_run(capsys: pytest.CaptureFixture[str]) -> None:
    scheduled = {"kind": "scheduled", "state": "done", "synced_until": "2027-03-08T06:00:00.000Z", "samples": [REFUSED]}
    assert main(["history", "acme", "--local"], lambda _: Pulling(scheduled)) == 0
    told = capsys.readouterr().out
    assert "complete up to 2027-03-08T06:00:00.000Z" in told
    assert "session S-1: kwh is required" in told


@pytest.mark.parametrize("text", ["yesterday", "2027-13-01", ""])
def test_what_is_no_time_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sync", "acme", "--local", "--from", text], lambda _: Pulling(RUN))
    assert "is no time such as" in capsys.readouterr().err

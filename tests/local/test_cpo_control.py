from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.cpo import CpoSimulator
from local.cpo.__main__ import main
from tests.local.cpo_scene import EVENING, registered_cpo
from tests.local.fake_offpeak import FULL_POWER, TOKEN_A, TOKEN_C, FakeOffpeak


def order(url: str, handle: str, **said: Any) -> httpx.Response:
    return httpx.post(f"{url}/_control/{handle}", json=said, trust_env=False)


def look(url: str, path: str = "state") -> Any:
    return httpx.get(f"{url}/_control/{path}".rstrip("/"), trust_env=False).json()


def test_a_person_plugs_in_lets_time_pass_and_unplugs_with_curl() -> None:
    with registered_cpo() as (cpo, offpeak):
        plugged = order(cpo.url, "plug-in", soc=0.4, phases=1, max_current_a=32).json()
        assert plugged == {"session_id": "SIM-00001", "now": "2026-01-30T18:00:00Z", "pushed": 1, "refused": []}
        assert order(cpo.url, "advance", minutes=30).json()["now"] == "2026-01-30T18:30:00Z"
        offpeak.set_profile("SIM-00001", FULL_POWER)
        assert order(cpo.url, "advance", to="2026-01-30T19:00:00Z").json()["refused"] == []

        state = look(cpo.url)
        assert (state["is_registered"], state["offpeak_token"]) == (True, TOKEN_C)
        (session,) = state["sessions"]
        assert (session["status"], session["power_w"], session["kwh"]) == ("ACTIVE", 7360.0, 7.36)
        shown = look(cpo.url, "sessions/sim-00001")
        assert shown["log"]["profile_calls"][0]["profile"]["unit"] == "W"
        assert shown["log"]["drawn"][0]["limit_w"] is None

        order(cpo.url, "unplug", session_id="SIM-00001")
        assert look(cpo.url)["sessions"][0]["status"] == "COMPLETED"
        assert offpeak.session_messages("SIM-00001")[-1].body["status"] == "COMPLETED"


def test_a_person_makes_it_misbehave_and_override_with_curl() -> None:
    with registered_cpo() as (cpo, offpeak):
        order(cpo.url, "plug-in", session_id="S1")
        assert order(cpo.url, "misbehave", answer="TOO_OFTEN", calls=1).json()["answer"] == "TOO_OFTEN"
        answers = [offpeak.set_profile("S1", FULL_POWER).json()["data"]["result"] for _ in range(2)]
        assert answers == ["TOO_OFTEN", "ACCEPTED"]
        assert order(cpo.url, "override", session_id="S1", current_a=6).status_code == 200
        assert look(cpo.url)["sessions"][0]["power_w"] == 4140.0


@pytest.mark.parametrize(
    ("handle", "said", "error"),
    [
        ("plug-in", {"soc": 1.5}, "soc: Input should be less than or equal to 1"),
        ("plug-in", {"leaves_at": "later"}, "leaves_at"),
        ("plug-in", {"leaves_at": "2020-01-01T00:00:00Z"}, "a car leaves after it arrives"),
        ("plug-in", {"colour": "red"}, "colour: Extra inputs are not permitted"),
        ("advance", {"to": "2020-01-01T00:00:00Z"}, "is past"),
        ("advance", {"minutes": -5}, "minutes"),
        ("unplug", {"session_id": "S9"}, "no session S9"),
        ("unplug", {}, "session_id: Field required"),
        ("override", {"session_id": "S9", "current_a": 6}, "no session S9"),
        ("misbehave", {"rude": True}, "rude: see GET /_control"),
        ("misbehave", {"lost": 2}, "lost: is a share from 0 to 1"),
        ("misbehave", {"answer": "MAYBE"}, "answer"),
    ],
)
def test_a_bad_order_is_answered_with_the_reason(handle: str, said: dict[str, Any], error: str) -> None:
    with CpoSimulator(start_at=EVENING) as cpo:
        answer = order(cpo.url, handle, **said)
        assert answer.status_code == 400
        assert error in answer.json()["error"]


def test_an_order_that_is_no_json_object_is_refused() -> None:
    with CpoSimulator(start_at=EVENING) as cpo:
        for content in (b"{", b"[]"):
            assert httpx.post(f"{cpo.url}/_control/advance", content=content, trust_env=False).status_code == 400


def test_the_list_of_handles_names_every_route() -> None:
    with CpoSimulator(start_at=EVENING) as cpo:
        handles = {each.split()[1].removeprefix("/_control/") for each in look(cpo.url, "")}
        assert handles >= {"register", "plug-in", "unplug", "advance", "override", "misbehave", "state"}
        for handle in handles - {"/_control", "state", "sessions/{session_id}"}:
            assert order(cpo.url, handle).status_code in (200, 400), handle


def test_the_program_serves_registers_and_ends(tmp_path: Path) -> None:
    url_file = tmp_path / "url"
    arguments = ["serve", "--url-file", str(url_file), "--dialect", "guide", "--start-at", "2026-01-30T18:00:00Z"]
    program = subprocess.Popen(
        [sys.executable, "-m", "local.cpo", *arguments], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
    )
    try:
        deadline = time.monotonic() + 20
        while not (url_file.exists() and url_file.read_text().endswith("\n")):
            assert program.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        url = url_file.read_text().strip()
        offpeak = FakeOffpeak()
        with offpeak.serve():
            assert (
                main(["register", "--cpo", url, "--offpeak-versions-url", offpeak.versions_url, "--token", TOKEN_A])
                == 0
            )
            order(url, "plug-in", session_id="S1")
            assert offpeak.session_messages("S1")[0].body.keys() == {
                *("id", "evse_uid", "status", "kwh", "start_date_time", "last_updated")
            }
    finally:
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=10) == 0
        assert program.stdout is not None
        assert b"/_control" in program.stdout.read()
        program.stdout.close()


def test_the_program_names_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    register = ["register", "--offpeak-versions-url", "http://127.0.0.1:9/", "--token", "A", "--cpo"]
    assert main([*register, "http://127.0.0.1:9"]) == 1
    assert "no simulator answers at http://127.0.0.1:9" in capsys.readouterr().err
    with CpoSimulator(start_at=EVENING) as cpo:
        assert main([*register, cpo.url]) == 1
        assert "GET http://127.0.0.1:9/" in capsys.readouterr().err
        assert main(["serve", "--port", cpo.url.rsplit(":", 1)[1]]) == 1
        assert "Address already in use" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["serve", "--start-at", "tonight"])
    assert "'tonight' is not a time" in capsys.readouterr().err


def test_the_help_shows_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert "register" in said
    assert "/_control/plug-in" in said

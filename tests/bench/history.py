"""How many sessions a second come in by a partner's list, beside as many that are pushed one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from local.cpo import CpoSimulator, Party, Settings, Style
from offpeak.history.model import Module, RunKind, RunState
from offpeak.history.store import HistoryStore
from tests.bench.report import Progress, Row
from tests.bench.sessions import EVENING, session_object
from tests.bench.stand import IN_FLIGHT, Stand

NAME = "history"
PARTNER, PARTY = "bench-history", Party("DE", "BHI")
SESSIONS = 600
ENDED = {"status": "COMPLETED", "kwh": 7}
"""Nobody plans what has ended, so that taking sessions is all that is measured."""
GIVEN_UP_AFTER_S = 300.0


def measure(stand: Stand, progress: Progress) -> list[Row]:
    style = Style(PARTY)
    with CpoSimulator(start_at=EVENING, settings=Settings(style)) as cpo:
        settings = {"name": "History", "parties": [f"{PARTY.country_code}-{PARTY.party_id}"]}
        order = {"action": "invite", "partner_id": PARTNER, "settings": settings}
        invitation = stand.cloud.invoke("ops_partners", order)
        cpo.register(invitation["versions_url"], invitation["token_a"])
        _pull(stand)  # warms up
        cpo.remember(*(listed(each) for each in stand.new_sessions(SESSIONS)))
        new_s = _timed(partial(_pull, stand))
        progress(f"{SESSIONS} new sessions from the list")
        again_s = _timed(partial(_pull, stand))
        progress("the same again")
    stand.cloud.wait_until_drained(GIVEN_UP_AFTER_S)
    puts = [partial(stand.outside.put, each, **ENDED) for each in stand.new_sessions(SESSIONS)]
    push = partial(stand.outside.run_at_once, puts, IN_FLIGHT)
    pushed_s = _timed(push)
    progress("as many pushed one by one")
    stand.cloud.wait_until_drained(GIVEN_UP_AFTER_S)
    return rows(new_s, again_s, pushed_s, SESSIONS)


def rows(new_s: float, again_s: float, pushed_s: float, sessions: int) -> list[Row]:
    """Return the rates of a list that is new, of one that is known, and of PUTs."""
    beside = f"{sessions / pushed_s:.0f} PUTs, {IN_FLIGHT} at once"
    return [
        Row(NAME, what, f"{sessions / took_s:.0f}", beside, f"{pushed_s / took_s:.2f}")
        for what, took_s in (("new sessions a second, one worker", new_s), ("known sessions a second", again_s))
    ]


def listed(session_id: str) -> Mapping[str, Any]:
    """A session as the list has it."""
    party = {"country_code": PARTY.country_code, "party_id": PARTY.party_id}
    return {**session_object(session_id), **party, **ENDED}


def _pull(stand: Stand) -> None:
    """Pull all that there is, and wait for the last page."""
    store = HistoryStore(stand.cloud.table("history"))
    order = {"action": "pull", "partner_id": PARTNER, "from": "2025-01-01T00:00:00Z"}
    run_id = stand.cloud.invoke("ops_history", order)["run_id"]
    deadline = time.monotonic() + GIVEN_UP_AFTER_S
    while (
        (run := store.run(PARTNER, Module.SESSIONS, RunKind.ORDERED)) is None or run.run_id != run_id or run.is_running
    ):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the pull stands still: {run}")
        time.sleep(0.02)
    if run.state is not RunState.DONE:
        raise RuntimeError(f"the pull failed: {run.problem}")


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

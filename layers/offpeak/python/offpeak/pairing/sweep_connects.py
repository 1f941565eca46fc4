"""The sweep of connect sessions, every minute: codes whose validation got lost on its way are asked for again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.errors import ConcurrentChange
from offpeak.pairing import connect
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.connect import ConnectSession
from offpeak.pairing.connect_store import SHARDS, ConnectStore
from offpeak.pairing.validate import report_settled
from offpeak.telemetry import count, logger

GIVEN_UP_AFTER = timedelta(minutes=10)
"""A code that nobody could settle for so long, because something is broken, is settled here."""
MOST = 100
"""Of a shard, in one sweep."""


@dataclass(frozen=True, slots=True)
class ConnectSweeper:
    """What it takes. `ask` has a session's code asked for."""

    connects: ConnectStore
    accounts: AccountStore
    ask: Callable[[ConnectSession], None]
    real_now: Callable[[], datetime]


def sweep_connects(by: ConnectSweeper) -> int:
    """Ask again for codes that should have been heard of; return how many. Those that nobody could settle for ten
    minutes are: the charger is there, or the driver is told to try again."""
    now, found = by.real_now(), 0
    for shard in range(SHARDS):
        for session in by.connects.due(shard, now, MOST):
            found += 1
            try:
                _taken_up(session, by, now)
            except ConcurrentChange:
                continue  # It has moved on.
    if found:
        logger.info("pairings_swept", found=found)
        count("PairingsTakenUp", found)
    return found


def _taken_up(session: ConnectSession, by: ConnectSweeper, now: datetime) -> None:
    assert session.asked_since is not None
    if now - session.asked_since < GIVEN_UP_AFTER:
        by.ask(by.connects.save(replace(session, due_at=now + connect.ANSWERED_WITHIN)))
        return
    # Looked for after the session was read: linking changes that, and what follows is not written then.
    is_linked = session.charger is not None and by.accounts.charger(session.charger) is not None
    report_settled(by.connects.save(connect.paired(session) if is_linked else connect.not_answered(session)))

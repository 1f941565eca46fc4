"""Plan anew what runs at an EVSE, because whose it is has changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.store import SessionStore


def plan_anew_at(
    partner_id: str,
    evse_uids: Iterable[str],
    store: SessionStore,
    queue: PlanQueue,
    *,
    now: datetime,
    received_at: datetime,
) -> int:
    """Count a cause of a plan for each open session at EVSEs and ask for it; return how many there are.

    `now` is the time that sessions live in, `received_at` the real time. One that is missed, because it had just begun,
    is planned within a quarter of an hour, as all are.
    """
    asked = 0
    for evse_uid in evse_uids:
        for key in store.at_evse(partner_id, evse_uid):
            wanted = store.want_plan(key, now=now, received_at=received_at)
            if wanted is not None:
                queue.ask(key, wanted)
                asked += 1
    return asked

"""Plan all active sessions again: every quarter of an hour, and when prices or settings have changed.

The sessions are walked in pages, each a message of its own, so that a million of them are as safe as ten: a page that
fails comes again, and none is read twice for another's sake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from offpeak.aws.queues import FairQueue
from offpeak.instants import format_instant, parse_instant
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.store import SHARDS, SessionStore
from offpeak.telemetry import count, logger

PAGE = 100


def ask_for_plans(partner_ids: Iterable[str], replan_queue: FairQueue, *, changed_at: datetime | None) -> None:
    """Ask for fresh plans for all active sessions of these partners.

    `changed_at` is the real time, after it was stored, of the change of prices or settings that they shall hold; None
    where time has passed and nothing else.
    """
    changed = format_instant(changed_at) if changed_at else None
    for partner_id in partner_ids:
        replan_queue.send_all([_page(partner_id, shard, None, changed) for shard in range(SHARDS)], group=partner_id)


def want_plans(
    partner_id: str,
    shard: int,
    after: str | None,
    changed: str | None,
    sessions: SessionStore,
    plan_queue: PlanQueue,
    replan_queue: FairQueue,
    *,
    now: datetime,
    at: datetime,
) -> int:
    """Want a plan for each session of one page, and ask for the next page; return how many want one.

    `changed` is the instant of a change that the plans shall hold, as ask_for_plans sent it; `now` is the sessions'
    time, `at` the real one. The next page is asked for last: a page that fails comes again, and must not start the walk
    beyond it twice.
    """
    changed_at = parse_instant(changed) if changed else None
    keys, next_after = sessions.active(partner_id, shard, after, PAGE)
    wanted = 0
    for key in keys:
        plan_wanted = sessions.want_plan(key, now=now, received_at=at, basis_changed_at=changed_at)
        if plan_wanted is not None:
            plan_queue.ask(key, plan_wanted)
            wanted += 1
    if next_after is not None:
        replan_queue.send(_page(partner_id, shard, next_after, changed), group=partner_id)
    count("PlansWanted", wanted)
    logger.info("plans_wanted", partner_id=partner_id, shard=shard, sessions=wanted, has_more=next_after is not None)
    return wanted


def _page(partner_id: str, shard: int, after: str | None, changed: str | None) -> Mapping[str, str | int | None]:
    return {"partner_id": partner_id, "shard": shard, "after": after, "changed": changed}

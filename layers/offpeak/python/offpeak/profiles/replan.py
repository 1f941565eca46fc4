"""Plan all active sessions again: every quarter of an hour, and when prices or settings have changed.

The sessions are walked in pages, each a message of its own, so that a million of them are as safe as ten: a page that
fails comes again, and none is read twice for another's sake.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from offpeak.aws.queues import FairQueue
from offpeak.instants import format_instant, parse_instant
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.store import SHARDS, SessionStore
from offpeak.telemetry import count, logger

PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Active sessions of a partner's shard that come after one, None for the first ones.

    `changed_at` is the real time of the change that their plans shall hold, None where time has passed and nothing
    else. Only sessions of `zones`, and those of which no zone is known yet, are meant; None where all are.
    """

    partner_id: str
    shard: int
    after: str | None = None
    changed_at: datetime | None = None
    zones: tuple[str, ...] | None = None

    @property
    def message(self) -> Mapping[str, str | int | None]:
        return {
            "partner_id": self.partner_id,
            "shard": self.shard,
            "after": self.after,
            "changed": format_instant(self.changed_at) if self.changed_at else None,
            "zones": None if self.zones is None else ",".join(self.zones),
        }


def page_in(message: Mapping[str, str | int | None]) -> Page:
    after, changed, zones = message["after"], message.get("changed"), message.get("zones")
    return Page(
        str(message["partner_id"]),
        int(message["shard"] or 0),
        None if after is None else str(after),
        None if changed is None else parse_instant(str(changed)),
        None if zones is None else tuple(str(zones).split(",")),
    )


def ask_for_plans(
    partner_ids: Iterable[str],
    replan_queue: FairQueue,
    *,
    changed_at: datetime | None,
    zones: Collection[str] | None = None,
) -> None:
    """Ask for fresh plans for all active sessions of these partners, or for those in some bidding zones.

    `changed_at` is the real time, after it was stored, of the change of prices or settings that they shall hold; None
    where time has passed and nothing else.
    """
    among = None if zones is None else tuple(sorted(zones))
    for partner_id in partner_ids:
        pages = [Page(partner_id, shard, None, changed_at, among) for shard in range(SHARDS)]
        replan_queue.send_all([each.message for each in pages], group=partner_id)


def want_plans(
    page: Page,
    sessions: SessionStore,
    plan_queue: PlanQueue,
    replan_queue: FairQueue,
    *,
    now: datetime,
    at: datetime,
) -> int:
    """Want a plan for each session of one page, and ask for the next page; return how many want one.

    `now` is the sessions' time, `at` the real one. The next page is asked for last: a page that fails comes again, and
    must not start the walk beyond it twice.
    """
    keys, next_after = sessions.active(page.partner_id, page.shard, page.after, PAGE)
    wanted = 0
    for key in keys:
        plan_wanted = sessions.want_plan(
            key, now=now, received_at=at, basis_changed_at=page.changed_at, zones=page.zones
        )
        if plan_wanted is not None:
            plan_queue.ask(key, plan_wanted)
            wanted += 1
    if next_after is not None:
        replan_queue.send(replace(page, after=next_after).message, group=page.partner_id)
    count("PlansWanted", wanted)
    logger.info(
        "plans_wanted",
        partner_id=page.partner_id,
        shard=page.shard,
        sessions=wanted,
        has_more=next_after is not None,
    )
    return wanted

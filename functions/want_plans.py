"""The replan queue's worker: wants a plan for each session of one page of a partner's active ones."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak import wiring
from offpeak.edge import Message, queue_handler
from offpeak.profiles.replan import want_plans


def process(message: Message) -> None:
    after, changed = message["after"], message.get("changed")
    want_plans(
        str(message["partner_id"]),
        int(message["shard"] or 0),
        None if after is None else str(after),
        None if changed is None else str(changed),
        wiring.sessions(),
        wiring.plan_queue(),
        wiring.replan_queue(),
        now=wiring.clock().now(),
        at=datetime.now(UTC),
    )


handler = queue_handler(process)

"""The replan queue's worker: wants a plan for each session of one page of a partner's active ones."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak import wiring
from offpeak.edge import Message, queue_handler
from offpeak.profiles.replan import page_in, want_plans


def process(message: Message) -> None:
    want_plans(
        page_in(message),
        wiring.sessions(),
        wiring.plan_queue(),
        wiring.replan_queue(),
        now=wiring.clock().now(),
        at=datetime.now(UTC),
    )


handler = queue_handler(process)

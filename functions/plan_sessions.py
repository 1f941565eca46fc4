"""The plan queue's worker: plans a session, or a tree of limit groups, that wants it, and saves what is to be sent."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from offpeak import wiring
from offpeak.edge import Message, fifo_handler
from offpeak.profiles.gather import Planner
from offpeak.profiles.plan import plan_asked


def planner() -> Planner:
    return Planner(
        sessions=wiring.sessions(),
        profiles=wiring.profiles(),
        partners=wiring.partners(),
        prices=wiring.price_memory(),
        signals=wiring.signal_memory(),
        sites=wiring.sites(),
        groups=wiring.groups(),
        habits=wiring.habits(),
        drivers=wiring.drivers(),
        own_markets=wiring.own_markets(),
        plan_queue=wiring.plan_queue(),
        send_queue=wiring.send_queue(),
        outbox=wiring.outbox(),
        real_now=lambda: datetime.now(UTC),
        new_id=lambda: secrets.token_urlsafe(24),
    )


def process(messages: list[Message]) -> None:
    plan_asked(messages, planner(), now=wiring.clock().now())


handler = fifo_handler(process, watch=wiring.watch)

"""The plan queue's worker: plans a session that wants a plan, and saves what is to be sent."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from offpeak import wiring
from offpeak.edge import Message, queue_handler
from offpeak.profiles.plan import plan_session
from offpeak.sessions.model import SessionKey


def process(message: Message) -> None:
    plan_session(
        SessionKey(str(message["partner_id"]), str(message["session_id"])),
        sessions=wiring.sessions(),
        profiles=wiring.profiles(),
        partners=wiring.partners(),
        prices=wiring.price_memory(),
        sites=wiring.sites(),
        send_queue=wiring.send_queue(),
        request_id=secrets.token_urlsafe(24),
        now=wiring.clock().now(),
        planned_at=datetime.now(UTC),
    )


handler = queue_handler(process, fifo=True, watch=wiring.watch)

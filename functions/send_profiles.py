"""The send queue's worker: carries one profile request to its CPO."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from functools import cache

from offpeak import wiring
from offpeak.edge import Message, queue_handler
from offpeak.profiles.dispatch import Sender, send_profile


@cache
def sender() -> Sender:
    return Sender(
        profiles=wiring.profiles(),
        sessions=wiring.sessions(),
        partners=wiring.partners(),
        gates=wiring.gates(),
        tokens=wiring.peer_tokens(),
        client=wiring.ocpi_client(),
        send_queue=wiring.send_queue(),
        plan_queue=wiring.plan_queue(),
        outbox=wiring.outbox(),
        base_url=wiring.base_url(),
        real_now=lambda: datetime.now(UTC),
        new_id=lambda: secrets.token_urlsafe(24),
    )


def process(message: Message) -> None:
    send_profile(str(message["request_id"]), sender(), now=wiring.clock().now())


handler = queue_handler(process, watch=wiring.watch)

"""The events queue's worker: numbers what waits in a stream's outbox, and hands it to the tenant's webhooks."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import Message, fifo_handler
from offpeak.events.model import Stream


def process(messages: list[Message]) -> None:
    """All messages of a group are about one stream, and say nothing but that it waits."""
    message = messages[-1]
    user_id, charger_id = message.get("user_id"), message.get("charger_id")
    wiring.publisher().publish(
        Stream(
            str(message["tenant_id"]),
            None if user_id is None else str(user_id),
            None if charger_id is None else str(charger_id),
        )
    )


handler = fifo_handler(process)

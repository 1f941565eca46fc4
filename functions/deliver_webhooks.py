"""The webhooks queue's worker: sends a receiver what waits for it, in order."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import Message, queue_handler
from offpeak.webhooks.deliver import deliver
from offpeak.webhooks.model import WebhookKey


def process(message: Message) -> None:
    deliver(WebhookKey(str(message["tenant_id"]), str(message["webhook_id"])), wiring.courier())


handler = queue_handler(process)

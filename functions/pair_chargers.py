"""The pairing queue's worker: asks a CPO for a code that a driver has typed, and links the charger."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import Message, queue_handler
from offpeak.pairing.model import UserKey
from offpeak.pairing.validate import validate


def process(message: Message) -> None:
    user = UserKey(str(message["tenant_id"]), str(message["user_id"]))
    validate(user, str(message["connect_id"]), str(message["attempt_id"]), wiring.validator())


handler = queue_handler(process)

"""Asks for a code to be validated: a message on the pairing queue, which is fair between partners.

The message holds ids only. The connect session's row says the same and more, and is found by the sweep where the
message got lost.
"""

from __future__ import annotations

from offpeak.aws.queues import FairQueue
from offpeak.errors import QueueUnavailable
from offpeak.pairing.connect import ConnectSession
from offpeak.telemetry import logger


def ask_for(session: ConnectSession, queue: FairQueue, *, delay_s: int = 0) -> None:
    """Have the code of a session validated by the partner that is next, in `delay_s` seconds."""
    message = {
        "tenant_id": session.user.tenant_id,
        "user_id": session.user.user_id,
        "connect_id": session.connect_id,
        "attempt_id": session.attempt_id,
    }
    try:
        queue.send(message, group=session.partner_ids[0], delay_s=delay_s)
    except QueueUnavailable as error:
        logger.warning("pairing_left_to_sweep", connect_id=session.connect_id, problem=str(error))

"""The send queue: one message says that a request wants to go out. Losing it loses nothing: the row is due as well."""

from __future__ import annotations

from offpeak.aws.queues import FairQueue
from offpeak.errors import QueueUnavailable
from offpeak.profiles.model import ProfileRequest
from offpeak.telemetry import logger


def ask_to_send(queue: FairQueue, request: ProfileRequest, *, delay_s: int = 0) -> None:
    """Ask for `request` to be sent in `delay_s` seconds, fairly between partners.

    A queue that fails is logged and left to the sweep.
    """
    try:
        queue.send({"request_id": request.request_id}, group=request.key.partner_id, delay_s=delay_s)
    except QueueUnavailable as error:
        logger.warning("profile_left_to_sweep", request_id=request.request_id, problem=str(error))

"""The plan queue: one message says that a session wants a plan. Losing it loses nothing: the row says it too."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from offpeak.aws.queues import FifoQueue
from offpeak.errors import QueueUnavailable
from offpeak.sessions.model import SessionKey
from offpeak.telemetry import logger


class PlanQueue:
    """Plans are made in order within a group; a session is a group of its own."""

    def __init__(self, queue: FifoQueue) -> None:
        self._queue = queue

    def ask(self, key: SessionKey, plan_wanted: int, minute: datetime | None = None) -> None:
        """Ask for the plan that `plan_wanted` counts.

        A FIFO queue remembers a deduplication id for five minutes even after delivery, so the sweep, which asks
        again for what got lost, adds the minute. A queue that fails is logged and left to the sweep.
        """
        group = sha256(key.text.encode()).hexdigest()[:32]
        again = f"#{minute:%Y%m%dT%H%M}" if minute else ""
        try:
            self._queue.send(
                {"partner_id": key.partner_id, "session_id": key.session_id, "plan_wanted": plan_wanted},
                group=group,
                deduplication_id=f"{group}#{plan_wanted}{again}",
            )
        except QueueUnavailable as error:
            logger.warning("plan_request_left_to_sweep", partner_id=key.partner_id, problem=str(error))

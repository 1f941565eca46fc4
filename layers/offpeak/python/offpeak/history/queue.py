"""The history queue: one message says that a run wants its next page. If it is lost, the clock finds the run."""

from __future__ import annotations

from datetime import datetime
from math import ceil

from offpeak.aws.queues import FairQueue
from offpeak.errors import QueueUnavailable
from offpeak.history.model import Run
from offpeak.telemetry import logger

LONGEST_DELAY_S = 240
"""SQS could do more, but a message that waits for long looks to the alarms as if nobody worked it."""


class HistoryQueue:
    """Pages are worked fairly between partners."""

    def __init__(self, queue: FairQueue) -> None:
        self._queue = queue

    def ask(self, run: Run, at: datetime) -> None:
        """Ask for the page at which a run stands, once it is due; `at` is the real time now.

        Whoever gets the message too early asks again. A queue that fails is logged and left to the clock.
        """
        delay_s = min(max(0, ceil((run.due_at - at).total_seconds())), LONGEST_DELAY_S)
        message = {
            "partner_id": run.partner_id,
            "module": run.module.value,
            "kind": run.kind.value,
            "run_id": run.run_id,
            "step": run.step,
        }
        try:
            self._queue.send(message, group=run.partner_id, delay_s=delay_s)
        except QueueUnavailable as error:
            logger.warning("page_left_to_clock", partner_id=run.partner_id, run_id=run.run_id, problem=str(error))

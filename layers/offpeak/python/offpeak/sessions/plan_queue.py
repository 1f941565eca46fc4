"""The plan queue: one message says that a session, or a tree of limit groups, wants a plan. Losing it loses nothing:
the row says it too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from offpeak.aws.queues import FifoQueue
from offpeak.errors import QueueUnavailable
from offpeak.sessions.model import SessionKey
from offpeak.telemetry import logger

Message = Mapping[str, str | int | None]


class PlanQueue:
    """Plans are made in order within a message group: a session by itself, or a tree of limit groups."""

    def __init__(self, queue: FifoQueue) -> None:
        self._queue = queue

    def ask(
        self, key: SessionKey, plan_wanted: int, minute: datetime | None = None, *, root_id: str | None = None
    ) -> None:
        """Ask for the plan that `plan_wanted` counts, in the order of a tree of limit groups where `root_id` names one.

        A FIFO queue remembers a deduplication id for five minutes even after delivery, so the sweep, which asks
        again for what got lost, adds the minute. A queue that fails is logged and left to the sweep.
        """
        said: Message = {"partner_id": key.partner_id, "session_id": key.session_id, "plan_wanted": plan_wanted}
        if root_id is not None:
            said = {**said, "root_id": root_id}
        self._send(said, key.text, plan_wanted, minute, root_id)

    def ask_group(self, root_id: str, plan_wanted: int, minute: datetime | None = None) -> None:
        """Ask for the plan of a whole tree of limit groups, as `ask` does for a session."""
        self._send({"root_id": root_id, "plan_wanted": plan_wanted}, _tree_key(root_id), plan_wanted, minute, root_id)

    def _send(self, said: Message, key: str, plan_wanted: int, minute: datetime | None, root_id: str | None) -> None:
        group = _short(key if root_id is None else _tree_key(root_id))
        again = f"#{minute:%Y%m%dT%H%M}" if minute else ""
        asker = group if root_id is None else f"{group}#{_short(key)}"
        try:
            self._queue.send(said, group=group, deduplication_id=f"{asker}#{plan_wanted}{again}")
        except QueueUnavailable as error:
            logger.warning(
                "plan_request_left_to_sweep",
                partner_id=said.get("partner_id"),
                root_id=said.get("root_id"),
                problem=str(error),
            )


def _tree_key(root_id: str) -> str:
    """Return what no session has as its key: partner ids hold no slash."""
    return f"/{root_id}"


def _short(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:32]

"""What is asked of the planner: a session's plan, or that of a whole tree of limit groups."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from offpeak.aws.queues import FifoQueue
from offpeak.sessions.model import SessionKey
from offpeak.sessions.plan_queue import PlanQueue


class Sent:
    def __init__(self) -> None:
        self.messages = list[dict[str, Any]]()

    def send_message(self, **message: Any) -> None:
        self.messages.append(message)


def test_a_tree_is_a_message_group_of_its_own_and_each_cause_is_asked_once() -> None:
    sent = Sent()
    queue = PlanQueue(FifoQueue(sent, "plan.fifo"))  # type: ignore[arg-type]
    queue.ask_group("site", 7)
    queue.ask_group("site", 8)
    queue.ask_group("site", 8, datetime(2027, 3, 1, 18, 5, tzinfo=UTC))
    queue.ask_group("other", 8)
    queue.ask(SessionKey("site", ""), 8)
    assert json.loads(sent.messages[0]["MessageBody"]) == {"root_id": "site", "plan_wanted": 7}
    groups = [each["MessageGroupId"] for each in sent.messages]
    assert groups[0] == groups[1] == groups[2]
    assert len(set(groups)) == 3
    assert len({each["MessageDeduplicationId"] for each in sent.messages}) == 5

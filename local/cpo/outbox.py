"""The messages of one session on their way out: in order, unless told to misbehave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from local.cpo.messages import Message
from local.cpo.misbehaviour import Misbehaviour
from local.cpo.session import ReportKind


@dataclass(frozen=True, slots=True)
class Posting:
    """A message with the simulated time before which it is not sent."""

    message: Message
    due_at: datetime


class Outbox:
    """Messages go in as they arise and come out as they fall due. `lost` holds those that never come out."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._waiting: list[Posting] = []
        self._held: Posting | None = None
        self.lost: list[Message] = []

    def add(self, message: Message, wrong: Misbehaviour) -> None:
        """Take a message. A session's last message is not held back for one that follows: there is none."""
        is_lost, is_twice, is_swapped, is_late = (
            self._random.random() < share for share in (wrong.lost, wrong.duplicated, wrong.reordered, wrong.late)
        )
        is_last = message.report.kind is ReportKind.END
        posting = Posting(message, message.report.at + timedelta(seconds=wrong.late_by_s if is_late else 0))
        if is_lost:
            self.lost.append(message)
        elif is_swapped and self._held is None and not is_last:
            self._held = posting
            return
        else:
            self._waiting += [posting, posting] if is_twice else [posting]
        if self._held is not None and (is_last or not is_lost):
            self._waiting.append(replace(self._held, due_at=max(self._held.due_at, posting.due_at)))
            self._held = None

    def take(self, now: datetime) -> list[Message]:
        """Return what is due by `now`, first due first, and forget it."""
        due = sorted((each for each in self._waiting if each.due_at <= now), key=lambda each: each.due_at)
        self._waiting = [each for each in self._waiting if each.due_at > now]
        return [each.message for each in due]

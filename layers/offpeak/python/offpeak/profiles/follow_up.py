"""What follows when a request was settled: a question to the CPO, or a plan for those who waited for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from offpeak.aws.queues import FairQueue
from offpeak.events.outbox import Outbox
from offpeak.profiles.send_queue import ask_to_send
from offpeak.profiles.settle import Settled
from offpeak.sessions.model import SessionKey
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.store import SessionStore


class Tells(Protocol):
    """Where what follows goes. `real_now` tells the real time."""

    @property
    def sessions(self) -> SessionStore: ...
    @property
    def plan_queue(self) -> PlanQueue: ...
    @property
    def send_queue(self) -> FairQueue: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def real_now(self) -> Callable[[], datetime]: ...


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where what follows goes, for those who need nothing else."""

    sessions: SessionStore
    plan_queue: PlanQueue
    send_queue: FairQueue
    outbox: Outbox
    real_now: Callable[[], datetime]


def follow_up(settled: Settled, to: Tells, now: datetime) -> None:
    """Ask what is to be asked of the CPO, and have those planned who waited for what became of the request.

    A process that dies before it asks for the plan loses a minute: whoever waits wakes by himself.
    """
    if settled.question:
        ask_to_send(to.send_queue, settled.question)
    if settled.awaited_by:
        plan_tree(settled.request.key, settled.awaited_by, to, now)


def plan_tree(key: SessionKey, root_id: str, to: Tells, now: datetime) -> None:
    """Have the tree of limit groups planned that a session is in, because of that session."""
    wanted = to.sessions.want_plan(key, now=now, received_at=to.real_now())
    if wanted is not None:
        to.plan_queue.ask(key, wanted, root_id=root_id)

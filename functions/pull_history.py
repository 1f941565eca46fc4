"""The history queue's worker: pulls one page of a partner's list of sessions."""

from __future__ import annotations

from functools import partial

from offpeak import wiring
from offpeak.edge import Message, queue_handler
from offpeak.history.model import RunKind
from offpeak.history.pull import Puller, pull_page
from offpeak.history.stop import outlived
from offpeak.history.take import Taker


def process(message: Message) -> None:
    now = wiring.clock().now()
    puller = Puller(
        begin=wiring.history_beginner(),
        partners=wiring.partners(),
        gates=wiring.gates(),
        tokens=wiring.peer_tokens(),
        client=wiring.ocpi_client(),
        taker=Taker(wiring.sessions(), wiring.plan_queue(), stop=partial(outlived, now=now)),
    )
    kind, step = RunKind(str(message["kind"])), int(message["step"] or 0)
    pull_page(str(message["partner_id"]), kind, str(message["run_id"]), step, puller, now=now)


handler = queue_handler(process, fifo=False)

"""The history queue's worker: pulls one page of a partner's lists."""

from __future__ import annotations

from functools import partial

from offpeak import wiring
from offpeak.edge import Message, queue_handler
from offpeak.history.model import Module, RunKind
from offpeak.history.pull import Puller, pull_page
from offpeak.history.readers import HubClientReader, LocationReader, SessionReader, TariffReader
from offpeak.history.stop import outlived


def process(message: Message) -> None:
    now = wiring.clock().now()
    begin = wiring.history_beginner()
    puller = Puller(
        begin=begin,
        partners=wiring.partners(),
        gates=wiring.gates(),
        tokens=wiring.peer_tokens(),
        client=wiring.ocpi_client(),
        readers={
            Module.SESSIONS: SessionReader(
                wiring.sessions(),
                wiring.plan_queue(),
                partial(outlived, now=now),
                begin.real_now,
                wiring.refuses_session,
            ),
            Module.LOCATIONS: LocationReader(wiring.locations()),
            Module.TARIFFS: TariffReader(wiring.tariffs()),
            Module.HUB_CLIENTS: HubClientReader(wiring.hub_clients()),
        },
    )
    module, kind = Module(str(message["module"])), RunKind(str(message["kind"]))
    step = int(message["step"] or 0)
    pull_page(str(message["partner_id"]), module, kind, str(message["run_id"]), step, puller, now=now)


handler = queue_handler(process)

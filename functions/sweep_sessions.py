"""Every minute: takes up what was lost on its way and what has run out of time."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.profiles.sweep import Sweeper, sweep


def sweep_profiles() -> None:
    sweeper = Sweeper(
        profiles=wiring.profiles(),
        sessions=wiring.sessions(),
        groups=wiring.groups(),
        partners=wiring.partners(),
        plan_queue=wiring.plan_queue(),
        send_queue=wiring.send_queue(),
        outbox=wiring.outbox(),
        real_now=lambda: datetime.now(UTC),
        new_id=lambda: secrets.token_urlsafe(24),
    )
    sweep(sweeper, now=wiring.clock().now())


def take_up_signals() -> None:
    wiring.signal_replans().sweep(wiring.clock().now())


handler = clock_handler(sweep_profiles, take_up_signals, watch=wiring.watch)

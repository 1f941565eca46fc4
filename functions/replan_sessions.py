"""Every quarter of an hour: asks for fresh plans for all active sessions, because time has passed."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.profiles.replan import ask_for_plans


def run() -> None:
    registered = (each.partner_id for each in wiring.partners().all() if each.is_registered)
    ask_for_plans(registered, wiring.replan_queue(), changed_at=None)


handler = clock_handler(run)

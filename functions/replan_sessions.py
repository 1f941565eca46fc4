"""Every quarter of an hour: asks for fresh plans for all active sessions, because time has passed."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.profiles.replan import ask_for_plans


def run() -> None:
    ask_for_plans((partner.partner_id for partner in wiring.partners().all()), wiring.replan_queue())


handler = clock_handler(run)

"""Every ten minutes: renew the access tokens that we call partners with, and look after the keys of our own."""

from __future__ import annotations

from datetime import UTC, datetime

from offpeak import edge, wiring
from offpeak.partners.peer_tokens import refresh_tokens


def run() -> None:
    now = datetime.now(UTC)
    wiring.signer().look_after_keys(now)
    refresh_tokens(wiring.peer_tokens(), now)


handler = edge.clock_handler(run)

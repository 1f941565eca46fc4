"""Every hour: renew the tokens of the connections where they are a month old, or where an attempt was not answered."""

from __future__ import annotations

from itertools import islice

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.partners.audit import Actor
from offpeak.partners.rotate import all_due, rotate_one

MOST_AT_ONCE = 20
"""Each may take a quarter of a minute where the partner is slow."""


def run() -> None:
    for partner in list(islice(all_due(wiring.partners(), wiring.clock().now()), MOST_AT_ONCE)):
        rotate_one(partner, wiring.initiator(Actor("rotate_tokens", "clock"), partner))


handler = clock_handler(run)

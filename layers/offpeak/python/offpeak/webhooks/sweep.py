"""The sweep of lanes, every minute: those whose message was lost, and those whose next try is due."""

from __future__ import annotations

from datetime import datetime

from offpeak.aws.queues import FairQueue
from offpeak.telemetry import count, logger
from offpeak.webhooks.hand_over import ask_to_deliver
from offpeak.webhooks.lanes import LaneStore
from offpeak.webhooks.rows import SHARDS

MOST = 500
"""Lanes taken from a shard in one sweep; the next sweep takes the rest."""


def sweep_lanes(lanes: LaneStore, queue: FairQueue, now: datetime) -> int:
    """Ask for each lane that has to be looked at by `now`, the house's time; return how many those are."""
    asked = 0
    for shard in range(SHARDS):
        for key in lanes.due(shard, now, MOST):
            ask_to_deliver(queue, key)
            asked += 1
    if asked:
        count("WebhooksSwept", asked)
        logger.info("webhooks_swept", asked=asked)
    return asked

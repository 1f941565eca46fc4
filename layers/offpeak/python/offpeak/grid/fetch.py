"""Fetch carbon intensity: ask the feed for every zone that is weighed by it, store it as a signal of the zone."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from offpeak.errors import ConcurrentChange, PeerUnavailable, PeerUnusable
from offpeak.grid.model import Scope, Signal
from offpeak.grid.store import SignalStore
from offpeak.telemetry import count, logger

DAY = timedelta(days=1)
MATERIAL_G_PER_KWH = Decimal(10)
MATERIAL_SHARE = Decimal("0.05")
"""A forecast that moves by less than the larger of both asks for no plans; those of the next quarter-hour see it."""


class CarbonFeed(Protocol):
    """Where carbon intensity is told."""

    def fetch(self, zone: str, first: date, last: date) -> Signal:
        """Return what is told of these days. Raises PeerUnavailable or PeerUnusable."""
        ...


def fetch_carbon(
    feed: CarbonFeed, store: SignalStore, zones: Iterable[str], watched: Container[str], now: datetime, at: datetime
) -> None:
    """Store what the feed tells of today and tomorrow, and want plans where that is materially different.

    `now` is the time that signals live in, `at` the real one. A zone whose feed fails keeps what it has until that
    ends, and holds up no other; the next fetch tries again. It is counted, and wakes somebody,
    where the zone is `watched`.
    """
    for zone in zones:
        try:
            fetched = feed.fetch(zone, now.date(), now.date() + DAY)
            _check_reaches(fetched, now)
            _store(fetched, store, now, at)
        except (PeerUnavailable, PeerUnusable) as error:
            count("CarbonFeedFailed", int(zone in watched))
            logger.error("carbon_feed_failed", zone=zone, problem=str(error))
        except ConcurrentChange:
            logger.info("carbon_was_newer", zone=zone)


def is_material(before: Signal | None, after: Signal, now: datetime) -> bool:
    """Say whether what is told of the time ahead has changed by more than forecasts do from one hour to the next."""
    if before is None or before.end_at is None or before.end_at <= now:
        return True
    instants = {now, *(step.start_at for each in (before, after) for step in each.steps if step.start_at > now)}
    pairs = [(before.value_at(each), after.value_at(each)) for each in instants]
    return any(
        abs(new - old) > max(MATERIAL_G_PER_KWH, old * MATERIAL_SHARE)
        for old, new in pairs
        if old is not None and new is not None
    )


def _check_reaches(fetched: Signal, now: datetime) -> None:
    if fetched.end_at is None or fetched.end_at <= now:
        raise PeerUnusable(3001, "carbon feed: tells nothing of the time ahead")


def _store(fetched: Signal, store: SignalStore, now: datetime, at: datetime) -> None:
    scope: Scope = fetched.scope
    before = next((each for each in store.of(scope) if each.signal_id == fetched.signal_id), None)
    material = is_material(before, fetched, now)
    saved = store.save(before, fetched, now=now, at=at, wants_plans=material)
    logger.info("carbon_stored", zone=scope.zone, steps=len(saved.steps), until=str(saved.end_at), material=material)

"""Find signals: those of a scope or all, of a time or of any, by pages in the order of their ids."""

from __future__ import annotations

from datetime import datetime

from offpeak.grid.model import Scope, Signal
from offpeak.grid.store import SignalStore


def find_signals(
    store: SignalStore,
    scope: Scope | None,
    from_at: datetime | None,
    until: datetime | None,
    *,
    after: str | None,
    limit: int,
) -> tuple[list[Signal], str | None]:
    """Return a page of signals that say something between `from_at` and `until` (None: no bound), and where the next
    page starts. Of pages of all scopes those of another time are left out, so that a page may be short."""
    if scope is None:
        page, next_after = store.page(after, limit)
        return [each for each in page if _is_of(each, from_at, until)], next_after
    its = [each for each in store.of(scope) if after is None or each.signal_id > after]
    found = [each for each in its if _is_of(each, from_at, until)]
    return found[:limit], found[limit - 1].signal_id if len(found) > limit else None


def _is_of(signal: Signal, from_at: datetime | None, until: datetime | None) -> bool:
    begins_in_time = until is None or signal.start_at < until
    return begins_in_time and (from_at is None or signal.end_at is None or signal.end_at > from_at)

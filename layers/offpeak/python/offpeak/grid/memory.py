"""Signals as a process remembers them: thousands of sessions are planned under the same ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from offpeak.grid.model import Conditions, Scope, Signal, conditions
from offpeak.memory import Memory

REMEMBERED_S = 30.0
MOST = 1000
"""Scopes; that of a zone with a feed takes some 50 KB, that of most groups nothing."""


class StoredSignals(Protocol):
    """Where signals are kept."""

    def of(self, scope: Scope) -> tuple[Signal, ...]:
        """Return the signals of a scope."""
        ...


class SignalMemory:
    """`stored` as it was at most REMEMBERED_S ago. `now_s` tells real epoch seconds."""

    def __init__(self, stored: StoredSignals, now_s: Callable[[], float] = time.time) -> None:
        self._stored = stored
        self._memory: Memory[Scope, tuple[Signal, ...]] = Memory(REMEMBERED_S, now_s, MOST)

    def since(self, changed_at: datetime | None) -> StandingSignals:
        """Return the signals with all changes up to the real time `changed_at`."""
        return StandingSignals(self, changed_at)

    def of(self, scope: Scope, changed_at: datetime | None) -> tuple[Signal, ...]:
        return self._memory.get(scope, lambda: self._stored.of(scope), changed_at=changed_at)


@dataclass(frozen=True, slots=True)
class StandingSignals:
    memory: SignalMemory
    changed_at: datetime | None

    def conditions(self, zone: str, groups: Collection[str], start_at: datetime, end_at: datetime) -> Conditions:
        """Return what signals ask of a session in `zone`; `groups` are its limit group and all above it."""
        scopes = (Scope(zone=zone), *(Scope(group=each) for each in groups))
        signals = [each for scope in scopes for each in self.of(scope)]
        return conditions(signals, zone, groups, start_at, end_at)

    def of(self, scope: Scope) -> tuple[Signal, ...]:
        """Return the signals of a scope."""
        return self.memory.of(scope, self.changed_at)

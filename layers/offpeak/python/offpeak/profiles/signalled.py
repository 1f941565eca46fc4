"""Plan those sessions again whom a signal of the grid concerns: those in its zone, by the settings of their partners or
by what drivers' places say, or those of its limit group's tree.

The scope's outbox says that plans are wanted since the very transaction that changed the signal. Whoever changed it
asks at once; where that fails, or never happens, the sweep asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from offpeak.aws.queues import FairQueue
from offpeak.errors import QueueUnavailable
from offpeak.grid.model import Scope
from offpeak.grid.store import SignalStore
from offpeak.profiles.replan import ask_for_plans
from offpeak.profiles.zones import Market, connected_in
from offpeak.telemetry import count, logger

ASKED_WITHIN = timedelta(minutes=1)
"""An outbox that has waited for longer lost whoever was to empty it."""
MOST = 100
"""Scopes taken in one sweep; the next sweep takes the rest."""


@dataclass(frozen=True, slots=True)
class SignalReplans:
    """What it takes to ask. `markets` tells in which zones partners have sessions, `want_group_plan` has the whole
    tree planned that a limit group is in, `real_now` tells the real time."""

    signals: SignalStore
    markets: Callable[[], Iterable[Market]]
    replan_queue: FairQueue
    want_group_plan: Callable[[str], None]
    real_now: Callable[[], datetime]

    def ask(self, scope: Scope) -> None:
        """Ask for the plans that a scope wants; where a queue takes no message now, the sweep comes by."""
        try:
            self._ask(scope)
        except QueueUnavailable as error:
            logger.warning("signal_replan_left_to_sweep", scope=scope.text, problem=str(error))

    def sweep(self, now: datetime) -> int:
        """Take up the scopes that have waited too long; return how many. `now` is the time that signals live in."""
        waiting = list(self.signals.wanting(now - ASKED_WITHIN, MOST))
        for scope in waiting:
            self.ask(scope)
        count("SweptSignals", len(waiting))
        return len(waiting)

    def _ask(self, scope: Scope) -> None:
        wanted = self.signals.wanted_of(scope)
        if wanted is None:
            return
        concerned: list[str] = []
        if scope.group is not None:
            self.want_group_plan(scope.group)
        elif scope.zone is not None:
            # A change about carbon alone moves the sessions of those who give it a weight.
            moved = [each for each in self.markets() if each.weighs_carbon or not wanted.by_weight]
            concerned = connected_in({scope.zone}, moved)
            # Real time after the signal was stored: no process plans these by signals that it read before.
            ask_for_plans(concerned, self.replan_queue, changed_at=self.real_now(), zones=[scope.zone])
        self.signals.done(wanted)
        logger.info("signal_replan_asked", scope=scope.text, partners=len(concerned), by_weight=wanted.by_weight)

"""Plan those sessions again whom a signal of the grid concerns: of a zone, the sessions of the partners that are in it.

The scope's outbox says that plans are wanted since the very transaction that changed the signal. Whoever changed it
asks at once; where that fails, or never happens, the sweep asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from offpeak.aws.queues import FairQueue
from offpeak.errors import QueueUnavailable
from offpeak.grid.model import Scope
from offpeak.grid.store import SignalStore, Wanted
from offpeak.partners.model import Partner
from offpeak.profiles.replan import ask_for_plans
from offpeak.telemetry import count, logger

ASKED_WITHIN = timedelta(minutes=1)
"""An outbox that has waited for longer lost whoever was to empty it."""
MOST = 100
"""Scopes taken in one sweep; the next sweep takes the rest."""


@dataclass(frozen=True, slots=True)
class SignalReplans:
    """What it takes to ask. `partners` yields all partners as they are, `want_group_plan` has the limit group of a root
    planned, `real_now` tells the real time."""

    signals: SignalStore
    partners: Callable[[], Iterable[Partner]]
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
        if scope.group is not None:
            self.want_group_plan(scope.group)
            concerned = []
        else:
            concerned = sorted(_concerned(wanted, self.partners()))
            # Real time after the signal was stored: no process plans these by signals that it read before.
            ask_for_plans(concerned, self.replan_queue, changed_at=self.real_now())
        self.signals.done(wanted)
        logger.info("signal_replan_asked", scope=scope.text, partners=len(concerned), by_weight=wanted.by_weight)


def _concerned(wanted: Wanted, partners: Iterable[Partner]) -> Iterator[str]:
    """Yield the partners whose sessions a change in their zone moves: where it is about carbon alone, those that give
    it a weight."""
    for each in partners:
        weighs = each.planning.carbon_weight_eur_per_kg != 0 or not wanted.by_weight
        if each.is_registered and each.planning.bidding_zone == wanted.scope.zone and weighs:
            yield each.partner_id

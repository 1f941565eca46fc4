"""How runs through partners' histories begin: by the clock, by an order, after a PATCH of an unknown session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from offpeak.errors import InvalidMessage
from offpeak.history.model import Run, RunKind
from offpeak.history.queue import HistoryQueue
from offpeak.history.schedule import cooldown_s, is_due, is_stalled, scheduled_since, unknown_since
from offpeak.history.store import HistoryStore
from offpeak.partners.model import Partner
from offpeak.telemetry import count, logger

GATHERING = timedelta(seconds=1)
"""PATCHes of unknown sessions come in swarms: one run looks for all of them."""


@dataclass(frozen=True, slots=True)
class Beginner:
    """What it takes to begin runs. `new_id` makes a run's id."""

    store: HistoryStore
    queue: HistoryQueue
    real_now: Callable[[], datetime]
    new_id: Callable[[], str]


def sender_of(partner: Partner) -> str | None:
    """Return the address of a partner's list of sessions; None where it has none, or is not registered."""
    return partner.endpoint("sessions", "SENDER") if partner.is_registered else None


def sync_partner(partner: Partner, by: Beginner, now: datetime) -> None:
    """Begin what is due of a partner's history, and take up what was lost on its way."""
    if sender_of(partner) is None:
        return
    at = by.real_now()
    runs = by.store.runs(partner.partner_id)
    for run in runs.values():
        if is_stalled(run, at):
            logger.warning("run_taken_up", partner_id=run.partner_id, run_id=run.run_id, step=run.step)
            count("HistoryRunsTakenUp")
            by.queue.ask(run, at)
    before = runs.get(RunKind.SCHEDULED)
    if is_due(before, partner.partner_id, now):
        _begin(
            Run(
                partner_id=partner.partner_id,
                kind=RunKind.SCHEDULED,
                run_id=by.new_id(),
                since=scheduled_since(before, now),
                until=None,
                began_at=now,
                due_at=at,
                touched_at=at,
                synced_until=before.synced_until if before else None,
            ),
            by,
        )
    look_for_wanted(partner.partner_id, by, now)


def order_run(partner: Partner, since: datetime, until: datetime, by: Beginner, now: datetime) -> Run:
    """Begin a run through what changed from `since` on and before `until`.

    Raises InvalidMessage when that is no range of the past, when the partner has no list, or when one such run is
    under way already.
    """
    at = by.real_now()
    if since >= min(until, now):
        raise InvalidMessage("from", "must be before `to`, and past")
    if sender_of(partner) is None:
        raise InvalidMessage("partner_id", "is not registered, or its CPO offers no list of sessions")
    run = Run(
        partner_id=partner.partner_id,
        kind=RunKind.ORDERED,
        run_id=by.new_id(),
        since=since,
        until=until,
        began_at=now,
        due_at=at,
        touched_at=at,
    )
    if not _begin(run, by):
        raise InvalidMessage("partner_id", "has a run under way that was ordered before; it must end first")
    return run


def look_for_unknown(partner: Partner, patched_at: datetime, by: Beginner, now: datetime) -> None:
    """Look for a session of which a PATCH came, stamped `patched_at`, that told us nothing else of it (S1).

    One run at a time looks for all such sessions of a partner, and not at once after another (schedule.cooldown_s).
    Where the partner offers no list, its PUT is all that can be waited for.
    """
    if sender_of(partner) is None:
        return
    if by.store.want(partner.partner_id, unknown_since(patched_at, now)):
        look_for_wanted(partner.partner_id, by, now)


def look_for_wanted(partner_id: str, by: Beginner, now: datetime) -> None:
    """Begin to look for the unknown sessions that were noted, unless a run is looking already: at its end it sees what
    was noted meanwhile."""
    before = by.store.run(partner_id, RunKind.UNKNOWN)
    since = by.store.wanted_since(partner_id)
    if since is None or (before is not None and before.is_running):
        return
    at = by.real_now()
    pause_s = cooldown_s(before) if before else 0
    begin_at = max(at + GATHERING, before.touched_at + timedelta(seconds=pause_s) if before else at)
    run = Run(
        partner_id=partner_id,
        kind=RunKind.UNKNOWN,
        run_id=by.new_id(),
        since=since,
        until=None,
        began_at=now,
        due_at=begin_at,
        touched_at=at,
        cooldown_s=pause_s,
    )
    _begin(run, by)


def _begin(run: Run, by: Beginner) -> bool:
    if not by.store.begin(run):
        return False
    logger.info(
        "run_begun",
        partner_id=run.partner_id,
        run_id=run.run_id,
        kind=run.kind.value,
        since=run.since.isoformat(),
        until=run.until.isoformat() if run.until else None,
    )
    by.queue.ask(run, by.real_now())
    return True

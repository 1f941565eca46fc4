"""How runs through partners' lists begin: by the clock, by an order, after a PATCH of an unknown session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from offpeak.errors import InvalidMessage
from offpeak.history.model import Module, Run, RunKind
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


def list_of(partner: Partner, module: Module) -> str | None:
    """Return the address of a partner's list; None where it has none, or is not registered.

    Sessions may come with a wrong role. What a partner takes of the others it need not give: its address for that is
    no list.
    """
    if not partner.is_registered:
        return None
    if module is Module.SESSIONS:
        return partner.endpoint(module.value, "SENDER")
    offered = (each for each in partner.endpoints if each.identifier == module.value)
    return next((each.url for each in offered if each.role in ("SENDER", "")), None)


def sync_partner(partner: Partner, by: Beginner, now: datetime) -> None:
    """Begin what is due of a partner's lists, and take up what was lost on its way."""
    if not any(list_of(partner, module) for module in Module):
        return
    at = by.real_now()
    runs = by.store.runs(partner.partner_id)
    for run in runs.values():
        if is_stalled(run, at):
            logger.warning("run_taken_up", partner_id=run.partner_id, run_id=run.run_id, step=run.step)
            count("HistoryRunsTakenUp")
            by.queue.ask(run, at)
    begin_scheduled(partner, runs, by, now)
    look_for_wanted(partner.partner_id, by, now)


def begin_scheduled(partner: Partner, runs: Mapping[tuple[Module, RunKind], Run], by: Beginner, now: datetime) -> None:
    """Begin the scheduled run that is due, unless one through another list of the partner is under way: they come one
    after the other, so that a partner with many lists has no less room for profiles."""
    scheduled = {module: runs.get((module, RunKind.SCHEDULED)) for module in Module}
    if any(run.is_running for run in scheduled.values() if run):
        return
    for module, before in scheduled.items():
        if list_of(partner, module) is None or not is_due(before, partner.partner_id, module, now):
            continue
        at = by.real_now()
        run = Run(
            partner_id=partner.partner_id,
            module=module,
            kind=RunKind.SCHEDULED,
            run_id=by.new_id(),
            since=scheduled_since(before, module, now),
            until=None,
            began_at=now,
            due_at=at,
            touched_at=at,
            synced_until=before.synced_until if before else None,
        )
        _begin(run, by)
        return


def order_run(
    partner: Partner, module: Module, since: datetime | None, until: datetime | None, by: Beginner, now: datetime
) -> Run:
    """Begin a run through what changed from `since` on and before `until`; None: no such bound.

    Raises InvalidMessage when that is no range of the past, when the partner has no such list, or when one such run is
    under way already.
    """
    at = by.real_now()
    if since is None and module is Module.SESSIONS:
        raise InvalidMessage("from", "is required: there is no end to what was charged once")
    if since is not None and since >= min(until or now, now):
        raise InvalidMessage("from", "must be before `to`, and past")
    if list_of(partner, module) is None:
        raise InvalidMessage("partner_id", f"is not registered, or its CPO offers no list of {module.value}")
    run = Run(
        partner_id=partner.partner_id,
        module=module,
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
    if list_of(partner, Module.SESSIONS) is None:
        return
    if by.store.want(partner.partner_id, unknown_since(patched_at, now)):
        look_for_wanted(partner.partner_id, by, now)


def look_for_wanted(partner_id: str, by: Beginner, now: datetime) -> None:
    """Begin to look for the unknown sessions that were noted, unless a run is looking already: at its end it sees what
    was noted meanwhile."""
    before = by.store.run(partner_id, Module.SESSIONS, RunKind.UNKNOWN)
    since = by.store.wanted_since(partner_id)
    if since is None or (before is not None and before.is_running):
        return
    at = by.real_now()
    pause_s = cooldown_s(before) if before else 0
    begin_at = max(at + GATHERING, before.touched_at + timedelta(seconds=pause_s) if before else at)
    run = Run(
        partner_id=partner_id,
        module=Module.SESSIONS,
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
        ocpi_module=run.module.value,
        kind=run.kind.value,
        since=run.since.isoformat() if run.since else None,
        until=run.until.isoformat() if run.until else None,
    )
    by.queue.ask(run, by.real_now())
    return True

"""What operators do about signals. Each change is one transaction with its entry of the audit trail and with the mark
that running sessions want plans, so that whoever dies after it leaves work to the sweep and none undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from offpeak.aws.tables import Also
from offpeak.errors import AlreadyExists, ConcurrentChange, InvalidMessage, OutOfDate, UnknownObject
from offpeak.grid.model import Scope, Signal
from offpeak.grid.store import SignalStore
from offpeak.grid.wire import changes_shown
from offpeak.partners.audit import Action, Actor, Entry, SettingChange
from offpeak.partners.trail import AuditTrail
from offpeak.telemetry import count, logger

TRAIL = "SIGNALS"
"""The name of the trail that tells of signals: no partner can have it, theirs are in small letters."""
MOST_SIGNALS = 200
"""Of one scope. All of them are read with each plan that a process makes after half a minute without one."""
MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class Announcements:
    """Announces, changes and withdraws signals. `ask_for_plans` asks for plans of a scope's running sessions,
    `is_group` says whether there is a limit group, `now` tells the time that signals live in and `real_now` the real
    one.

    In each method `seen` is the revision that the operator has looked at, None where any will do. All raise
    UnknownObject for a signal that is not there, OutOfDate when it has changed since `seen`, and ConcurrentChange when
    others keep changing it.
    """

    store: SignalStore
    trail: AuditTrail
    ask_for_plans: Callable[[Scope], None]
    is_group: Callable[[str], bool]
    now: Callable[[], datetime]
    real_now: Callable[[], datetime]

    def known(self, signal_id: str) -> Signal:
        """Return a signal as it is."""
        signal = self.store.load(signal_id)
        if signal is None:
            raise UnknownObject(f"there is no signal {signal_id}")
        return signal

    def announce(self, signal: Signal, actor: Actor) -> Signal:
        """Store a new signal; the same one again is no second one. Raises AlreadyExists, InvalidMessage."""

        def write() -> Signal:
            there = self.store.load(signal.signal_id)
            if there is not None and replace(signal, revision=there.revision) == there:
                return there
            if there is not None:
                raise AlreadyExists(f"there is another signal {signal.signal_id} already")
            group = signal.scope.group
            if group is not None and not self.is_group(group):
                raise InvalidMessage("group", f"there is no limit group {group}")
            if len(self.store.of(signal.scope)) >= MOST_SIGNALS:
                field = "zone" if signal.scope.zone is not None else "group"
                raise InvalidMessage(field, f"has {MOST_SIGNALS} signals already: withdraw those that are over")
            entry, also = self._entry(Action.SIGNAL_ANNOUNCED, None, signal, actor)
            saved = self.store.save(None, signal, now=self.now(), at=self.real_now(), also=also)
            _report(entry, saved)
            return saved

        return self._written(write)

    def change(self, signal: Signal, actor: Actor, *, seen: int | None = None) -> Signal:
        """Store a signal in place of what it was. Raises InvalidMessage where its scope is another one."""

        def write() -> Signal:
            before = self._as_seen(signal.signal_id, seen)
            if signal.scope != before.scope:
                field = "zone" if signal.scope.zone is not None else "group"
                raise InvalidMessage(field, "cannot be changed: withdraw the signal and announce another one")
            if replace(signal, revision=before.revision) == before:
                return before
            entry, also = self._entry(Action.SIGNAL_CHANGED, before, signal, actor)
            saved = self.store.save(before, signal, now=self.now(), at=self.real_now(), also=also)
            _report(entry, saved)
            return saved

        return self._written(write)

    def withdraw(self, signal_id: str, actor: Actor, *, seen: int | None = None) -> Signal:
        """Take a signal away; return what it was."""

        def write() -> Signal:
            before = self._as_seen(signal_id, seen)
            if before.is_of_a_feed:
                raise InvalidMessage("signal_id", "is of a feed: announce a signal of your own, which stands before it")
            entry, also = self._entry(Action.SIGNAL_WITHDRAWN, before, None, actor)
            self.store.withdraw(before, now=self.now(), also=also)
            _report(entry, before)
            return before

        return self._written(write)

    def _as_seen(self, signal_id: str, seen: int | None) -> Signal:
        before = self.known(signal_id)
        if seen is not None and seen != before.revision:
            raise OutOfDate(f"the signal is at revision {before.revision} by now, not {seen}: look at it again")
        return before

    def _entry(self, action: Action, before: Signal | None, after: Signal | None, actor: Actor) -> tuple[Entry, Also]:
        changed = after or before
        assert changed
        changes = (
            SettingChange(f"{changed.signal_id}.{name}", old, new) for name, old, new in changes_shown(before, after)
        )
        return self.trail.next_entry(TRAIL, action, actor, tuple(changes), at=self.real_now())

    def _written(self, write: Callable[[], Signal]) -> Signal:
        for _ in range(MOST_TRIES):
            try:
                written = write()
            except ConcurrentChange:
                continue
            # Asked for even where nothing changed: the request may be the repetition of one that died before this.
            self.ask_for_plans(written.scope)
            return written
        raise ConcurrentChange("signals are being changed by others")


def _report(entry: Entry, signal: Signal) -> None:
    """Log the change with its hash: the log is one more place that a forged trail would have to agree with."""
    logger.info(
        entry.action.value,
        signal_id=signal.signal_id,
        scope=signal.scope.text,
        kind=signal.kind.value,
        who=entry.actor.who,
        via=entry.actor.via,
        audit_entry=entry.number,
        audit_hash=entry.hash,
    )
    count("SignalsChanged")

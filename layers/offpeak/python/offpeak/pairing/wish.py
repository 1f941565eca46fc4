"""What a driver wants of his charger changes, and what runs there is planned by it at once.

Settings and the cause of each running session's plan are written in one transaction, so nobody has to remember what is
still to be done: a message that gets lost is sent again by the sweep of sessions. The charger's row names the sessions
that were planned by the settings as they were (profiles/drivers.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from offpeak.aws.tables import LARGEST_TRANSACTION, Table, Write
from offpeak.errors import ConcurrentChange, OutOfDate, no_such
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.keep import check_seen, known_location
from offpeak.pairing.model import Charger, ChargerKey, ChargingLocation, DriverSettings, UserKey
from offpeak.pairing.own_markets import OwnMarkets
from offpeak.pairing.users import LocationChange, location_with
from offpeak.sessions.model import SessionKey
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.store import SessionStore
from offpeak.telemetry import logger

MOST_TRIES = 8
"""Who is outrun so often by other writers of the same rows is told to come again."""
MOST_BESIDE_LOCATION = LARGEST_TRANSACTION - 2
"""Writes and checks, beside the location itself and that its user is there."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What it takes to change what planning goes by. `now` tells the time that sessions live in, `real_now` the real
    one."""

    accounts: AccountStore
    sessions: SessionStore
    plan_queue: PlanQueue
    now: Callable[[], datetime]
    real_now: Callable[[], datetime]


def change_settings(
    key: ChargerKey, change: Callable[[DriverSettings], DriverSettings], by: Wishes, *, seen: int | None = None
) -> Charger:
    """Change a charger's settings, and have what runs there planned anew; return the charger as it is then.

    `seen` is the revision of the settings that the caller has looked at, None for any. Raises UnknownObject, OutOfDate,
    what `change` raises, and ConcurrentChange when others were faster every time.
    """
    for attempt in range(MOST_TRIES):
        charger = by.accounts.charger(key)
        if charger is None:
            raise no_such("charger", key.charger_id)
        check_seen(charger.settings_revision, seen)
        settings = change(charger.settings)
        if settings == charger.settings:
            return charger
        changed = replace(charger, settings=settings, settings_revision=charger.settings_revision + 1)
        running = _running([charger], by, checks=attempt > 0)
        causes = _causes(running, by)[: LARGEST_TRANSACTION - 1]
        try:
            saved = by.accounts.save_charger(changed, also=causes)
        except OutOfDate:
            continue
        _ask(running, len(causes), by)
        logger.info(
            "driver_settings_changed",
            tenant_id=key.user.tenant_id,
            user_id=key.user.user_id,
            charger_id=key.charger_id,
            revision=saved.settings_revision,
            sessions=len(running),
        )
        return saved
    raise ConcurrentChange(f"charger {key.charger_id} is being changed by too many at once")


def change_location(
    key: UserKey,
    location_id: str,
    said: LocationChange,
    by: Wishes,
    own_markets: OwnMarkets,
    *,
    seen: int | None,
) -> ChargingLocation:
    """Change what is told of a charging location, and have what runs at its chargers planned anew.

    Raises UnknownObject, OutOfDate, InvalidMessage, ConcurrentChange.
    """
    for attempt in range(MOST_TRIES):
        account = by.accounts.known(key)
        before = known_location(account, location_id)
        check_seen(before.revision, seen)
        there = account.chargers_at(location_id)
        running = _running(there, by, checks=attempt > 0)
        # Of more chargers than fit, a session that begins at the rest this very moment is planned anew by the clock.
        as_seen = [by.accounts.is_as_seen(each) for each in there[:MOST_BESIDE_LOCATION]]
        causes = _causes(running, by)[: MOST_BESIDE_LOCATION - len(as_seen)]
        try:
            saved = by.accounts.save_location(key, location_with(before, said), also=[*causes, *as_seen])
        except OutOfDate:
            continue
        _ask(running, len(causes), by)
        for partner_id in {each.station.partner_id for each in there}:
            own_markets.note(partner_id, saved, by.real_now())
        return saved
    raise ConcurrentChange(f"charging location {location_id} is being changed by too many at once")


def causes_at(chargers: Iterable[Charger], by: Wishes) -> list[tuple[Table, Write]]:
    """Return the writes that count a cause of a plan for each session that runs at chargers."""
    return _causes(_running(chargers, by, checks=True), by)


def _running(chargers: Iterable[Charger], by: Wishes, *, checks: bool) -> list[SessionKey]:
    """Return the sessions that chargers name; `checks` leaves out those that are kept no more."""
    named = [SessionKey(each.station.partner_id, name) for each in chargers for name in each.open_sessions]
    return [key for key in named if not checks or by.sessions.plan_wanted(key) is not None]


def _causes(running: Sequence[SessionKey], by: Wishes) -> list[tuple[Table, Write]]:
    return [by.sessions.cause(key, now=by.now(), received_at=by.real_now()) for key in running]


def _ask(running: Iterable[SessionKey], counted: int, by: Wishes) -> None:
    """Ask for plans. The causes of the first ones were counted with the change; those of the rest did not fit beside
    it, as happens at large stations."""
    for place, key in enumerate(running):
        if place < counted:
            wanted = by.sessions.plan_wanted(key)
        else:
            wanted = by.sessions.want_plan(key, now=by.now(), received_at=by.real_now())
        if wanted is not None:
            by.plan_queue.ask(key, wanted)

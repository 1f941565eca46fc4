"""Erase a user: his chargers are un-paired, what is personal goes, his sessions name nobody any more.

A deletion is worked by the clock until a whole look at all places has found nothing. Each step may be repeated, and
each look begins with the first, so whoever dies anywhere is followed by the next tick; and what others wrote while he
was being erased, or what an index told too late, is found by the look after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from offpeak.aws.tables import Delete, Item, Table
from offpeak.errors import ConcurrentChange, OffpeakError
from offpeak.events.model import Stream
from offpeak.events.publish import PublishedEvents
from offpeak.habits.store import Charger as HabitCharger
from offpeak.habits.store import HabitStore
from offpeak.instants import format_instant
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.connect_store import ConnectStore
from offpeak.pairing.deletions import Deletion, DeletionStore, deletion_id_of
from offpeak.pairing.model import ChargerKey, UserKey, Why, former
from offpeak.pairing.rows import charger_from, former_from
from offpeak.pairing.unpair import Unpairer, unpair
from offpeak.sessions.pseudonymise import pseudonymise, pseudonymise_unlisted
from offpeak.telemetry import count, logger
from offpeak.tenants.repeats import RepeatStore

MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class Eraser:
    """What it takes to erase. `users` and `sessions` are the tables, `now` tells the sessions' time."""

    deletions: DeletionStore
    users: Table
    sessions: Table
    connects: ConnectStore
    habits: HabitStore
    repeats: RepeatStore
    events: PublishedEvents
    unpairer: Callable[[], Unpairer]
    now: Callable[[], datetime]
    real_now: Callable[[], datetime]


def begin(user: UserKey, accounts: AccountStore, deletions: DeletionStore, *, now: datetime) -> Deletion:
    """Begin to erase a user, or return his deletion that was begun. Raises UnknownObject, ConcurrentChange."""
    for _ in range(MOST_TRIES):
        begun = deletions.load(user.tenant_id, deletion_id_of(user.user_id))
        if begun is not None:
            return begun
        try:
            deletion = deletions.begin(accounts.known(user).user, now=now)
        except ConcurrentChange:
            continue
        logger.info("user_deletion_begun", tenant_id=user.tenant_id, user_id=user.user_id)
        return deletion
    raise ConcurrentChange(f"user {user.user_id} is being changed by others")


def look(deletion: Deletion, by: Eraser) -> Deletion:
    """Look at all places once and erase what is there; finish the deletion where nothing was.

    Raises ConcurrentChange.
    """
    user, unpaired_at = deletion.user, by.now()
    rows = list(by.users.query("pk = :pk", {":pk": user.text}))
    chargers = [charger_from(row) for row in _of("CHARGER", rows)]
    past, locations = _of("PAST", rows), _of("LOCATION", rows)
    noted = deletion.noting([*map(former_from, past), *(former(each, unpaired_at) for each in chargers)])
    if noted != deletion:
        # Kept before they go: who dies after that still knows whose habits are to be forgotten.
        deletion = by.deletions.save(noted)
    streams = [Stream(user.tenant_id, user.user_id, each) for each in sorted(deletion.chargers)]
    found = {
        "chargers": _unpair([each.key for each in chargers], unpaired_at, by),
        "former_chargers": _erase(past, by.users),
        "charging_locations": _erase(locations, by.users),
        "connect_sessions": _forget_connects(user, by),
        "answers_kept": by.repeats.erase(user.tenant_id, user.user_id),
        "sessions": pseudonymise(by.sessions, user.text) + pseudonymise_unlisted(by.sessions, deletion.evses),
        "habits": sum(by.habits.forget(HabitCharger(*evse), until) for evse, until in deletion.evses.items()),
    }
    forgotten = [by.events.forget(each) for each in streams]
    found["events"] = sum(each.erased for each in forgotten)
    left = {**found, "events": found["events"] + sum(each.waiting for each in forgotten)}
    done = {name: deletion.done.get(name, 0) + each for name, each in found.items()}
    now, is_over = by.real_now(), deletion.runs > 0 and not any(left.values())
    looked = replace(deletion, runs=deletion.runs + 1, done=done, left=left, looked_at=now)
    # Sessions keep their EVSE for the CPO's books: what is left of him must not tell which were his.
    finished = replace(looked, finished_at=now, evses={}, chargers=frozenset())
    saved = by.deletions.save(finished if is_over else looked)
    if is_over:
        logger.info("user_erased", tenant_id=user.tenant_id, user_id=user.user_id, looks=saved.runs)
        count("UsersErased")
    return saved


def look_at_all(by: Eraser) -> None:
    """Look once for each deletion that is not finished. One that fails, or cannot even be read, for whatever reason,
    holds up no other: the next tick comes again."""
    for tenant_id, deletion_id in by.deletions.open():
        try:
            deletion = by.deletions.known(tenant_id, deletion_id)
            if deletion.finished_at is None:
                look(deletion, by)
        except OffpeakError as error:
            logger.warning("deletion_left_to_next_tick", deletion_id=deletion_id, problem=str(error))
        except Exception:  # noqa: BLE001  (whatever it is, those behind it must have their turn)
            logger.exception("deletion_failed", deletion_id=deletion_id)
            count("DeletionsFailed")


def deletion_shown(deletion: Deletion) -> dict[str, object]:
    """Return how far a deletion is, with a listing of all places that may have something of a user."""
    finished_at, expire_at = deletion.finished_at, deletion.backups_expire_at
    listing: list[dict[str, object]] = [
        {
            "place": place,
            "became": became,
            "done": deletion.done.get(place, 0),
            "found_at_last_look": deletion.left.get(place),
        }
        for place, became in BECAME.items()
    ]
    return {
        "deletion_id": deletion.deletion_id,
        "user_id": deletion.user.user_id,
        "state": "FINISHED" if finished_at else "RUNNING",
        "begun_at": format_instant(deletion.begun_at),
        "looks": deletion.runs,
        "looked_at": format_instant(deletion.looked_at) if deletion.looked_at else None,
        "finished_at": format_instant(finished_at) if finished_at else None,
        "backups_expire_at": format_instant(expire_at) if expire_at else None,
        "listing": listing,
    }


BECAME = {
    "chargers": "UNPAIRED",
    "former_chargers": "ERASED",
    "charging_locations": "ERASED",
    "connect_sessions": "ERASED",
    "answers_kept": "ERASED",
    "sessions": "PSEUDONYMISED",
    "events": "ERASED",
    "habits": "ERASED",
}
"""The user himself is gone when his deletion begins. What the tenant is still to be told (that his chargers were
un-paired), deliveries, queues, logs and the audit trail hold opaque ids only: ours, and CPOs' of sessions, never an
EVSE's. None leads to anybody once the user is gone, and events and deliveries go within 30 days by themselves, codes
that he was given and counts of his tries within eight."""


def _of(kind: str, rows: list[Item]) -> list[Item]:
    return [row for row in rows if row["sk"].startswith(f"{kind}#")]


def _unpair(keys: list[ChargerKey], now: datetime, by: Eraser) -> int:
    for key in keys:
        unpair(key, Why.ACCOUNT_DELETED, by.unpairer(), now=now)
    return len(keys)


def _erase(rows: list[Item], users: Table) -> int:
    for row in rows:
        users.write(Delete({"pk": row["pk"], "sk": row["sk"]}))
    return len(rows)


def _forget_connects(user: UserKey, by: Eraser) -> int:
    held = len(by.connects.of(user))
    if held:
        by.connects.forget(user)
    return held

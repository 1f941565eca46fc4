"""Un-pair a charger: in one transaction it is gone, its EVSEs have tombstones, and somebody has to tell the CPO.

What it leaves behind of its driver is noted, too, so that it is found when he is erased, however much later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from offpeak.aws.tables import LARGEST_TRANSACTION, Table, Write, write_together
from offpeak.errors import ConcurrentChange
from offpeak.events.model import Event, EventKind, Stream
from offpeak.events.outbox import Outbox
from offpeak.habits.store import KEPT_FOR
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.model import Charger, ChargerKey, PairedStation, Unpairing, Why, former
from offpeak.pairing.ownership import OwnershipStore
from offpeak.telemetry import count, logger

MOST_TRIES = 8
CLEARED_FIRST = timedelta(seconds=15)
"""A CPO may decline profiles of a charger once it knows, so it hears when the running one has been taken away."""
PAST_KEPT_FOR = KEPT_FOR + timedelta(days=30)
"""A charger that was un-paired is remembered for longer than all that it leads to."""


@dataclass(frozen=True, slots=True)
class Unpairer:
    """What it takes to un-pair. `causes` counts a cause of a plan for each session that runs at chargers, in the same
    transaction, and `plan_anew` has the running sessions of EVSEs planned: what is nobody's has its profile cleared.
    `new_id` makes the id of an un-pairing."""

    accounts: AccountStore
    ownership: OwnershipStore
    outbox: Outbox
    causes: Callable[[Sequence[Charger]], Sequence[tuple[Table, Write]]]
    plan_anew: Callable[[str, Sequence[str]], object]
    real_now: Callable[[], datetime]
    new_id: Callable[[], str]


def unpair(key: ChargerKey, why: Why, by: Unpairer, *, now: datetime) -> bool:
    """Un-pair a charger, and say whether there was one; again is no harm.

    From then on what is told of its EVSEs' sessions is refused. The CPO is told later (pairing/tell.py), unless it is
    who un-paired. `now` is the time that sessions live in. Raises ConcurrentChange when others were faster every time.
    """
    for _ in range(MOST_TRIES):
        charger = by.accounts.charger(key)
        if charger is None:
            return False
        station, at = charger.station, by.real_now()
        found = by.ownership.all_held(station.partner_id, station.claims)
        owned = [each for each in found if each and each.owner == key]
        waits = _unpairing(station, why, by.new_id(), at) if owned and why is not Why.CPO else None
        event = _unpaired_event(charger, why, now)
        # Who erases a user has noted his chargers before he un-pairs them, and leaves nothing where he was.
        past = [] if why is Why.ACCOUNT_DELETED else [by.accounts.former_put(former(charger, now), at + PAST_KEPT_FOR)]
        writes = [
            by.accounts.charger_delete(charger),
            *past,
            *by.ownership.releasing(owned, waits.unpairing_id if waits else None, at=now),
            *([by.ownership.unpairing_put(waits)] if waits else []),
            by.outbox.put(event, at=at),
        ]
        # What it leaves of a shared connection is for the others there. Of many running sessions not all causes fit:
        # `plan_anew` wants the plans of the rest.
        concerned = [charger, *_sharing_with(charger, why, by)]
        causes = by.causes(concerned)[: max(0, LARGEST_TRANSACTION - len(writes))]
        try:
            write_together([*writes, *causes])
        except ConcurrentChange:
            continue
        _report(charger, why)
        by.outbox.wake(event.stream, event.event_id)
        # Again, since others may have come meanwhile.
        for each in (charger, *_sharing_with(charger, why, by)):
            by.plan_anew(each.station.partner_id, each.station.evse_uids)
        return True
    raise ConcurrentChange(f"charger {key.charger_id} is being changed by too many at once")


def _sharing_with(charger: Charger, why: Why, by: Unpairer) -> Sequence[Charger]:
    """Return who shares a connection with a charger, where its user is not to be erased with all of his."""
    account = None if why is Why.ACCOUNT_DELETED else by.accounts.load(charger.key.user)
    return account.sharing_with(charger) if account else ()


def _unpairing(station: PairedStation, why: Why, unpairing_id: str, at: datetime) -> Unpairing:
    return Unpairing(
        unpairing_id=unpairing_id,
        partner_id=station.partner_id,
        tier=station.tier,
        uid=station.uid or station.evses[0].uid,
        evse_uids=station.evse_uids,
        why=why,
        since=at,
        due_at=at + CLEARED_FIRST,
        revision=1,
    )


def _unpaired_event(charger: Charger, why: Why, now: datetime) -> Event:
    key = charger.key
    return Event(
        f"evt_unpaired_{key.charger_id}",
        Stream(key.user.tenant_id, key.user.user_id, key.charger_id),
        EventKind.CHARGER_UNPAIRED,
        now,
        {"location_id": charger.location_id, "partner_id": charger.station.partner_id, "by": why.value},
    )


def _report(charger: Charger, why: Why) -> None:
    logger.info(
        "charger_unpaired",
        tenant_id=charger.key.user.tenant_id,
        user_id=charger.key.user.user_id,
        charger_id=charger.key.charger_id,
        partner_id=charger.station.partner_id,
        by=why.value,
    )
    count("ChargersUnpaired")

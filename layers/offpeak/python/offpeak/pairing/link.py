"""Link a charger: its CPO says what a code stands for, and one transaction gives all of that to one driver, or nothing.

Whoever dies on the way leaves nothing behind here. What the CPO then believes stays as it is: a loser never tells it
anything, since the winner may hold the same charger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from offpeak.aws.tables import LARGEST_TRANSACTION, Also, Table, Write, write_together
from offpeak.errors import ConcurrentChange, PeerUnavailable, PeerUnusable
from offpeak.events.model import Event, EventKind, Stream
from offpeak.events.outbox import Outbox
from offpeak.ocpi.envelope import RequestIds
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.cpo import LinkedThere, PairingInterfaces
from offpeak.pairing.model import Charger, ChargerKey, Held, Ownership, PairedStation
from offpeak.pairing.own_markets import OwnMarkets
from offpeak.pairing.ownership import OwnershipStore
from offpeak.pairing.tries import Tries
from offpeak.partners.codes import fits, tidied
from offpeak.partners.model import Partner
from offpeak.telemetry import count, logger

MOST_TRIES = 8
"""Who is outrun so often by other writers of the same rows is told to come again."""
MOST_QUESTIONS = 3
SPREAD = timedelta(seconds=2)
"""How far the clocks of two of our processes may be apart."""


class Reason(StrEnum):
    """Why a code led to no charger."""

    CODE_MALFORMED = "code_malformed"
    CODE_UNKNOWN = "code_unknown"
    ALREADY_LINKED = "already_linked"
    """Somebody else has the charger."""
    ALREADY_YOURS = "already_yours"
    CPO_UNUSABLE = "cpo_unusable"
    """The CPO answered, and nobody could make sense of it."""
    TOO_MANY_TRIES = "too_many_tries"
    PARTNER_NOT_CONNECTED = "partner_not_connected"
    LOCATION_GONE = "location_gone"
    """The user, or the charging location, was removed meanwhile."""
    UNPAIRED_SINCE = "unpaired_since"
    """This very attempt had linked the charger, and it was un-paired since."""


@dataclass(frozen=True, slots=True)
class Refused:
    """`detail` is for operators. `charger_id` is the charger that the driver has already."""

    reason: Reason
    detail: str = ""
    charger_id: str | None = None


@dataclass(frozen=True, slots=True)
class Claimer:
    """What it takes to give a charger to a driver. `causes` counts a cause of a plan for each session that runs at
    chargers, in the same transaction; `plan_anew` has the running sessions of EVSEs planned."""

    accounts: AccountStore
    ownership: OwnershipStore
    own_markets: OwnMarkets
    outbox: Outbox
    causes: Callable[[Sequence[Charger]], Sequence[tuple[Table, Write]]]
    plan_anew: Callable[[str, Sequence[str]], object]
    real_now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Linker:
    """What it takes to link by a code: CPOs are asked. `new_id` makes the id of a call."""

    claimer: Claimer
    cpo: PairingInterfaces
    tries: Tries
    new_id: Callable[[], str]


GUESSED = (Reason.CODE_UNKNOWN, Reason.ALREADY_LINKED, Reason.CPO_UNUSABLE)
"""What a wrong code may end in: not every CPO says so by HTTP 404. Each of these counts as a try."""


class AskAgain(PeerUnavailable):
    """The CPO may have been told of an un-pairing after it had answered: its answer is worth nothing."""


def link(
    code: str,
    partner: Partner,
    key: ChargerKey,
    location_id: str,
    claim_id: str,
    by: Linker,
    *,
    now: datetime,
    also: Also = (),
) -> Charger | Refused:
    """Link what a code stands for to a driver's charging location, as his charger `key`; say why not otherwise.

    `key` and `claim_id` name this attempt: the same attempt again, after whatever, ends in the same charger. What
    stands before a dot in `claim_id` is the connect session, whose codes are counted. `also` belongs to the transaction
    that links. Raises PeerUnavailable and ConcurrentChange where the same again may help.
    """
    account = by.claimer.accounts.load(key.user)
    if account is None or location_id not in account.locations:
        return _refused(key, partner, Refused(Reason.LOCATION_GONE))
    if key.charger_id in account.chargers:
        return followed(account.chargers[key.charger_id], by.claimer)
    typed = tidied(code)
    if typed is None or not fits(typed, partner.pairing):
        return _refused(key, partner, Refused(Reason.CODE_MALFORMED))
    if not partner.is_registered or partner.pairing.url is None:
        return _refused(key, partner, Refused(Reason.PARTNER_NOT_CONNECTED))
    connect_id, at = claim_id.partition(".")[0], by.claimer.real_now()
    exhausted = by.tries.take(partner.partner_id, key.user, connect_id, at)
    if exhausted is not None:
        count("PairingTriesRefused")
        return _refused(key, partner, Refused(Reason.TOO_MANY_TRIES, exhausted))
    counts = False
    try:
        outcome = _asked(typed, partner, key, location_id, claim_id, by, now, also)
        counts = isinstance(outcome, Refused) and outcome.reason in GUESSED
    finally:
        if not counts:
            by.tries.give_back(partner.partner_id, key.user, connect_id, at)
    return outcome if isinstance(outcome, Charger) else _refused(key, partner, outcome)


def _asked(
    code: str, partner: Partner, key: ChargerKey, location_id: str, claim_id: str, by: Linker, now: datetime, also: Also
) -> Charger | Refused:
    for _ in range(MOST_QUESTIONS):
        asked_at = by.claimer.real_now()
        try:
            station = by.cpo.station_of(code, partner, RequestIds(by.new_id(), claim_id))
            if station is None:
                return Refused(Reason.CODE_UNKNOWN)
            return claim(station, key, location_id, claim_id, by.claimer, now=now, asked_at=asked_at, also=also)
        except LinkedThere:
            return Refused(Reason.ALREADY_LINKED, "the CPO says so")
        except PeerUnusable as error:
            return Refused(Reason.CPO_UNUSABLE, str(error))
        except AskAgain:
            continue
    raise PeerUnavailable("the charger is being un-paired all the time")


def claim(
    station: PairedStation,
    key: ChargerKey,
    location_id: str,
    claim_id: str,
    by: Claimer,
    *,
    now: datetime,
    asked_at: datetime,
    also: Also = (),
) -> Charger | Refused:
    """Give all EVSEs of a station to a driver, with the charger, the event and what `also` belongs to it, in one
    transaction.

    `asked_at` is the real time from which on the CPO takes them as paired. Raises PeerUnavailable while the CPO is
    being told of an un-pairing of them, ConcurrentChange when others were faster every time.
    """
    charger = Charger(key, station, location_id, paired_at=now)
    for _ in range(MOST_TRIES):
        found = by.ownership.all_held(station.partner_id, station.claims)
        refusal = judged(found, key, claim_id)
        if refusal is not None:
            linked = by.accounts.charger(key)
            return followed(linked, by) if linked else refusal
        pending = by.ownership.unpairings_of(found)
        if any(each.is_being_told(by.real_now()) for each in pending):
            raise PeerUnavailable("the CPO is being told just now that the charger was un-paired")
        told = [each.told_at for each in found if each] + [each.called_at for each in pending]
        if any(each is not None and each > asked_at - SPREAD for each in told):
            raise AskAgain("the CPO was told just now that the charger was un-paired")
        writes = [
            *by.accounts.charger_put(charger),
            *by.ownership.owning(station, key, claim_id, found, since=now),
            *(by.ownership.unpairing_dropped(each) for each in pending),
            by.outbox.put(_paired_event(charger), at=by.real_now()),
            *also,
        ]
        if len(writes) > LARGEST_TRANSACTION:
            raise PeerUnavailable("the CPO has to be told of earlier un-pairings first")
        # The others at a shared connection have less from now on.
        account = by.accounts.load(key.user)
        causes = by.causes(account.sharing_with(charger) if account else ())[: LARGEST_TRANSACTION - len(writes)]
        try:
            write_together([*writes, *causes])
        except ConcurrentChange:
            account = by.accounts.load(key.user)
            if account is None or location_id not in account.locations:
                return Refused(Reason.LOCATION_GONE)
            if key.charger_id in account.chargers:
                return followed(account.chargers[key.charger_id], by)
            continue
        _report(charger)
        return followed(charger, by)
    raise ConcurrentChange(f"charger {key.charger_id} is being linked by too many at once")


def followed(charger: Charger, by: Claimer) -> Charger:
    """Do what follows from a charger's being linked, and return it as it is by now. Who finds it linked by a try that
    may have died does it again: what runs at it already would wait for the clock."""
    event = _paired_event(charger)
    by.outbox.wake(event.stream, event.event_id)
    account = by.accounts.load(charger.key.user)
    for each in (*(account.sharing_with(charger) if account else ()), charger):
        by.plan_anew(each.station.partner_id, each.station.evse_uids)
    if account is None:
        return charger
    by.own_markets.note(charger.station.partner_id, account.locations.get(charger.location_id), by.real_now())
    return account.chargers.get(charger.key.charger_id, charger)


def judged(found: Sequence[Ownership | None], key: ChargerKey, claim_id: str) -> Refused | None:
    """Say why EVSEs of which this is known may not be linked; None where they may. Pure."""
    owners = [each.owner for each in found if each and each.held is Held.OWNED and each.owner]
    if any(owner.user != key.user for owner in owners):
        return Refused(Reason.ALREADY_LINKED)
    if owners:
        return Refused(Reason.ALREADY_YOURS, charger_id=owners[0].charger_id)
    if any(each is not None and each.claim_id == claim_id for each in found):
        return Refused(Reason.UNPAIRED_SINCE)
    return None


def _paired_event(charger: Charger) -> Event:
    """Deliveries outlive an erasure: which EVSE it is, and so where somebody lives, is no part of them."""
    key = charger.key
    return Event(
        f"evt_paired_{key.charger_id}",
        Stream(key.user.tenant_id, key.user.user_id, key.charger_id),
        EventKind.CHARGER_PAIRED,
        charger.paired_at,
        {"location_id": charger.location_id, "partner_id": charger.station.partner_id},
    )


def _report(charger: Charger) -> None:
    logger.info(
        "charger_paired",
        tenant_id=charger.key.user.tenant_id,
        user_id=charger.key.user.user_id,
        charger_id=charger.key.charger_id,
        partner_id=charger.station.partner_id,
        evses=len(charger.station.evses),
    )
    count("ChargersPaired")


def _refused(key: ChargerKey, partner: Partner, refused: Refused) -> Refused:
    logger.info(
        "pairing_refused",
        tenant_id=key.user.tenant_id,
        user_id=key.user.user_id,
        charger_id=key.charger_id,
        partner_id=partner.partner_id,
        reason=refused.reason.value,
        detail=refused.detail,
    )
    count("PairingsRefused")
    return refused

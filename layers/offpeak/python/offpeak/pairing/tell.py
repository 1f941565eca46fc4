"""Tell CPOs that chargers are un-paired, until each has acknowledged it.

Only what our own tombstones say is told. While a call may be on its way the un-pairing is leased, and whoever pairs the
charger anew waits for that: so no CPO hears of an un-pairing after the pairing that followed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.errors import ConcurrentChange, PeerUnavailable, PeerUnusable
from offpeak.ocpi.envelope import RequestIds
from offpeak.pairing.cpo import UNPAIR_S, PairingInterfaces
from offpeak.pairing.model import Held, Ownership, Unpairing
from offpeak.pairing.ownership import OwnershipStore
from offpeak.pairing.rows import SHARDS
from offpeak.partners.model import Partner
from offpeak.partners.store import PartnerStore
from offpeak.telemetry import count, logger

LEASE = timedelta(seconds=30)
"""Well above what a call may take."""
assert timedelta(seconds=UNPAIR_S) < LEASE / 2
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=6)
WAITS_LONG = timedelta(days=1)
"""From then on somebody should ask the CPO what is wrong."""
MOST = 200
"""Un-pairings of a shard that are taken in one run; what is put off makes room for others in the next."""
AT_ONCE = 8
LONGEST_RUN = timedelta(seconds=40)
LONGEST_PROBLEM = 200


@dataclass(frozen=True, slots=True)
class UnpairingTeller:
    """What it takes to tell. `plan_anew` has the running sessions of EVSEs planned, in case that whoever un-paired died
    before he did it."""

    ownership: OwnershipStore
    partners: PartnerStore
    cpo: PairingInterfaces
    plan_anew: Callable[[str, Sequence[str]], object]
    real_now: Callable[[], datetime]
    new_id: Callable[[], str]


def tell_all(by: UnpairingTeller) -> int:
    """Tell CPOs what is due, partners side by side, and count those that wait too long; return how many were told.

    A partner that fails once is left alone until the next try, with all that it should hear.
    """
    began = by.real_now()
    due: dict[str, list[Unpairing]] = {}
    for shard in range(SHARDS):
        for unpairing_id in by.ownership.due(shard, began, MOST):
            waits = by.ownership.unpairing(unpairing_id)
            if waits is not None and waits.due_at <= began:
                due.setdefault(waits.partner_id, []).append(waits)
    with ThreadPoolExecutor(AT_ONCE) as callers:
        told = sum(callers.map(lambda waiting: _tell_partner(waiting, by, began + LONGEST_RUN), due.values()))
    late = sum(began - each.since >= WAITS_LONG for each in by.ownership.waiting(1000))
    count("UnpairingsTold", told)
    count("UnpairingsWaiting", late)
    return told


def _tell_partner(waiting: list[Unpairing], by: UnpairingTeller, until: datetime) -> int:
    told = 0
    rest = iter(waiting)
    for each in rest:
        if by.real_now() >= until:
            break
        try:
            is_acknowledged = tell(each, by)
        except ConcurrentChange:
            continue  # Somebody else is at it, or the charger is being paired anew.
        if not is_acknowledged:
            _put_off(rest, by)
            break
        told += 1
    return told


def _put_off(rest: Iterator[Unpairing], by: UnpairingTeller) -> None:
    for each in rest:
        try:
            by.ownership.save_unpairing(replace(each, due_at=by.real_now() + wait_after(max(each.attempts, 1))))
        except ConcurrentChange:
            continue


def tell(waits: Unpairing, by: UnpairingTeller) -> bool:
    """Tell a CPO of one un-pairing; say whether it is settled: acknowledged, paired anew since, or nobody's to hear,
    where the partner has no pairing interface (its drivers have all paired by codes of ours).

    Raises ConcurrentChange where somebody else is at it.
    """
    at = by.real_now()
    if waits.is_being_told(at):
        raise ConcurrentChange(f"un-pairing {waits.unpairing_id} is being told by another")
    if waits.attempts == 0:
        by.plan_anew(waits.partner_id, waits.evse_uids)
    partner = by.partners.load(waits.partner_id)
    if partner is not None and partner.pairing.url is None:
        by.ownership.drop(waits)
        logger.info("unpairing_dropped", unpairing_id=waits.unpairing_id, partner_id=waits.partner_id)
        return True
    leased = by.ownership.save_unpairing(
        replace(
            waits,
            attempts=waits.attempts + 1,
            leased_until=at + LEASE,
            called_at=at,
            due_at=at + max(LEASE, wait_after(waits.attempts + 1)),
        )
    )
    tombstones = _tombstones(leased, by)
    if len(tombstones) < len(leased.claims):
        logger.error("unpairing_without_tombstones", unpairing_id=waits.unpairing_id, partner_id=waits.partner_id)
        by.ownership.drop(leased)
        return True
    problem = _problem(leased, partner, by)
    if problem is not None:
        _failed(leased, problem, by)
        return False
    by.ownership.acknowledged(leased, tombstones, at=by.real_now())
    logger.info("unpairing_acknowledged", unpairing_id=waits.unpairing_id, partner_id=waits.partner_id)
    return True


def _problem(waits: Unpairing, partner: Partner | None, by: UnpairingTeller) -> str | None:
    """Call the CPO; return what was wrong, None where it has acknowledged."""
    if partner is None or not partner.is_registered:
        return "there is no connection to the partner"
    try:
        ids = RequestIds(by.new_id(), waits.unpairing_id)
        by.cpo.tell_unpaired(partner, waits.tier, waits.uid, ids)
    except (PeerUnavailable, PeerUnusable) as error:
        return str(error)[:LONGEST_PROBLEM]
    return None


def _tombstones(waits: Unpairing, by: UnpairingTeller) -> list[Ownership]:
    found = by.ownership.all_held(waits.partner_id, waits.claims)
    return [
        each
        for each in found
        if each is not None and each.held is Held.RELEASED and each.unpairing_id == waits.unpairing_id
    ]


def _failed(leased: Unpairing, problem: str, by: UnpairingTeller) -> None:
    again_at = by.real_now() + wait_after(leased.attempts)
    by.ownership.save_unpairing(replace(leased, leased_until=None, due_at=again_at, problem=problem))
    logger.warning(
        "unpairing_not_told",
        unpairing_id=leased.unpairing_id,
        partner_id=leased.partner_id,
        attempts=leased.attempts,
        problem=problem,
    )
    count("UnpairingsFailed")


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts."""
    return min(FIRST_RETRY * (1 << min(attempts - 1, 20)), LONGEST_RETRY)

"""What CPOs begin: pairing by a code that we gave to a driver, and un-pairing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from offpeak.errors import ConcurrentChange, InvalidMessage, PeerUnavailable, UnknownObject
from offpeak.instants import format_instant
from offpeak.ocpi.pairing import LONGEST_UID
from offpeak.pairing.accounts import AccountStore
from offpeak.pairing.codes import GOOD_FOR, CodeStore, IssuedCode, charger_id_of, code_mark, code_of
from offpeak.pairing.link import Claimer, Reason, Refused, claim, followed
from offpeak.pairing.model import Charger, ChargerKey, Claimed, Held, PairedStation, UserKey, Why
from offpeak.pairing.unpair import Unpairer, unpair
from offpeak.telemetry import count, logger
from offpeak.tenants.model import Tenant

WORDS = {
    Reason.ALREADY_LINKED: ("evse", "is paired by somebody else"),
    Reason.ALREADY_YOURS: ("evse", "is paired by this driver already"),
    Reason.LOCATION_GONE: ("code", "is of a driver who is gone"),
    Reason.UNPAIRED_SINCE: ("code", "was used, and the charger was un-paired since"),
}
"""Which field of the CPO's call is wrong, and why."""


class NewCode(BaseModel):
    model_config = ConfigDict(extra="forbid")

    location_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def issue(
    user: UserKey,
    said: NewCode,
    tenant: Tenant,
    accounts: AccountStore,
    codes: CodeStore,
    chance: str,
    *,
    now: datetime,
) -> tuple[str, IssuedCode]:
    """Make a code for a driver, bound to one of his charging locations; all of it is made of `chance`.

    `now` is real. Raises UnknownObject, InvalidMessage.
    """
    if said.location_id not in accounts.known(user).locations:
        raise InvalidMessage("location_id", "is no charging location of this user")
    code = code_of(chance)
    key = ChargerKey(user, charger_id_of(chance))
    return code, codes.put(code, IssuedCode(key, said.location_id, tenant.partner_ids, now + GOOD_FOR))


def code_shown(code: str, issued: IssuedCode) -> dict[str, object]:
    return {
        "code": code,
        "user_id": issued.key.user.user_id,
        "location_id": issued.location_id,
        "charger_id": issued.key.charger_id,
        "expires_at": format_instant(issued.expires_at),
    }


def pair_by_code(
    code: str,
    station: PairedStation,
    codes: CodeStore,
    is_shut_out: Callable[[str], bool],
    by: Claimer,
    *,
    now: datetime,
) -> Charger:
    """Link a station that a CPO names to the driver whose code it has; the same call again is answered the same.

    `is_shut_out` says so of a tenant. Raises UnknownObject for a code that is none, is used, has expired, is not for
    this CPO or of a tenant that is shut out; InvalidMessage naming the field; ConcurrentChange where the same again may
    help.
    """
    issued, at = codes.find(code), by.real_now()
    if issued is None or station.partner_id not in issued.partner_ids or is_shut_out(issued.key.user.tenant_id):
        count("PairingsRefused")
        raise UnknownObject("there is no such code")
    known = by.accounts.charger(issued.key)
    if known is not None:
        if not known.station.is_same_as(station):
            raise InvalidMessage("code", "was used for another charger")
        return followed(known, by)
    if issued.is_used or at >= issued.expires_at:
        raise UnknownObject("the code was used, or has expired")
    claim_id = f"code.{code_mark(code)}"  # It outlives the driver in tombstones, and names nobody.
    try:
        outcome = claim(
            station, issued.key, issued.location_id, claim_id, by, now=now, asked_at=at, also=[codes.using(code)]
        )
    except PeerUnavailable as error:
        raise ConcurrentChange(str(error)) from error
    if isinstance(outcome, Refused):
        count("PairingsRefused")
        logger.info("pairing_refused", partner_id=station.partner_id, reason=outcome.reason.value)
        raise InvalidMessage(*WORDS.get(outcome.reason, ("code", outcome.reason.value)))
    if not outcome.station.is_same_as(station):
        raise InvalidMessage("code", "was used for another charger")
    return outcome


def unpair_by_cpo(partner_id: str, claimed: Claimed, by: Unpairer, *, now: datetime) -> None:
    """Un-pair the charger that has an EVSE or a station; one that is un-paired already stays so.

    Of a station whose EVSE is named all of it is un-paired: it is one charger. Raises UnknownObject for what was never
    paired, ConcurrentChange.
    """
    held = by.ownership.held(partner_id, claimed) if len(claimed.uid.encode()) <= LONGEST_UID else None
    if held is None:
        raise UnknownObject(f"this {'charging station' if claimed.is_station else 'EVSE'} is not paired")
    if held.held is Held.OWNED and held.owner is not None:
        unpair(held.owner, Why.CPO, by, now=now)

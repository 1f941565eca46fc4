"""Tell a CPO what the driver of a session wants: its system may plan by that, or show it (OCPI 2.2.1, 9.2.1.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from offpeak.errors import InvalidMessage, PeerUnavailable
from offpeak.ocpi.charging_preferences import (
    Preferences,
    PreferencesAnswer,
    preferences_address,
    preferences_object,
    read_preferences_answer,
)
from offpeak.ocpi.client import OcpiAnswer, OcpiClient
from offpeak.ocpi.envelope import RequestIds, Routing
from offpeak.partners.gates import Deferred, Gates
from offpeak.partners.model import Partner
from offpeak.partners.peer_tokens import CallsPartners
from offpeak.sessions.model import Session
from offpeak.sessions.store import SessionStore
from offpeak.telemetry import logger

CALL_S = 3.0


@dataclass(frozen=True, slots=True)
class Teller:
    """What it takes to tell. `real_now` tells the real time."""

    sessions: SessionStore
    gates: Gates
    tokens: CallsPartners
    client: OcpiClient
    real_now: Callable[[], datetime]


def prefer(
    session: Session, preferences: Preferences, partner: Partner, by: Teller, ids: RequestIds, *, now: datetime
) -> PreferencesAnswer:
    """Tell a session's CPO its charging preferences, and keep what they say of discharging.

    A driver's no holds whatever the CPO says; a yes needs both. Plans follow within a minute. `now` is the time that
    the session lives in. Raises what `tell_preferences` does.
    """
    key, allowed = session.key, preferences.discharge_allowed
    if allowed is False:
        by.sessions.allow_discharge(key, allowed=False, now=now, received_at=by.real_now())
    answer = tell_preferences(session, preferences, partner, by, ids)
    if allowed and answer is PreferencesAnswer.ACCEPTED:
        by.sessions.allow_discharge(key, allowed=True, now=now, received_at=by.real_now())
    return answer


def tell_preferences(
    session: Session, preferences: Preferences, partner: Partner, by: Teller, ids: RequestIds
) -> PreferencesAnswer:
    """PUT a session's charging preferences, once, and return what its CPO answered (CONFORMANCE S7).

    Raises InvalidMessage for a session that is over or a partner without the interface, PeerUnavailable when the
    partner takes no call now or does not answer, PeerUnusable when its answer cannot be used.
    """
    endpoint = partner.endpoint("sessions", "SENDER") if partner.is_registered else None
    if endpoint is None:
        raise InvalidMessage("partner_id", f"{partner.partner_id} has no sessions interface to tell preferences to")
    if not session.is_open:
        raise InvalidMessage("session_id", f"the session is {session.status.value}: it takes no preferences any more")
    place = by.gates.enter(partner.partner_id, partner.flags.in_flight_cap, ids.request_id, by.real_now().timestamp())
    if isinstance(place, Deferred):
        raise PeerUnavailable("the partner takes no call now")
    is_reached = False
    try:
        answer = _exchange(session, preferences, partner, endpoint, by, ids)
        is_reached = True
    finally:
        by.gates.leave(partner.partner_id, ids.request_id, ok=is_reached, now_s=by.real_now().timestamp())
    if answer.http_status == 401 and by.tokens.was_refused(partner):
        raise PeerUnavailable("our access token was refused; another one is fetched")
    said = read_preferences_answer(answer)
    logger.info(
        "preferences_told",
        partner_id=partner.partner_id,
        session_id=session.key.session_id,
        profile_type=preferences.profile_type.value,
        answer=said.value,
    )
    return said


def _exchange(
    session: Session, preferences: Preferences, partner: Partner, endpoint: str, by: Teller, ids: RequestIds
) -> OcpiAnswer:
    return by.client.call(
        "PUT",
        preferences_address(endpoint, session.key.session_id),
        by.tokens.of(partner),
        raw_token=partner.flags.raw_token,
        routing=Routing(
            to_country_code=session.country_code,
            to_party_id=session.party_id,
            from_country_code=partner.our_party.country_code,
            from_party_id=partner.our_party.party_id,
        ),
        body=preferences_object(preferences),
        timeout_s=CALL_S,
        ids=ids,
    )

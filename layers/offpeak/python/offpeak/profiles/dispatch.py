"""Send one profile request to its CPO, once if at all possible, again if not.

The request's row leads: it is claimed before the call and settled after it, so a duplicate message does nothing, and a
sender that dies is found by the sweep when its claim is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from zlib import crc32

from offpeak.aws.queues import FairQueue
from offpeak.errors import ConcurrentChange, PeerUnavailable, PeerUnusable
from offpeak.events.outbox import Outbox
from offpeak.ocpi.chargingprofiles import session_address, set_charging_profile
from offpeak.ocpi.client import OcpiAnswer, OcpiClient
from offpeak.ocpi.envelope import RequestIds, Routing
from offpeak.partners.gates import Deferred, Gates
from offpeak.partners.model import Partner
from offpeak.partners.peer_tokens import CallsPartners
from offpeak.partners.store import PartnerStore
from offpeak.profiles.answers import understand
from offpeak.profiles.control_path import receiver_of, response_url
from offpeak.profiles.follow_up import follow_up
from offpeak.profiles.intent import TOO_OLD
from offpeak.profiles.lifecycle import answered, claimed, given_up, superseded, to_be_retried
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Step
from offpeak.profiles.send_queue import ask_to_send
from offpeak.profiles.settle import SENT_WITHIN, Settled, Transition, settle
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.plan_queue import PlanQueue
from offpeak.sessions.store import SessionStore
from offpeak.telemetry import count, logger, measure_ms

CALL_S = 3.0
CLAIM = timedelta(seconds=10)
"""As long as the function that sends may live: after that nobody can be calling any more."""
RETRY_S = (2, 8, 30)
"""After each failed call but the last."""
BEHIND_S = 1.0
LONGEST_WAIT_S = 60
ACTIVE_PROFILE_S = 24 * 3600
"""How much of the active profile we ask for."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What it takes to send. `real_now` tells the real time, `new_id` makes an id for a GET that follows."""

    profiles: ProfileStore
    sessions: SessionStore
    partners: PartnerStore
    gates: Gates
    tokens: CallsPartners
    client: OcpiClient
    send_queue: FairQueue
    plan_queue: PlanQueue
    outbox: Outbox
    base_url: str
    real_now: Callable[[], datetime]
    new_id: Callable[[], str]


def send_profile(request_id: str, by: Sender, *, now: datetime) -> None:
    """Send a request that is still wanted, or put it off, or see that it is planned anew.

    `now` is the session's time. Raises ConcurrentChange when the outcome could not be written; the sweep sends again.
    """
    request = by.profiles.request(request_id)
    at = by.real_now()
    if request is None or request.state is not RequestState.REQUESTED or _is_claimed(request, at):
        logger.info("profile_not_sent", request_id=request_id, state=request.state.value if request else None)
        return
    partner = by.partners.load_cached(request.key.partner_id)
    endpoint = receiver_of(partner)
    is_old = now - request.created_at > TOO_OLD
    if endpoint is None or (is_old and request.kind is RequestKind.GET):
        _settle(request, partial(given_up, detail="not sent: no receiver" if endpoint is None else "too late"), by, now)
    elif is_old and request.kind is RequestKind.SET:
        _plan_anew(request, by, now)
    elif _is_behind(request, by.profiles, at):
        _put_off(request, BEHIND_S, "the request before this one is still on its way", by, now)
    else:
        _call(request, partner, endpoint, by, now)


def _call(request: ProfileRequest, partner: Partner, endpoint: str, by: Sender, now: datetime) -> None:
    at = by.real_now()
    call_id = f"{request.request_id}-{request.attempts + 1}"
    place = by.gates.enter(partner.partner_id, partner.flags.in_flight_cap, call_id, at.timestamp())
    if isinstance(place, Deferred):
        _put_off(request, place.retry_in_s, "the partner takes no call now", by, now)
        return
    is_first = request.attempts == 0
    request = claimed(request, until=at + CLAIM, due_at=now + SENT_WITHIN, sent_at=at)
    try:
        by.profiles.save(request)
    except ConcurrentChange:
        # Superseded, or another sender was faster.
        by.gates.leave(partner.partner_id, call_id, ok=None, now_s=by.real_now().timestamp())
        return
    if is_first:
        _report_sent(request)
    request = replace(request, revision=request.revision + 1)
    try:
        answer = _exchange(request, partner, endpoint, by)
        if answer.http_status == 401 and by.tokens.was_refused(partner):
            raise PeerUnavailable("our access token was refused; another one is fetched")
        said = understand(answer)
    except (PeerUnavailable, PeerUnusable) as error:
        by.gates.leave(partner.partner_id, call_id, ok=False, now_s=by.real_now().timestamp())
        _failed(request, error, by, now)
        return
    by.gates.leave(partner.partner_id, call_id, ok=True, now_s=by.real_now().timestamp())
    timeout = said.timeout or timedelta(seconds=partner.flags.profile_timeout_s)
    _settle(
        request,
        partial(answered, answer=said.answer, due_at=now + timeout, answered_at=by.real_now(), detail=said.detail),
        by,
        now,
    )


def _exchange(request: ProfileRequest, partner: Partner, endpoint: str, by: Sender) -> OcpiAnswer:
    call = partial(
        by.client.call,
        url=session_address(endpoint, request.key.session_id),
        token=by.tokens.of(partner),
        raw_token=partner.flags.raw_token,
        routing=Routing(
            to_country_code=request.party.country_code,
            to_party_id=request.party.party_id,
            from_country_code=partner.our_party.country_code,
            from_party_id=partner.our_party.party_id,
        ),
        timeout_s=CALL_S,
        ids=RequestIds(f"{request.request_id}-{request.attempts}", request.request_id),
    )
    result_to = response_url(by.base_url, request, partner.version)
    if request.profile is not None:
        return call("PUT", body=set_charging_profile(request.profile, result_to))
    if request.kind is RequestKind.GET:
        return call("GET", params={"duration": str(ACTIVE_PROFILE_S), "response_url": result_to})
    return call("DELETE", params={"response_url": result_to})


def _failed(request: ProfileRequest, error: PeerUnavailable | PeerUnusable, by: Sender, now: datetime) -> None:
    """A peer that does not answer is tried again a few times; one whose answer cannot be used is not."""
    logger.info("profile_call_failed", request_id=request.request_id, attempt=request.attempts, problem=str(error))
    if not error.retry or request.attempts > len(RETRY_S):
        _settle(request, partial(given_up, detail=str(error)), by, now)
        return
    delay_s = RETRY_S[request.attempts - 1]
    due_at = now + timedelta(seconds=delay_s) + SENT_WITHIN
    settled = _settle(request, partial(to_be_retried, due_at=due_at, detail=str(error)), by, now)
    if settled.request.state is RequestState.REQUESTED:
        ask_to_send(by.send_queue, settled.request, delay_s=delay_s)


def _put_off(request: ProfileRequest, wait_s: float, why: str, by: Sender, now: datetime) -> None:
    """Come back later: the longer it has waited the rarer, and spread, so that those who wait do not come together."""
    waited_s = (by.real_now() - request.steps[Step.PLANNED]).total_seconds()
    spread = 0.75 + crc32(request.request_id.encode()) % 1000 / 2000
    delay_s = ceil(max(wait_s, min(waited_s, LONGEST_WAIT_S)) * spread)
    due_at = now + timedelta(seconds=delay_s) + SENT_WITHIN
    try:
        by.profiles.save(to_be_retried(request, due_at=due_at, detail=why))
    except ConcurrentChange:
        return  # It was superseded or sent meanwhile.
    logger.info("profile_put_off", request_id=request.request_id, why=why, delay_s=delay_s)
    count("ProfilesPutOff")
    ask_to_send(by.send_queue, request, delay_s=delay_s)


def _plan_anew(request: ProfileRequest, by: Sender, now: datetime) -> None:
    wanted = by.sessions.want_plan(request.key, now=now, received_at=by.real_now())
    if wanted is None:
        _settle(request, partial(superseded, detail="session_over"), by, now)
    else:
        by.plan_queue.ask(request.key, wanted)


def _is_behind(request: ProfileRequest, profiles: ProfileStore, at: datetime) -> bool:
    """Say whether the call before this one may still be in flight: two calls for one session could overtake each
    other, and the older profile win."""
    before = profiles.request(request.after) if request.after else None
    return before is not None and _is_claimed(before, at)


def _is_claimed(request: ProfileRequest, at: datetime) -> bool:
    return request.claimed_until is not None and request.claimed_until > at


def _settle(request: ProfileRequest, transition: Transition, by: Sender, now: datetime) -> Settled:
    planning = by.partners.load_cached(request.key.partner_id).planning
    settled = settle(
        request, transition, by.profiles, planning, by.outbox, question_id=by.new_id(), now=now, at=by.real_now()
    )
    follow_up(settled, by, now)
    return settled


def _report_sent(request: ProfileRequest) -> None:
    logger.info(
        "profile_sent",
        request_id=request.request_id,
        partner_id=request.key.partner_id,
        session_id=request.key.session_id,
        kind=request.kind.value,
    )
    count("ProfilesSent")
    if Step.RECEIVED in request.steps:
        took = request.steps[Step.SENT] - request.steps[Step.RECEIVED]
        measure_ms("ReceivedToSent", took / timedelta(milliseconds=1))

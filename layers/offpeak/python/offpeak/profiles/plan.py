"""Plan one session: load, decide, save what is to be sent. No CPO is called from here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from offpeak.aws.queues import FairQueue
from offpeak.errors import ConcurrentChange
from offpeak.partners.model import Partner, Party
from offpeak.partners.store import PartnerStore
from offpeak.partners.watch import notice
from offpeak.planning.decide import decide
from offpeak.planning.plan import Plan
from offpeak.planning.profile import ChargingProfile, encode
from offpeak.prices.gather import PublishedPrices, effective_prices
from offpeak.prices.memory import PriceMemory
from offpeak.prices.model import PriceCurve
from offpeak.profiles.circuit import as_planned
from offpeak.profiles.control_path import receiver_of
from offpeak.profiles.intent import Action, Intent, intent_of
from offpeak.profiles.lifecycle import observed, superseded
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Standing, Step
from offpeak.profiles.observe import is_followed
from offpeak.profiles.quality import figures_of
from offpeak.profiles.rows import standing_from
from offpeak.profiles.send_queue import ask_to_send
from offpeak.profiles.settle import SENT_WITHIN
from offpeak.profiles.sites import NOWHERE, Site, Sites
from offpeak.profiles.situation import departure_of, most_drawn_w, rate_unit, situation_of, why_unmanaged
from offpeak.profiles.store import ProfileStore
from offpeak.sessions.model import KnownSession, SessionKey
from offpeak.sessions.store import SessionStore
from offpeak.telemetry import count, logger

MOST_TRIES = 5
"""A session that changes so often while it is planned is left to the next message: each cause of a plan sends one after
it has raised plan_wanted, and the sweep finds what is lost."""

SILENT_AFTER = timedelta(days=7)
"""A session that was not heard of for so long is planned no more until it is: some never end (CONFORMANCE S3)."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What planning came to. `plan` is None for a session that is over, `request` where nothing is to be sent."""

    standing: Standing
    intent: Intent
    plan: Plan | None
    request: ProfileRequest | None
    changed: ProfileRequest | None
    """The request before, where this changes it."""
    is_silent: bool = False
    """The session was not heard of for so long that it counts as active no more."""


def plan_session(
    key: SessionKey,
    *,
    sessions: SessionStore,
    profiles: ProfileStore,
    partners: PartnerStore,
    prices: PriceMemory,
    sites: Sites,
    send_queue: FairQueue,
    request_id: str,
    now: datetime,
    planned_at: datetime,
) -> Planned | None:
    """Plan a session if it wants a plan, save the outcome, and ask for what is to be sent.

    `request_id` names the request that may come of it; `now` is the session's time, `planned_at` the real one. The
    plan, the request and plan_done are written together, on condition that no further cause of a plan came in
    meanwhile; when one did, this plans again. Returns None when there was nothing to plan, and when the session kept
    changing all the time.
    """
    for _ in range(MOST_TRIES):
        found = sessions.newest(key)
        if found is None or found[0].plan_done >= found[0].plan_wanted:
            return None
        known, standing = found[0], standing_from(key, found[1])
        newest = profiles.request(standing.newest_request_id) if standing.newest_request_id else None
        partner = partners.load_cached(key.partner_id, changed_at=known.basis_changed_at)
        site = sites.of(known.session, partner, now) if known.session.is_open else NOWHERE
        planned = _planned(
            known,
            standing,
            newest,
            replace(partner, planning=site.fitted(partner.planning)),
            site,
            prices.since(known.basis_changed_at),
            request_id=request_id,
            now=now,
            at=planned_at,
        )
        requests = [each for each in (planned.request, planned.changed) if each]
        try:
            profiles.save(*requests, standing=planned.standing, planned=known.plan_wanted, is_silent=planned.is_silent)
        except ConcurrentChange:
            continue
        if planned.request:
            ask_to_send(send_queue, planned.request)
        _report(key, planned)
        return planned
    # To fail would hold up the session's other messages for as long as this one is hidden, three minutes.
    logger.info("plan_left_to_next_message", partner_id=key.partner_id, session_id=key.session_id)
    return None


def _planned(
    known: KnownSession,
    standing: Standing,
    newest: ProfileRequest | None,
    partner: Partner,
    site: Site,
    prices: PublishedPrices,
    *,
    request_id: str,
    now: datetime,
    at: datetime,
) -> Planned:
    settled = _with_observation(newest, known, partner, at)
    if not known.session.is_open:
        return _ended(standing, newest, settled, "session_over")
    if now - known.session.last_updated > SILENT_AFTER:
        return replace(_ended(standing, newest, settled, "session_silent"), is_silent=True)
    standing = replace(standing, draw_w=most_drawn_w(known, standing, partner.planning))
    plan, profile = _decide(known, standing, partner, site, prices, now)
    unmanaged = why_unmanaged(partner)
    intent = intent_of(
        profile,
        status=known.session.status,
        unmanaged=unmanaged,
        has_receiver=receiver_of(partner) is not None,
        takes_profiles=site.takes_profiles(strict=partner.flags.strict),
        newest=settled,
        standing=standing,
        now=now,
    )
    if intent.action is Action.END:
        return _ended(standing, newest, settled, intent.why)
    if unmanaged:
        standing = replace(standing, plan=None)
    elif intent.in_effect or newest is None:
        standing = replace(standing, plan=plan)
    standing = replace(standing, wake_at=intent.wake_at)
    if intent.action is Action.KEEP:
        unseen = settled is not None and settled.state is RequestState.CHARGER_ACCEPTED and settled.profile is not None
        standing = replace(standing, is_unseen=unseen)
        return Planned(standing, intent, plan, None, _if_changed(settled, newest))
    request = ProfileRequest(
        request_id=request_id,
        key=known.session.key,
        party=Party(known.session.country_code, known.session.party_id),
        kind=RequestKind(intent.action.value),
        state=RequestState.REQUESTED,
        created_at=now,
        due_at=now + SENT_WITHIN,
        profile=profile if intent.action is Action.SET else None,
        circuit=site.circuit(partner.planning),
        after=_still_on_its_way(newest),
        steps={Step.RECEIVED: known.received_at, Step.PLANNED: at},
    )
    standing = replace(
        standing,
        newest_request_id=request_id,
        wants_renewal=False,
        is_unseen=False,
        renewed_at=now if standing.wants_renewal else standing.renewed_at,
    )
    if settled is not None:
        settled = superseded(settled, detail=f"superseded by {request_id}")
    return Planned(standing, intent, plan, request, _if_changed(settled, newest))


def _ended(standing: Standing, newest: ProfileRequest | None, settled: ProfileRequest | None, why: str) -> Planned:
    """Nothing is sent any more, and nothing is awaited."""
    if settled is not None:
        settled = superseded(settled, detail=why)
    ended = Standing(
        standing.key, plan=standing.plan, newest_request_id=standing.newest_request_id, revision=standing.revision
    )
    return Planned(ended, Intent(Action.END, why), None, None, _if_changed(settled, newest))


def _if_changed(after: ProfileRequest | None, before: ProfileRequest | None) -> ProfileRequest | None:
    return None if after is before else after


def _decide(
    known: KnownSession, standing: Standing, partner: Partner, site: Site, prices: PublishedPrices, now: datetime
) -> tuple[Plan, ChargingProfile]:
    planning, unit = partner.planning, rate_unit(partner.flags, partner.planning)
    departure_at = departure_of(known.session, planning)
    curve = PriceCurve(planning.bidding_zone, (), "")
    if departure_at > now:
        own = site.curve(known, planning, now, departure_at)
        curve = own or effective_prices(prices, planning, now, departure_at)
    plan = decide(situation_of(known, planning, unit, curve, standing.plan, standing.draw_w, now))
    return plan, encode(plan, unit=unit.value, phases=planning.phases, voltage_v=planning.voltage_v, now=now)


def _with_observation(
    newest: ProfileRequest | None, known: KnownSession, partner: Partner, at: datetime
) -> ProfileRequest | None:
    """Return the newest request, `observed` when the session's power shows it."""
    if newest is None or newest.profile is None or newest.in_force_at is None:
        return newest
    planning = as_planned(partner.planning, newest)
    follows = is_followed(
        newest.profile, known.session, newest.in_force_at, phases=planning.phases, voltage_v=planning.voltage_v
    )
    return observed(newest, observed_at=at) if follows else newest


def _still_on_its_way(newest: ProfileRequest | None) -> str | None:
    """Return the last request that may have left us: calls for one session must not overtake each other."""
    if newest is None:
        return None
    return newest.request_id if newest.attempts else newest.after


def _report(key: SessionKey, planned: Planned) -> None:
    plan, request = planned.plan, planned.request
    logger.info(
        "plan_made",
        partner_id=key.partner_id,
        session_id=key.session_id,
        action=planned.intent.action.value,
        why=planned.intent.why,
        reason=plan.reason.code.value if plan else None,
        shortfall_kwh=str(plan.shortfall_kwh) if plan else None,
        request_id=request.request_id if request else None,
    )
    count("PlansMade")
    if planned.changed is not None and planned.changed.state is RequestState.OBSERVED:
        count("ProfilesObserved")
        notice(key.partner_id, planned.changed.created_at, figures_of(planned.changed))

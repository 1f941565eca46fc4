"""What planning a session comes to: its new standing, and the request that is to be sent. Pure but for `report`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypedDict

from offpeak.partners.model import Partner, Party
from offpeak.partners.watch import notice
from offpeak.planning.plan import Plan
from offpeak.planning.profile import ChargingProfile
from offpeak.profiles.circuit import as_planned
from offpeak.profiles.control_path import receiver_of
from offpeak.profiles.exposure import may_hold
from offpeak.profiles.gather import Gathered
from offpeak.profiles.habits import is_sated
from offpeak.profiles.intent import Action, Intent, barred_of, intent_of
from offpeak.profiles.lifecycle import observed, superseded
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Standing, Step
from offpeak.profiles.observe import is_followed
from offpeak.profiles.quality import figures_of
from offpeak.profiles.settle import SENT_WITHIN
from offpeak.profiles.situation import most_drawn_w
from offpeak.sessions.model import KnownSession, SessionKey, SessionStatus
from offpeak.telemetry import count, logger

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

    is_over: bool = False
    """The session is planned no more, or not until it is heard of again."""

    @property
    def requests(self) -> list[ProfileRequest]:
        """The requests to be written."""
        return [each for each in (self.request, self.changed) if each]


def over(gathered: Gathered, now: datetime, at: datetime) -> Planned | None:
    """Return what becomes of a session that is over, or was silent for too long; None where it goes on."""
    if not gathered.known.session.is_open:
        return _left(_ended(gathered, settled(gathered, at), "session_over"))
    if now - gathered.known.session.last_updated > SILENT_AFTER:
        return replace(_left(_ended(gathered, settled(gathered, at), "session_silent")), is_silent=True)
    return None


def _left(planned: Planned) -> Planned:
    """Return what becomes of a session that is in no limit group any more."""
    return replace(planned, standing=replace(planned.standing, root_id=None), is_over=True)


def up_to_date(gathered: Gathered) -> Standing:
    """Return the standing with what the session has shown since."""
    standing = gathered.standing
    return replace(
        standing,
        draw_w=most_drawn_w(gathered.known, standing, gathered.partner.planning),
        planned_zone=gathered.partner.planning.bidding_zone,
        charger=gathered.charger,
        begun_at=gathered.known.session.start_at,
        is_sated=is_sated(gathered.known, before=standing.is_sated),
    )


def intent_for(
    gathered: Gathered,
    standing: Standing,
    newest: ProfileRequest | None,
    profile: ChargingProfile | None,
    now: datetime,
    *,
    is_capped: bool = False,
) -> Intent:
    """Return what a fresh profile means for the charger of a session; `newest` is its newest request by now, and
    `is_capped` says that the plan keeps caps of the grid."""
    told = _told(gathered)
    return intent_of(profile, newest=newest, standing=standing, now=now, is_capped=is_capped, **told)


def barred_for(gathered: Gathered, standing: Standing, newest: ProfileRequest | None, now: datetime) -> Intent | None:
    """Return what to do about a session that no profile can be set for now; None where one can."""
    return barred_of(newest=newest, standing=standing, now=now, **_told(gathered))


class _Told(TypedDict):
    status: SessionStatus
    unmanaged: str | None
    has_receiver: bool
    takes_profiles: bool


def _told(gathered: Gathered) -> _Told:
    partner = gathered.partner
    return {
        "status": gathered.known.session.status,
        "unmanaged": gathered.unmanaged,
        "has_receiver": receiver_of(partner) is not None,
        "takes_profiles": gathered.site.takes_profiles(strict=partner.flags.strict),
    }


def concluded(
    gathered: Gathered,
    standing: Standing,
    newest: ProfileRequest | None,
    plan: Plan | None,
    profile: ChargingProfile | None,
    intent: Intent,
    request_id: str,
    *,
    now: datetime,
    at: datetime,
) -> Planned:
    """Return what becomes of a session by an intent. `newest` is its newest request by now; `plan` None leaves the plan
    that the standing holds."""
    before = gathered.newest
    if intent.action is Action.END:
        return _ended(gathered, newest, intent.why)
    if gathered.unmanaged:
        standing = replace(standing, plan=None)
    elif plan is not None and (intent.in_effect or before is None):
        standing = replace(standing, plan=plan)
    standing = replace(standing, wake_at=intent.wake_at)
    if intent.action is Action.KEEP:
        unseen = newest is not None and newest.state is RequestState.CHARGER_ACCEPTED and newest.profile is not None
        standing = replace(standing, is_unseen=unseen)
        return Planned(standing, intent, plan, None, _if_changed(newest, before))
    known = gathered.known
    request = ProfileRequest(
        request_id=request_id,
        key=known.session.key,
        party=Party(known.session.country_code, known.session.party_id),
        kind=RequestKind(intent.action.value),
        state=RequestState.REQUESTED,
        created_at=now,
        due_at=now + SENT_WITHIN,
        profile=profile if intent.action is Action.SET else None,
        circuit=gathered.site.circuit(gathered.partner.planning),
        after=_still_on_its_way(before),
        steps={Step.RECEIVED: known.received_at, Step.PLANNED: at},
    )
    standing = replace(
        standing,
        newest_request_id=request_id,
        wants_renewal=False,
        is_unseen=False,
        renewed_at=now if standing.wants_renewal else standing.renewed_at,
    )
    if newest is not None:
        newest = superseded(newest, detail=f"superseded by {request_id}")
    older = (newest if newest and each is before else each for each in gathered.held)
    held = tuple(each.request_id for each in may_hold((*older, request)))
    return Planned(replace(standing, held=held), intent, plan, request, _if_changed(newest, before))


def settled(gathered: Gathered, at: datetime) -> ProfileRequest | None:
    """Return the newest request, `observed` when the session's power shows it."""
    return _with_observation(gathered.newest, gathered.known, gathered.partner, at)


def report(key: SessionKey, planned: Planned) -> None:
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


def _ended(gathered: Gathered, newest: ProfileRequest | None, why: str) -> Planned:
    """Nothing is sent any more, and nothing is awaited."""
    before, standing = gathered.newest, gathered.standing
    if newest is not None:
        newest = superseded(newest, detail=why)
    ended = Standing(
        standing.key,
        plan=standing.plan,
        newest_request_id=standing.newest_request_id,
        root_id=standing.root_id,
        charger=gathered.charger,
        begun_at=gathered.known.session.start_at,
        revision=standing.revision,
    )
    return Planned(ended, Intent(Action.END, why), None, None, _if_changed(newest, before))


def _if_changed(after: ProfileRequest | None, before: ProfileRequest | None) -> ProfileRequest | None:
    return None if after is before else after


def _with_observation(
    newest: ProfileRequest | None, known: KnownSession, partner: Partner, at: datetime
) -> ProfileRequest | None:
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

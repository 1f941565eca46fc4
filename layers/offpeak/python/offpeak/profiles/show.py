"""One session as an operator sees it: what it is, what we plan for it, and what became of that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from offpeak.instants import parse_instant
from offpeak.partners.model import Partner
from offpeak.planning.facts import INSTANTS
from offpeak.planning.plan import Fact, Plan
from offpeak.profiles.driver import NOBODY, Holding, planning_at
from offpeak.profiles.model import Override, ProfileRequest, RequestKind, Standing
from offpeak.profiles.sites import Site
from offpeak.profiles.unmanaged import TEXTS, why_no_profile
from offpeak.sessions.charging_state import REASONS
from offpeak.sessions.model import KnownSession

NOT_CAPABLE = "is sent no charging profiles: its EVSE's capabilities lack CHARGING_PROFILE_CAPABLE"


def session_shown(
    known: KnownSession,
    standing: Standing,
    requests: Iterable[ProfileRequest],
    site: Site,
    partner: Partner,
    holding: Holding = NOBODY,
    *,
    now: datetime,
) -> dict[str, object]:
    """Return the session as plain dicts, lists, text and numbers; `requests`, newest first, keep their order.

    All instants are ISO 8601 in the partner's time zone, with their offset. Those of a request's steps are real ones,
    all others live in the time of the session, as does `now`.
    """
    partner = replace(partner, planning=planning_at(partner, site, holding.driver))
    time_zone = partner.planning.time_zone
    local = Local(ZoneInfo(time_zone))
    session, state = known.session, known.state
    shown = tuple(requests)
    newest = next((each for each in shown if each.kind is not RequestKind.GET), None)
    unmanaged = why_no_profile(
        known,
        standing,
        newest,
        site,
        partner,
        now,
        is_paired=holding.driver is not None,
        is_released=holding.is_released,
    )
    is_backing_off = standing.backoff_until is not None and standing.backoff_until > now
    return {
        "partner_id": session.key.partner_id,
        "session_id": session.key.session_id,
        "time_zone": time_zone,
        "status": session.status.value,
        "evse_uid": session.evse_uid,
        "delivered_kwh": known.delivered_kwh,
        "periods": len(session.periods),
        "start_at": local(session.start_at),
        "last_updated": local(session.last_updated),
        "charging_state": {
            "state": state.state.value,
            "reason": state.reason,
            "text": REASONS[state.reason],
            "confidence": state.confidence.value,
            "power_w": state.power_w,
        },
        "charger": _charger(site, partner) if site.charger else None,
        "tariff": site.tariff.tariff_id if site.tariff else None,
        "unmanaged": {"reason": unmanaged, "text": TEXTS[unmanaged]} if unmanaged else None,
        "limit_group": _limit_group(standing) if standing.root_id else None,
        "plan": plan_shown(standing.plan, local) if standing.plan else None,
        "is_planned": known.plan_done >= known.plan_wanted,
        "overridden": _override(standing.override, local) if standing.override else None,
        "backoff": {"until": local(standing.backoff_until), "failures": standing.backoff_steps}
        if is_backing_off
        else None,
        "wakes_at": local(standing.wake_at),
        "requests": [_request(each, local) for each in shown],
    }


class Local:
    """Writes instants in one time zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def __call__(self, instant: datetime | None) -> str | None:
        return instant.astimezone(self._zone).isoformat(timespec="milliseconds") if instant else None


def _charger(site: Site, partner: Partner) -> dict[str, object]:
    """Return what the EVSE's Location, and its driver, made of the partner's settings, and whether it is sent profiles
    (P12)."""
    planning = partner.planning
    takes_profiles = site.takes_profiles(strict=partner.flags.strict)
    return {
        "phases": planning.phases,
        "voltage_v": planning.voltage_v,
        "max_power_w": planning.max_power_w,
        "is_dc": site.charger is not None and site.charger.is_dc,
        "takes_profiles": takes_profiles,
        "takes_preferences": site.charger.takes_preferences if site.charger else None,
        "text": "takes charging profiles" if takes_profiles else NOT_CAPABLE,
    }


def _limit_group(standing: Standing) -> dict[str, object]:
    """Return the tree of limit groups that a session is planned with, and what its newest plan waits for there."""
    waits_for = standing.waits_for
    if waits_for is None:
        text = "waits for nothing"
    elif waits_for:
        text = "its newest plan goes out when others have been confirmed to draw less"
    else:
        text = "its newest plan goes out as soon as others leave it room"
    # A key is the partner's id and the session's, which may hold anything.
    others = [key.partition("#")[2] for key in waits_for or ()]
    return {"root_id": standing.root_id, "waits_for": others, "text": text}


def plan_shown(plan: Plan, local: Local) -> dict[str, object]:
    return {
        "reason": plan.reason.code.value,
        "text": plan.reason.text,
        "facts": _facts(plan.reason.facts, local),
        "made_at": local(plan.made_at),
        "need_kwh": plan.need_kwh,
        "blocks": [
            {"start_at": local(each.start_at), "end_at": local(each.end_at), "power_w": each.power_w}
            for each in plan.blocks
        ],
        "unlimited_from": local(plan.unlimited_from),
        "ready_at": local(plan.ready_at),
        "departure_at": local(plan.departure_at),
        "cost_eur": plan.cost_eur,
        "saving_eur": plan.saving_eur,
        "shortfall_kwh": plan.shortfall_kwh,
        "uses_forecast": plan.uses_forecast,
    }


def _facts(facts: Mapping[str, Fact], local: Local) -> dict[str, object]:
    return {name: local(parse_instant(str(fact))) if name in INSTANTS else fact for name, fact in facts.items()}


def _override(override: Override, local: Local) -> dict[str, object]:
    return {"since": local(override.since), "text": override.what, "is_verified": override.verified}


def _request(request: ProfileRequest, local: Local) -> dict[str, object]:
    in_order = sorted(request.steps.items(), key=lambda step: step[1])
    return {
        "request_id": request.request_id,
        "kind": request.kind.value,
        "state": request.state.value,
        "detail": request.detail,
        "attempts": request.attempts,
        "steps": {step.value: local(at) for step, at in in_order},
    }

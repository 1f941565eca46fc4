"""How a profile request, and a session's standing, look as rows; None stands for an attribute that is absent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32

from offpeak.aws.tables import Item
from offpeak.instants import format_instant, parse_instant
from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.pairing.rows import charger_key_from, charger_key_row
from offpeak.partners.model import Party
from offpeak.planning import plan as plans
from offpeak.planning.profile import ChargingProfile, ProfilePeriod
from offpeak.profiles.model import (
    Circuit,
    Override,
    ProfileRequest,
    RequestKind,
    RequestState,
    Standing,
    Step,
)
from offpeak.sessions.model import SessionKey
from offpeak.sessions.store import SHARDS, shard_of

KEPT_FOR = timedelta(days=400)
"""A request leaves the table so long after it was planned; TTL needs no exactness."""


def standing_row(standing: Standing) -> dict[str, Any]:
    override = standing.override
    return {
        "plan": plans.to_row(standing.plan) if standing.plan else None,
        "newest_request_id": standing.newest_request_id,
        "backoff_until": _text(standing.backoff_until),
        "backoff_steps": standing.backoff_steps or None,
        "wake_shard": str(shard_of(standing.key)) if standing.wake_at else None,
        "wake_at": _text(standing.wake_at),
        "overridden": {
            "since": format_instant(override.since),
            "what": override.what,
            "verified": override.verified,
            "asked_at": _text(override.asked_at),
            "is_wider": override.is_wider,
        }
        if override
        else None,
        "wants_renewal": standing.wants_renewal or None,
        "renewed_at": _text(standing.renewed_at),
        "limit_w_steps": [[format_instant(start_at), limit_w] for start_at, limit_w in standing.limit_w_steps] or None,
        "draw_w": standing.draw_w,
        "is_unseen": standing.is_unseen or None,
        "is_sated": standing.is_sated or None,
        "held": list(standing.held) or None,
        "root_id": standing.root_id,
        "planned_zone": standing.planned_zone,
        "waits_for": None if standing.waits_for is None else list(standing.waits_for),
        "is_awaited": standing.is_awaited or None,
        **_listing_row(standing),
    }


def standing_from(key: SessionKey, row: Item) -> Standing:
    override = row.get("overridden")
    newest_id = row.get("newest_request_id")
    return Standing(
        key=key,
        plan=plans.from_row(row["plan"]) if "plan" in row else None,
        newest_request_id=newest_id,
        backoff_until=_instant(row.get("backoff_until")),
        backoff_steps=int(row.get("backoff_steps", 0)),
        wake_at=_instant(row.get("wake_at")),
        override=Override(
            parse_instant(override["since"]),
            override["what"],
            override["verified"],
            _instant(override["asked_at"]),
            override.get("is_wider", False),
        )
        if override
        else None,
        wants_renewal=row.get("wants_renewal", False),
        renewed_at=_instant(row.get("renewed_at")),
        limit_w_steps=tuple(
            (parse_instant(start_at), int(limit_w)) for start_at, limit_w in row.get("limit_w_steps", ())
        ),
        draw_w=int(row["draw_w"]) if "draw_w" in row else None,
        is_unseen=row.get("is_unseen", False),
        is_sated=row.get("is_sated", False),
        held=tuple(row.get("held", [newest_id] if newest_id else [])),
        root_id=row.get("root_id"),
        planned_zone=row.get("planned_zone"),
        waits_for=tuple(row["waits_for"]) if "waits_for" in row else None,
        is_awaited=row.get("is_awaited", False),
        charger=charger_key_from(row["charger"]) if "charger" in row else None,
        begun_at=_instant(row.get("begun_at")),
        revision=int(row.get("profile_revision", 0)),
    )


def _listing_row(standing: Standing) -> dict[str, Any]:
    """Return where a session is listed: among its user's, those of a charger together, by when they began."""
    charger, begun_at = standing.charger, standing.begun_at
    if charger is None or begun_at is None:
        return dict.fromkeys(("charger", "begun_at", "user_key", "charger_start"))
    return {
        "charger": charger_key_row(charger),
        "begun_at": format_instant(begun_at),
        "user_key": charger.user.text,
        "charger_start": f"{charger.charger_id}#{format_instant(begun_at)}#{standing.key.session_id.casefold()}",
    }


def request_row(request: ProfileRequest) -> dict[str, Any]:
    kept_until = request.steps[Step.PLANNED] + KEPT_FOR
    return {
        "request_id": request.request_id,
        "session_key": request.key.text,
        "partner_id": request.key.partner_id,
        "session_id": request.key.session_id,
        "country_code": request.party.country_code,
        "party_id": request.party.party_id,
        "kind": request.kind.value,
        "state": request.state.value,
        "created_at": format_instant(request.created_at),
        "due_shard": str(crc32(request.request_id.encode()) % SHARDS) if request.due_at else None,
        "due_at": _text(request.due_at),
        "profile": _profile_row(request.profile) if request.profile else None,
        "circuit": _circuit_row(request.circuit) if request.circuit else None,
        "attempts": request.attempts,
        "claimed_until": _text(request.claimed_until),
        "answer": request.answer.value if request.answer else None,
        "result": request.result.value if request.result else None,
        "in_force_at": _text(request.in_force_at),
        "detail": request.detail,
        "after": request.after,
        "about": request.about,
        "steps": {step.value: format_instant(at) for step, at in request.steps.items()},
        "revision": request.revision + 1,
        "expires_at": int(kept_until.timestamp()),
    }


def request_from(row: Item) -> ProfileRequest:
    return ProfileRequest(
        request_id=row["request_id"],
        key=SessionKey(row["partner_id"], row["session_id"]),
        party=Party(row["country_code"], row["party_id"]),
        kind=RequestKind(row["kind"]),
        state=RequestState(row["state"]),
        created_at=parse_instant(row["created_at"]),
        due_at=_instant(row.get("due_at")),
        profile=_profile(row["profile"]) if "profile" in row else None,
        circuit=_circuit(row["circuit"]) if "circuit" in row else None,
        attempts=int(row["attempts"]),
        claimed_until=_instant(row.get("claimed_until")),
        answer=AnswerType(row["answer"]) if "answer" in row else None,
        result=ResultType(row["result"]) if "result" in row else None,
        in_force_at=_instant(row.get("in_force_at")),
        detail=row.get("detail"),
        after=row.get("after"),
        about=row.get("about"),
        steps={Step(name): parse_instant(at) for name, at in row["steps"].items()},
        revision=int(row["revision"]),
    )


def _profile_row(profile: ChargingProfile) -> dict[str, Any]:
    return {
        "start_at": format_instant(profile.start_at),
        "duration_s": profile.duration_s,
        "unit": profile.unit,
        "periods": [[each.start_period_s, each.limit] for each in profile.periods],
        "min_charging_rate": profile.min_charging_rate,
    }


def _profile(row: Mapping[str, Any]) -> ChargingProfile:
    duration_s: Decimal | None = row.get("duration_s")
    return ChargingProfile(
        start_at=parse_instant(row["start_at"]),
        duration_s=None if duration_s is None else int(duration_s),
        unit=row["unit"],
        periods=tuple(ProfilePeriod(int(start_s), limit) for start_s, limit in row["periods"]),
        min_charging_rate=row.get("min_charging_rate"),
    )


def _circuit_row(circuit: Circuit) -> dict[str, Any]:
    return {"phases": circuit.phases, "voltage_v": circuit.voltage_v, "max_power_w": circuit.max_power_w}


def _circuit(row: Mapping[str, Any]) -> Circuit:
    phases = row["phases"]
    return Circuit(None if phases is None else int(phases), int(row["voltage_v"]), int(row["max_power_w"]))


def _text(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None

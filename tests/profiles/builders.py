"""Profiles and requests for tests: everything has a sensible value until a test says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from offpeak.partners.model import Party
from offpeak.planning.profile import ChargingProfile, ProfilePeriod
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Standing, Step
from tests.sessions.builders import KEY, at

REAL = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
"""Real time is not the sessions' time, so that a mix-up shows."""


def a_profile(
    *limits: tuple[float, float | str], minutes: float = 0, unit: str = "W", duration_s: int | None = None
) -> ChargingProfile:
    """A profile that starts so many minutes after plug-in; `limits` are (minutes after its start, limit)."""
    periods = tuple(
        ProfilePeriod(int(start * 60), Decimal(str(limit))) for start, limit in limits or ((0, 0), (60, 11040))
    )
    return ChargingProfile(at(minutes), duration_s, unit, periods)


def a_request(**changes: Any) -> ProfileRequest:
    values: dict[str, Any] = {
        "request_id": "request-1",
        "key": KEY,
        "party": Party("NL", "EXA"),
        "kind": RequestKind.SET,
        "state": RequestState.REQUESTED,
        "created_at": at(0),
        "due_at": at(1),
        "profile": a_profile(),
        "steps": {Step.RECEIVED: REAL, Step.PLANNED: REAL},
    }
    return ProfileRequest(**(values | changes))


def a_standing(**changes: Any) -> Standing:
    return Standing(KEY, **({"newest_request_id": "request-1"} | changes))

"""The charging profiles module on the wire (OCPI 2.2.1, 14): what we send, and what peers answer, leniently read.

CONFORMANCE P1, P3, P6, P7, P10.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, Field

from offpeak.errors import InvalidMessage
from offpeak.ocpi.fields import AnyCase, Instant, NoneAsEmpty, Number, read_object
from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.ocpi.wire_json import JsonValue
from offpeak.planning.profile import ChargingProfile, ProfilePeriod

LONGEST_PROFILE_S = 10 * 366 * 86_400
"""Seconds. An offset beyond it is nonsense, and would leave the calendar."""


@dataclass(frozen=True, slots=True)
class ProfileAnswer:
    """The synchronous answer. A result follows an ACCEPTED within `timeout_s`; None: the peer named no time."""

    answer: AnswerType
    timeout_s: int | None


@dataclass(frozen=True, slots=True)
class ProfileResult:
    """The asynchronous result. `profile` comes only with the result of a GET, and only where one is active."""

    result: ResultType
    profile: ChargingProfile | None = None


def session_address(endpoint: str, session_id: str) -> str:
    """Return the address of a session's profile below an endpoint that may or may not end in a slash (P6)."""
    return f"{endpoint.rstrip('/')}/{quote(session_id, safe='')}"


def set_charging_profile(profile: ChargingProfile, response_url: str) -> dict[str, object]:
    """Return the SetChargingProfile object of an absolute profile: limits with at most one decimal, rounded down."""
    wire: dict[str, object] = {
        "start_date_time": profile.start_at,
        "charging_rate_unit": profile.unit,
        "charging_profile_period": [
            {"start_period": period.start_period_s, "limit": _one_decimal(period.limit)} for period in profile.periods
        ],
    }
    if profile.duration_s is not None:
        wire["duration"] = profile.duration_s
    if profile.min_charging_rate is not None:
        wire["min_charging_rate"] = _one_decimal(profile.min_charging_rate)
    return {"charging_profile": wire, "response_url": response_url}


def read_answer(data: JsonValue) -> ProfileAnswer:
    """Read a ChargingProfileResponse. Raises InvalidMessage."""
    wire = read_object(ChargingProfileResponseObject, data, where="data")
    return ProfileAnswer(wire.result, wire.timeout or None)


def read_result(body: JsonValue) -> ProfileResult:
    """Read a ChargingProfileResult, ClearProfileResult or ActiveChargingProfileResult; they differ in `profile` only.

    Results come as bare bodies; one that a peer has put into an envelope is taken too. Raises InvalidMessage.
    """
    if isinstance(body, dict) and "result" not in body and isinstance(body.get("data"), dict):
        body = body["data"]
    wire = read_object(ResultObject, body)
    return ProfileResult(wire.result, _active(wire.profile, "profile.") if wire.profile else None)


def read_active_profile(body: JsonValue) -> ChargingProfile:
    """Read an ActiveChargingProfile as an absolute profile that begins at its own start_date_time (P7, P9)."""
    return _active(read_object(ActiveChargingProfileObject, body), "")


def _active(wire: ActiveChargingProfileObject, where: str) -> ChargingProfile:
    inner = wire.charging_profile
    try:
        wire.start_date_time + timedelta(seconds=LONGEST_PROFILE_S)
    except OverflowError:
        raise InvalidMessage(f"{where}start_date_time", "lies too far ahead") from None
    return ChargingProfile(
        start_at=wire.start_date_time,
        duration_s=inner.duration,
        unit=inner.charging_rate_unit,
        periods=tuple(
            ProfilePeriod(period.start_period, period.limit)
            for period in sorted(inner.charging_profile_period, key=lambda period: period.start_period)
        ),
        min_charging_rate=inner.min_charging_rate,
    )


def _one_decimal(limit: Decimal) -> Decimal:
    return limit.quantize(Decimal("0.1"), rounding="ROUND_FLOOR")


_Seconds = Annotated[int, Field(ge=0, le=LONGEST_PROFILE_S)]


class ChargingProfileResponseObject(BaseModel):
    result: Annotated[AnswerType, AnyCase]
    timeout: _Seconds | None = None


class ChargingProfilePeriodObject(BaseModel):
    start_period: _Seconds
    limit: Number


class ChargingProfileObject(BaseModel):
    charging_rate_unit: Annotated[str, Field(pattern="^[AW]$"), AnyCase]
    charging_profile_period: Annotated[list[ChargingProfilePeriodObject], NoneAsEmpty, Field(max_length=1000)] = []
    duration: _Seconds | None = None
    min_charging_rate: Number | None = None


class ActiveChargingProfileObject(BaseModel):
    start_date_time: Instant
    charging_profile: ChargingProfileObject


class ResultObject(BaseModel):
    result: Annotated[ResultType, AnyCase]
    profile: ActiveChargingProfileObject | None = None

"""Charging profiles as the CPO gets them (OCPI 2.2.1, module ChargingProfiles), and what they let a car draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, model_validator

from local.car import UNLIMITED_W, Car, LimitStep, limit_at
from local.cpo.wire import Json, read_instant, write_instant

LONGEST_URL = 255


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be a string with an RFC 3339 date-time")
    return read_instant(value)


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")
    return Decimal(value)


def _one_decimal(value: Decimal) -> Decimal:
    if value != value.quantize(Decimal("0.1")):
        raise ValueError("has more than one decimal")
    return value


Instant = Annotated[datetime, BeforeValidator(_instant)]
Rate = Annotated[
    Decimal, BeforeValidator(_number), Field(ge=0, le=10**7, allow_inf_nan=False), AfterValidator(_one_decimal)
]
ResponseUrl = Annotated[str, Field(max_length=LONGEST_URL, pattern=r"^https?://")]


class PeriodObject(BaseModel):
    start_period: Annotated[int, Field(strict=True, ge=0)]
    limit: Rate


class ProfileObject(BaseModel):
    start_date_time: Instant | None = None
    duration: Annotated[int, Field(strict=True, ge=0)] | None = None
    charging_rate_unit: Literal["W", "A"]
    min_charging_rate: Rate | None = None
    charging_profile_period: list[PeriodObject] = []

    @model_validator(mode="after")
    def _periods_ascend_from_zero(self) -> ProfileObject:
        starts = [period.start_period for period in self.charging_profile_period]
        if starts and starts[0] != 0:
            raise ValueError("charging_profile_period does not start at 0")
        if starts != sorted(set(starts)):
            raise ValueError("charging_profile_period does not ascend")
        return self


class SetChargingProfileObject(BaseModel):
    charging_profile: ProfileObject
    response_url: ResponseUrl


@dataclass(frozen=True, slots=True)
class Profile:
    """A charging profile. `periods` are (seconds after its start, limit in `unit`: W in all or A per phase);
    without `start_at` it counts from the start of charging."""

    unit: Literal["W", "A"]
    periods: tuple[tuple[int, Decimal], ...]
    start_at: datetime | None = None
    duration_s: int | None = None


def read_set_profile(body: object) -> tuple[Profile, str]:
    """Read a SetChargingProfile; return the profile and the response URL. Raises ValueError naming the field."""
    try:
        said = SetChargingProfileObject.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
    profile = said.charging_profile
    return Profile(
        unit=profile.charging_rate_unit,
        periods=tuple((each.start_period, each.limit) for each in profile.charging_profile_period),
        start_at=profile.start_date_time,
        duration_s=profile.duration,
    ), said.response_url


def limit_steps(profile: Profile, car: Car, charging_started_at: datetime) -> tuple[LimitStep, ...]:
    """Return what `profile` lets `car` draw, watts in all. Before its start and after its end nothing limits."""
    start_at = profile.start_at or charging_started_at
    ends_s = profile.duration_s
    steps = [
        LimitStep(start_at + timedelta(seconds=after_s), _watts(limit, profile.unit, car))
        for after_s, limit in profile.periods
        if ends_s is None or after_s < ends_s
    ]
    if ends_s is not None:
        steps.append(LimitStep(start_at + timedelta(seconds=ends_s), UNLIMITED_W))
    return tuple(steps)


def active_profile(
    limits: Sequence[LimitStep], car: Car, unit: Literal["W", "A"], now: datetime, duration_s: int | None = None
) -> dict[str, Json]:
    """Return the ActiveChargingProfile at `now`, looking `duration_s` ahead (None: to its end).

    Its periods count from `now`, and both of its start times are `now`, so that either reading is the same. Where
    nothing limits, the charger's own maximum shows.
    """
    steps = [LimitStep(now, limit_at(limits, now)), *(step for step in limits if step.start_at > now)]
    periods: list[Json] = []
    for step in steps:
        after_s = round((step.start_at - now) / timedelta(seconds=1))
        if duration_s is None or after_s < max(duration_s, 1):
            power_w = min(step.power_w, car.max_power_w)
            limit = power_w if unit == "W" else power_w / (car.phases * car.voltage_v)
            periods.append({"start_period": after_s, "limit": round(limit, 1)})
    profile: dict[str, Json] = {
        "start_date_time": write_instant(now),
        "charging_rate_unit": unit,
        "charging_profile_period": periods,
    }
    if duration_s is not None:
        profile["duration"] = duration_s
    return {"start_date_time": write_instant(now), "charging_profile": profile}


def _watts(limit: Decimal, unit: str, car: Car) -> float:
    return float(limit) * (car.phases * car.voltage_v if unit == "A" else 1)

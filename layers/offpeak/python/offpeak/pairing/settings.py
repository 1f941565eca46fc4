"""A driver's settings of a charger as apps tell them: checked by name, shown as they are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from offpeak.errors import InvalidMessage
from offpeak.instants import format_instant
from offpeak.pairing.model import DriverSettings, MoneyUnit
from offpeak.partners.settings import Energy, LocalTime

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST_BOOST_MIN = 24 * 60

Level = Annotated[Decimal, Field(gt=0, le=1, allow_inf_nan=False)]
"""A share of the battery."""


class _Change(BaseModel):
    """A change names only what it sets, and null un-says it; a name that does not exist is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")


class DeparturesChange(_Change):
    """Local times of the charging location. A weekday of which nothing is said is left to habits."""

    monday: LocalTime | None = None
    tuesday: LocalTime | None = None
    wednesday: LocalTime | None = None
    thursday: LocalTime | None = None
    friday: LocalTime | None = None
    saturday: LocalTime | None = None
    sunday: LocalTime | None = None


class SettingsChange(_Change):
    """Levels are shares of the battery and count where the car tells its state of charge; energies are kWh at the meter
    from plug-in on, and count where it does not."""

    smart_charging: StrictBool | None = None
    departures: DeparturesChange | None = None
    minimum_level: Level | None = None
    desired_level: Level | None = None
    early_departure: LocalTime | None = None
    early_level: Level | None = None
    battery_kwh: Annotated[Energy, Field(ge=1)] | None = None
    min_current_a: Annotated[int, Field(ge=6, le=16)] | None = None
    need_kwh: Energy | None = None
    minimum_now_kwh: Energy | None = None
    early_kwh: Energy | None = None
    discharge_allowed: StrictBool | None = None
    money_unit: MoneyUnit | None = None


class Boost(_Change):
    """Charge at once, whatever the price, for so long, or until the need is met if that is sooner."""

    minutes: Annotated[int, Field(ge=1, le=LONGEST_BOOST_MIN)] = LONGEST_BOOST_MIN


def settings_with(settings: DriverSettings, change: SettingsChange) -> DriverSettings:
    """Return settings with what a change names (JSON merge patch, RFC 7396). Raises InvalidMessage."""
    unsaid = DriverSettings()
    named: dict[str, Any] = {name: getattr(change, name) for name in change.model_fields_set}
    if "departures" in named:
        named["departures"] = _departures_with(settings, change.departures)
    said = {name: getattr(unsaid, name) if value is None else value for name, value in named.items()}
    changed = replace(settings, **said)
    _check_order("minimum_level", changed.minimum_level, "desired_level", changed.desired_level)
    _check_order("early_level", changed.early_level, "desired_level", changed.desired_level)
    _check_order("minimum_now_kwh", changed.minimum_now_kwh, "need_kwh", changed.need_kwh)
    _check_order("early_kwh", changed.early_kwh, "need_kwh", changed.need_kwh)
    return changed


def boosted(settings: DriverSettings, boost: Boost | None, now: datetime) -> DriverSettings:
    """Return settings with a boost from `now` on; None ends one."""
    return replace(settings, boost_until=None if boost is None else now + timedelta(minutes=boost.minutes))


def settings_shown(settings: DriverSettings) -> dict[str, object]:
    """Return what is told of a driver's settings: null where nothing is said."""
    departures = settings.departures
    return {
        "smart_charging": settings.smart_charging,
        "departures": {
            name: departures[day].isoformat("minutes") if day in departures else None
            for day, name in enumerate(WEEKDAYS)
        },
        "minimum_level": settings.minimum_level,
        "desired_level": settings.desired_level,
        "early_departure": settings.early_departure.isoformat("minutes") if settings.early_departure else None,
        "early_level": settings.early_level,
        "battery_kwh": settings.battery_kwh,
        "min_current_a": settings.min_current_a,
        "need_kwh": settings.need_kwh,
        "minimum_now_kwh": settings.minimum_now_kwh,
        "early_kwh": settings.early_kwh,
        "discharge_allowed": settings.discharge_allowed,
        "money_unit": settings.money_unit.value,
        "boost_until": format_instant(settings.boost_until) if settings.boost_until else None,
    }


def _departures_with(settings: DriverSettings, change: DeparturesChange | None) -> dict[int, Any]:
    if change is None:
        return {}
    named = {WEEKDAYS.index(name): getattr(change, name) for name in change.model_fields_set}
    departures = {**settings.departures, **named}
    return {day: departures[day] for day in sorted(departures) if departures[day] is not None}


def _check_order(lower: str, low: Decimal | None, upper: str, high: Decimal | None) -> None:
    if low is not None and high is not None and low > high:
        raise InvalidMessage(lower, f"is above {upper}")

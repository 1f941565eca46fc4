"""Session reports as OCPI messages, in two dialects: the specification's, and that of the guides many CPOs follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from local.car import Doing
from local.cpo.session import Period, Report, ReportKind
from local.cpo.wire import Json, Party, write_instant


class Dialect(StrEnum):
    FULL = "full"
    """Every required field of OCPI 2.2.1."""
    GUIDE = "guide"
    """A PUT with six fields, and PATCHes that name the session's start `start_datetime`."""


@dataclass(frozen=True, slots=True)
class Style:
    """How this CPO writes. `dimensions` are the CdrDimensionTypes that it sends, of those it knows."""

    party: Party = Party("DE", "SIM")
    dialect: Dialect = Dialect.FULL
    dimensions: frozenset[str] = frozenset({"ENERGY", "POWER", "TIME", "PARKING_TIME"})
    parking_time_when_held_back: bool = False
    """Some CPOs count it as parking time too when the station holds a car back that would charge."""


@dataclass(frozen=True, slots=True)
class Message:
    """A push: a PUT or a PATCH of one session."""

    method: str
    report: Report
    body: dict[str, Json]


def message_of(report: Report, style: Style) -> Message:
    """Return the push that tells `report`: a PUT at the start, PATCHes from then on."""
    if report.kind is ReportKind.START:
        body = session_object([report], style) if style.dialect is Dialect.FULL else _guide_put(report)
        return Message("PUT", report, body)
    return Message("PATCH", report, _patch(report, style))


def session_object(reports: Sequence[Report], style: Style) -> dict[str, Json]:
    """Return the whole Session object that `reports`, oldest first, add up to."""
    first, newest = reports[0], reports[-1]
    periods = [period for report in reports for period in report.periods]
    said: dict[str, Json] = {
        "country_code": style.party.country_code,
        "party_id": style.party.party_id,
        "id": newest.session_id,
        "start_date_time": write_instant(newest.started_at),
        "kwh": _kwh(newest.kwh),
        "cdr_token": {
            "country_code": style.party.country_code,
            "party_id": style.party.party_id,
            "uid": f"CARD-{newest.evse_uid}"[:36],
            "type": "RFID",
            "contract_id": f"{style.party.country_code}-{style.party.party_id}-{newest.evse_uid}"[:36],
        },
        "auth_method": "WHITELIST",
        "location_id": f"AT-{newest.evse_uid}"[:36],
        "evse_uid": newest.evse_uid,
        "connector_id": "1",
        "currency": "EUR",
        "charging_periods": _charging_periods(periods, newest.kwh, style),
        "status": _status(newest),
        "last_updated": write_instant(newest.at),
    }
    if newest.kind is ReportKind.END:
        said["end_date_time"] = write_instant(newest.at)
    if style.dialect is Dialect.GUIDE:
        said = {
            **_guide_put(first),
            **{name: said[name] for name in ("kwh", "status", "charging_periods", "last_updated")},
        }
    return said


def _guide_put(report: Report) -> dict[str, Json]:
    return {
        "id": report.session_id,
        "evse_uid": report.evse_uid,
        "status": _status(report),
        "kwh": _kwh(report.kwh),
        "start_date_time": write_instant(report.started_at),
        "last_updated": write_instant(report.at),
    }


def _patch(report: Report, style: Style) -> dict[str, Json]:
    said: dict[str, Json] = {
        "kwh": _kwh(report.kwh),
        "charging_periods": _charging_periods(report.periods, report.kwh, style),
        "last_updated": write_instant(report.at),
    }
    if style.dialect is Dialect.GUIDE:
        said["start_datetime"] = write_instant(report.started_at)
    if report.kind is ReportKind.END:
        said["status"] = _status(report)
        said["end_date_time"] = write_instant(report.at)
    return said


def _charging_periods(periods: Sequence[Period], kwh_at_end: float, style: Style) -> list[Json]:
    """Write periods so that their ENERGY adds up to the digit: each is the difference of two meter readings."""
    said: list[Json] = []
    reading = kwh_at_end - sum(period.energy_kwh for period in periods)
    for period in periods:
        before, reading = reading, reading + period.energy_kwh
        volumes = _volumes(period, round(_kwh(reading) - _kwh(before), 4), style)
        said.append(
            {
                "start_date_time": write_instant(period.start_at),
                "dimensions": [
                    {"type": name, "volume": volume} for name, volume in volumes.items() if name in style.dimensions
                ],
            }
        )
    return said


def _volumes(period: Period, energy_kwh: float, style: Style) -> dict[str, float]:
    """Return all volumes that are known of a period: kWh, kW, h, per cent."""
    is_parking = period.doing is Doing.DONE or (period.doing is Doing.HELD_BACK and style.parking_time_when_held_back)
    return {
        "ENERGY": energy_kwh,
        "POWER": round(period.energy_kwh / period.hours, 4),
        "MAX_POWER": round(period.max_power_w / 1000, 4),
        "MIN_POWER": round(period.min_power_w / 1000, 4),
        "STATE_OF_CHARGE": round(period.soc_at_end * 100, 1),
        "PARKING_TIME" if is_parking else "TIME": round(period.hours, 4),
    }


def _status(report: Report) -> str:
    return "COMPLETED" if report.kind is ReportKind.END else "ACTIVE"


def _kwh(kwh: float) -> float:
    return round(max(kwh, 0.0), 4)

"""What operators may set of a partner: checked by name, shown as it is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StringConstraints

from offpeak.errors import InvalidMessage
from offpeak.partners.codes import LONGEST_CODE, LONGEST_PATTERN, problem_with_pattern
from offpeak.partners.model import (
    Flags,
    Pairing,
    ParkingTimeMeaning,
    Partner,
    Party,
    PlanningDefaults,
    RateUnit,
    Tier,
)
from offpeak.partners.row import partner_to_row
from offpeak.prices.model import Tariff, TariffKind, TariffWindow

PARTY = r"^([A-Za-z]{2})[-*]([A-Za-z0-9]{3})$"


def _time_zone(name: object) -> object:
    try:
        ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        raise ValueError("is no time zone of the IANA database, such as Europe/Berlin") from None
    return name


def _local_time(text: object) -> object:
    try:
        local = time.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        local = None
    if local is None or local.tzinfo is not None:
        raise ValueError("must be a local time such as 07:00")
    return local


def _day(text: object) -> object:
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        raise ValueError("must be a day such as 2027-03-01") from None


def _code_pattern(pattern: str) -> str:
    problem = problem_with_pattern(pattern)
    if problem is not None:
        raise ValueError(problem)
    return pattern


def _part_of_an_hour(slot_s: int) -> int:
    if 3600 % slot_s:
        raise ValueError("must divide an hour, such as 300, 900 or 1800: slots are counted from full hours")
    return slot_s


PartnerId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Day = Annotated[date, BeforeValidator(_day)]
"""A day in UTC."""
PartyText = Annotated[str, StringConstraints(pattern=PARTY)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
LocalTime = Annotated[time, BeforeValidator(_local_time)]
TimeZone = Annotated[str, BeforeValidator(_time_zone)]
BiddingZone = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[A-Za-z0-9-]{0,18}$")]
"""A partner's may be one without prices, where a tariff is fixed: signals reach it by this name."""
Price = Annotated[Decimal, Field(ge=-10, le=10, allow_inf_nan=False)]
Energy = Annotated[Decimal, Field(ge=0, le=1000, allow_inf_nan=False)]


UNNAMED: Any = None
"""Stands where a change does not name a setting; it is never read."""


class _Change(BaseModel):
    """A change names only what it sets; a name that does not exist is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")


class WindowChange(_Change):
    start: LocalTime
    end: LocalTime
    eur_per_kwh: Price
    weekdays: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1)] = list(range(7))


class TariffChange(_Change):
    kind: TariffKind = UNNAMED
    factor: Annotated[Decimal, Field(ge=0, le=10, allow_inf_nan=False)] = UNNAMED
    adder_eur_per_kwh: Price = UNNAMED
    fixed_eur_per_kwh: Price = UNNAMED
    windows: Annotated[list[WindowChange], Field(max_length=50)] = UNNAMED


class PlanningChange(_Change):
    time_zone: TimeZone = UNNAMED
    bidding_zone: BiddingZone = UNNAMED
    tariff: TariffChange = UNNAMED
    departure: LocalTime = UNNAMED
    shortest_stay_s: Annotated[int, Field(ge=0, le=172_800)] = UNNAMED
    need_kwh: Energy = UNNAMED
    minimum_now_kwh: Energy = UNNAMED
    battery_kwh: Annotated[Energy, Field(gt=0)] = UNNAMED
    target_soc: Annotated[Decimal, Field(gt=0, le=1)] = UNNAMED
    charging_efficiency: Annotated[Decimal, Field(ge=Decimal("0.5"), le=1)] = UNNAMED
    max_power_w: Annotated[int, Field(ge=500, le=1_000_000)] = UNNAMED
    phases: Annotated[int, Field(ge=1, le=3)] | None = UNNAMED
    voltage_v: Annotated[int, Field(ge=100, le=1000)] = UNNAMED
    min_current_a: Annotated[int, Field(ge=0, le=100)] = UNNAMED
    minimum_run_s: Annotated[int, Field(ge=0, le=14_400)] = UNNAMED
    taper_from_soc: Annotated[Decimal, Field(gt=0, le=1)] = UNNAMED
    discharge_w: Annotated[int, Field(ge=0, le=1_000_000)] = UNNAMED
    min_soc: Annotated[Decimal, Field(ge=0, le=1)] = UNNAMED
    max_soc: Annotated[Decimal, Field(gt=0, le=1)] = UNNAMED
    discharging_efficiency: Annotated[Decimal, Field(ge=Decimal("0.5"), le=1)] = UNNAMED
    wear_eur_per_kwh: Annotated[Decimal, Field(ge=0, le=10, allow_inf_nan=False)] = UNNAMED
    carbon_weight_eur_per_kg: Annotated[Decimal, Field(ge=0, le=10, allow_inf_nan=False)] = UNNAMED
    learn: StrictBool = UNNAMED
    care_eur: Annotated[Decimal, Field(ge=0, le=1000, allow_inf_nan=False)] = UNNAMED
    smart_charging: StrictBool = UNNAMED
    ocpi_tariffs: StrictBool = UNNAMED


class FlagsChange(_Change):
    strict: StrictBool = UNNAMED
    raw_token: StrictBool = UNNAMED
    endpoints_end_in_slash: StrictBool = UNNAMED
    rate_unit: RateUnit | None = UNNAMED
    parking_time: ParkingTimeMeaning = UNNAMED
    profile_timeout_s: Annotated[int, Field(ge=1, le=3600)] = UNNAMED
    in_flight_cap: Annotated[int, Field(ge=1, le=100)] = UNNAMED
    negative_limits: StrictBool = UNNAMED
    slot_s: Annotated[int, Field(ge=60, le=3600), AfterValidator(_part_of_an_hour)] | None = UNNAMED
    only_paired: StrictBool = UNNAMED


class PairingChange(_Change):
    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=180)] | None = UNNAMED
    tier: Tier = UNNAMED
    code_pattern: (
        Annotated[str, StringConstraints(max_length=LONGEST_PATTERN), AfterValidator(_code_pattern)] | None
    ) = UNNAMED
    code_hint: (
        Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_CODE, strip_whitespace=True)] | None
    ) = UNNAMED


class Change(_Change):
    """All that may be set, by the names that `settings_of` shows."""

    name: Name = UNNAMED
    parties: Annotated[list[PartyText], Field(min_length=1, max_length=100)] = UNNAMED
    our_party: PartyText = UNNAMED
    our_name: Name = UNNAMED
    flags: FlagsChange = FlagsChange()
    planning: PlanningChange = PlanningChange()
    pairing: PairingChange = PairingChange()


def changed(partner: Partner, change: Change) -> Partner:
    """Return the partner with those settings changed that `change` names.

    Raises InvalidMessage for settings that do not go together.
    """
    values = {name: value for name, value in _named(change).items() if name in ("name", "our_name")}
    if "parties" in change.model_fields_set:
        values["parties"] = tuple(_party(text) for text in change.parties)
    if "our_party" in change.model_fields_set:
        values["our_party"] = _party(change.our_party)
    return replace(
        partner,
        **values,
        flags=replace(partner.flags, **_named(change.flags)),
        planning=_planning(partner.planning, change.planning),
        pairing=replace(partner.pairing, **_named(change.pairing)),
    )


def settings_of(partner: Partner) -> dict[str, object]:
    """Return all that can be shown of a partner: no tokens, no keys."""
    row = partner_to_row(partner)
    hidden = ("usage_key", "usage_key_id", "revision")
    shown: dict[str, object] = {name: value for name, value in row.items() if name not in hidden}
    shown["parties"] = [_party_text(party) for party in partner.parties]
    shown["our_party"] = _party_text(partner.our_party)
    shown["flags"] = {**_all_names(Flags), **row["flags"]}
    shown["planning"] = {**_all_names(PlanningDefaults), **row["planning"]}
    shown["pairing"] = {**_all_names(Pairing), **row["pairing"]}
    return shown


def _planning(before: PlanningDefaults, wire: PlanningChange) -> PlanningDefaults:
    named = _named(wire)
    if "tariff" in named:
        named["tariff"] = tariff_with(before.tariff, wire.tariff, "settings.planning.tariff")
    planning = replace(before, **named)
    if planning.min_soc > planning.max_soc:
        raise InvalidMessage("settings.planning.min_soc", "is above max_soc")
    return planning


def tariff_with(before: Tariff, wire: TariffChange, where: str) -> Tariff:
    """Return a tariff with what a change names, which stands at `where` in its message. Raises InvalidMessage."""
    named = _named(wire)
    if "windows" in named:
        named["windows"] = tuple(
            TariffWindow(each.start, each.end, each.eur_per_kwh, frozenset(each.weekdays)) for each in wire.windows
        )
    tariff = replace(before, **named)
    if tariff.kind is TariffKind.TIME_OF_USE and not tariff.windows:
        raise InvalidMessage(f"{where}.windows", "are what a tariff of this kind is made of")
    return tariff


def _named(wire: BaseModel) -> dict[str, Any]:
    return {name: getattr(wire, name) for name in wire.model_fields_set}


def _all_names(settings: type) -> Mapping[str, None]:
    return dict.fromkeys(each.name for each in fields(settings))


def _party(text: str) -> Party:
    return Party(text[:2].upper(), text[3:].upper())


def _party_text(party: Party) -> str:
    return f"{party.country_code}-{party.party_id}"

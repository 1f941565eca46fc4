"""From the body of a PUT to a Push, and from what is kept of a tariff to what planning asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from offpeak.errors import InvalidMessage
from offpeak.instants import parse_instant
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.merging import Merged, Push
from offpeak.ocpi.stamps import check_stamp
from offpeak.ocpi.tariffs import TAX_INCLUDED, TariffObject, fields_of, required
from offpeak.ocpi.wire_json import JsonValue
from offpeak.tariffs.model import Element, OcpiTariff, Restrictions, TariffKey

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
AMOUNTS = (
    "min_kwh",
    "max_kwh",
    "min_current",
    "max_current",
    "min_power",
    "max_power",
    "min_duration",
    "max_duration",
)


@dataclass(frozen=True, slots=True)
class TariffPush:
    """`filled` says what lenient parsing did not find."""

    push: Push
    filled: tuple[str, ...] = ()


def parse_tariff_push(
    body: JsonValue, key: TariffKey, version: str, *, is_whole: bool, strict: bool, now: datetime
) -> TariffPush:
    """Read the body of a PUT (`is_whole`) or PATCH that was addressed to `key`, in one of our versions.

    A PUT without last_updated counts as told now - the specification's own sample is one -, a PATCH without is refused
    (CONFORMANCE T14). Raises InvalidMessage, which names the field, for what cannot be taken (T6, T7, T8).
    """
    wire = read_object(TariffObject, body)
    identity = {"country_code": key.party.country_code, "party_id": key.party.party_id, "id": key.tariff_id}
    for name, in_url in identity.items():
        said = getattr(wire, name)
        if said is not None and said.casefold() != in_url.casefold():
            raise InvalidMessage(name, f"is {said!r} in the body but {in_url!r} in the URL")
        identity[name] = said or in_url
    needed = required(version) if is_whole else ("last_updated",)
    missing = tuple(name for name in needed if getattr(wire, name) in (None, []))
    must = needed if strict or not is_whole else ("currency", "elements")
    for name in missing:
        if name in must:
            raise InvalidMessage(name, "is required")
    stamp = wire.last_updated or now
    check_stamp("last_updated", stamp, now)
    told = set(TariffObject.model_fields) if is_whole else set(wire.model_fields_set) - {TAX_INCLUDED, *identity}
    told |= {TAX_INCLUDED} & wire.model_fields_set
    wire.last_updated = stamp
    fields = fields_of(wire, told, version)
    if is_whole:
        fields |= identity
    else:
        fields = {name: value for name, value in fields.items() if value is not None or name not in required(version)}
    return TariffPush(Push(stamp, is_whole, fields), missing)


def tariff_of(merged: Merged) -> OcpiTariff:
    """Return what planning asks of a tariff. Raises InvalidMessage for one that it cannot be planned by."""
    if merged.value("currency") != "EUR":
        raise InvalidMessage("currency", f"is {merged.value('currency')}; planning counts in EUR")
    elements = merged.value("elements")
    includes_tax = merged.value(TAX_INCLUDED) == "YES"
    told = elements if isinstance(elements, list) else []
    tariff = OcpiTariff(
        tariff_id=str(merged.value("id")),
        elements=tuple(_element(each, includes_tax=includes_tax) for each in told if isinstance(each, dict)),
        kind=_text(merged.value("type")),
        start_at=_instant(merged.value("start_date_time")),
        end_at=_instant(merged.value("end_date_time")),
    )
    if all(each.eur_per_kwh is None and each.eur_per_h is None for each in tariff.elements):
        raise InvalidMessage("elements", "have no price for energy or for the time of charging")
    return tariff


def _element(told: Mapping[str, Any], *, includes_tax: bool) -> Element:
    prices: dict[str, Decimal] = {}
    for component in told["price_components"]:
        tax = Decimal(1) if includes_tax else 1 + component.get("vat", Decimal(0)) / 100
        prices.setdefault(component.get("type", ""), component["price"] * tax)
    return Element(prices.get("ENERGY"), prices.get("TIME"), _restrictions(told.get("restrictions") or {}))


def _restrictions(told: Mapping[str, Any]) -> Restrictions:
    days = [WEEKDAYS.index(each) for each in told.get("day_of_week", ()) if each in WEEKDAYS]
    return Restrictions(
        start_time=_parsed(told, "start_time", time.fromisoformat),
        end_time=_parsed(told, "end_time", _end_of_day),
        start_date=_parsed(told, "start_date", date.fromisoformat),
        end_date=_parsed(told, "end_date", date.fromisoformat),
        weekdays=frozenset(days or range(7)),
        is_for_reservation="reservation" in told,
        **{name: told[name] for name in AMOUNTS if name in told},
    )


def _parsed(told: Mapping[str, Any], name: str, read: Any) -> Any:
    try:
        return read(told[name]) if name in told else None
    except ValueError:
        raise InvalidMessage(f"elements.restrictions.{name}", f"is {told[name]!r}") from None


def _end_of_day(text: str) -> time:
    """A day ends at 24:00 for some, and at 00:00 for the specification."""
    return time() if text.startswith("24:00") else time.fromisoformat(text)


def _instant(value: JsonValue) -> datetime | None:
    return parse_instant(value) if isinstance(value, str) else None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None

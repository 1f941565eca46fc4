"""From what is kept of a tariff to what planning asks of it: pure, and free of the wire's library."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from offpeak.errors import InvalidMessage
from offpeak.instants import parse_instant
from offpeak.ocpi.merging import Merged
from offpeak.ocpi.wire_json import JsonValue
from offpeak.tariffs.model import Element, OcpiTariff, Restrictions

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


def tariff_of(merged: Merged) -> OcpiTariff:
    """Return what planning asks of a tariff. Raises InvalidMessage for one that it cannot be planned by."""
    if merged.value("currency") != "EUR":
        raise InvalidMessage("currency", f"is {merged.value('currency')}; planning counts in EUR")
    elements = merged.value("elements")
    includes_tax = merged.value("tax_included") == "YES"
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
        start_time=_parsed(told, "start_time", _local_time),
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
    return time() if text.startswith("24:00") else _local_time(text)


def _local_time(text: str) -> time:
    """These times are those of the place; what one in a zone of its own should mean there nobody can say."""
    read = time.fromisoformat(text)
    if read.tzinfo is not None:
        raise ValueError("a time of day in a zone")
    return read


def _instant(value: JsonValue) -> datetime | None:
    return parse_instant(value) if isinstance(value, str) else None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None

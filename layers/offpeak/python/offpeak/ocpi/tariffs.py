"""Tariffs on the wire (OCPI 2.2.1 and 2.3.0, 11.3): one reading for both versions, and the codec of what they write
differently - the limits of a tariff's price, and whether its prices include taxes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from offpeak.ocpi.fields import AllTold, Code, Codes, Instant, NoneAsEmpty, Number, Told, Written
from offpeak.ocpi.merging import as_told
from offpeak.ocpi.price import BEFORE_2_3, Price, price_limit_object, read_price
from offpeak.ocpi.wire_json import JsonValue

MOST_ELEMENTS = 500

TAX_INCLUDED = "tax_included"
LIMITS = ("min_price", "max_price")


class PriceComponentObject(BaseModel):
    type: Code = None
    price: Number
    vat: Number | None = None
    step_size: Number | None = None


class RestrictionsObject(BaseModel):
    start_time: Written = None
    end_time: Written = None
    start_date: Written = None
    end_date: Written = None
    min_kwh: Number | None = None
    max_kwh: Number | None = None
    min_current: Number | None = None
    max_current: Number | None = None
    min_power: Number | None = None
    max_power: Number | None = None
    min_duration: Number | None = None
    max_duration: Number | None = None
    day_of_week: Codes = []
    reservation: Code = None


class ElementObject(BaseModel):
    price_components: Annotated[list[PriceComponentObject], Field(min_length=1, max_length=20)]
    restrictions: RestrictionsObject | None = None


class TariffObject(BaseModel):
    country_code: Written = None
    party_id: Written = None
    id: Written = None
    currency: Code = None
    type: Code = None
    tariff_alt_text: AllTold = []
    tariff_alt_url: Written = None
    min_price: object = None
    max_price: object = None
    elements: Annotated[list[ElementObject], NoneAsEmpty, Field(max_length=MOST_ELEMENTS)] = []
    tax_included: Code = None
    start_date_time: Instant | None = None
    end_date_time: Instant | None = None
    energy_mix: Told = None
    last_updated: Instant | None = None


def required(version: str) -> tuple[str, ...]:
    """Return the fields with cardinality 1 or + (OCPI 2.2.1 and 2.3.0, 11.3.1)."""
    common = ("country_code", "party_id", "id", "currency", "elements", "last_updated")
    return common if version == BEFORE_2_3 else (*common, TAX_INCLUDED)


def fields_of(wire: TariffObject, names: set[str], version: str) -> dict[str, JsonValue]:
    """Return those fields of a tariff that `names` lists, in the form in which both versions are kept.

    Prices of 2.2.1 are without VAT, so that is what `tax_included` says of them. Raises InvalidMessage.
    """
    fields = {name: _kept(wire, name) for name in names}
    if version == BEFORE_2_3 and "elements" in names:
        fields[TAX_INCLUDED] = "NO"
    return fields


def written_in(version: str, name: str, value: JsonValue) -> JsonValue:
    """Return a kept field as a version writes it; None where it does not know it."""
    if name in LIMITS and isinstance(value, dict):
        return price_limit_object(read_price(value, name), version)
    return None if name == TAX_INCLUDED and version == BEFORE_2_3 else value


def _kept(wire: TariffObject, name: str) -> JsonValue:
    value = getattr(wire, name)
    if name in LIMITS:
        return None if value is None else as_told(_limit(read_price(value, name)))
    if name == "elements":
        elements = [each.model_dump(exclude_none=True, exclude_defaults=True) for each in wire.elements]
        return as_told(elements) if elements else None
    return as_told(value) if value != [] else None


def _limit(price: Price) -> dict[str, object]:
    return {**price_limit_object(price, "2.3.0")}

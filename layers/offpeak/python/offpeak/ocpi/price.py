"""Prices on the wire: the one thing that OCPI 2.2.1 and 2.3.0 write differently (OCPI 2.2.1, 16.5; 2.3.0, 16.5).

2.2.1 has {excl_vat, incl_vat}; 2.3.0 {before_taxes, taxes} for what was paid and {before_taxes, after_taxes} for the
limits of a tariff. Inside there is one Price. Each spelling is understood in every version: peers that change theirs
mix them, and what was stored under one version is given back in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel

from offpeak.errors import InvalidMessage
from offpeak.ocpi.fields import NoneAsEmpty, Number, Written, read_object
from offpeak.ocpi.wire_json import JsonValue

BEFORE_2_3 = "2.2.1"
TAX = "VAT"
"""What the difference of the two amounts is called where a 2.2.1 peer told no name."""


@dataclass(frozen=True, slots=True)
class Price:
    """Amounts in the currency of whatever has the price. `after_taxes` is None where it was not told; `taxes` are
    those that were named, as they came."""

    before_taxes: Decimal
    after_taxes: Decimal | None = None
    taxes: tuple[Mapping[str, JsonValue], ...] = ()


def read_price(value: JsonValue, where: str) -> Price:
    """Read a Price or PriceLimit of any version, or the bare number of OCPI 2.1.1. Raises InvalidMessage."""
    is_bare = isinstance(value, int | Decimal) and not isinstance(value, bool)
    wire = read_object(_Price, {"before_taxes": value} if is_bare else value, where=where)
    before = wire.before_taxes if wire.before_taxes is not None else wire.excl_vat
    after = wire.after_taxes if wire.after_taxes is not None else wire.incl_vat
    if before is None:
        if after is None:
            raise InvalidMessage(where, "has no amount")
        before = after
    if after is None and wire.taxes:
        after = before + sum(each.amount for each in wire.taxes)
    taxes = tuple(each.model_dump(exclude_none=True) for each in wire.taxes)
    return Price(before, after, taxes)


def price_object(price: Price, version: str) -> dict[str, JsonValue]:
    """Write a Price: what something cost (OCPI 2.2.1: {excl_vat, incl_vat}; 2.3.0: {before_taxes, taxes})."""
    if version == BEFORE_2_3:
        return _without_none(excl_vat=price.before_taxes, incl_vat=price.after_taxes)
    taxes: list[JsonValue] = [dict(each) for each in price.taxes]
    if not taxes and price.after_taxes is not None:
        taxes = [{"name": TAX, "amount": price.after_taxes - price.before_taxes}]
    return {"before_taxes": price.before_taxes, "taxes": taxes}


def price_limit_object(price: Price, version: str) -> dict[str, JsonValue]:
    """Write a limit of a tariff (OCPI 2.2.1: a Price; 2.3.0: a PriceLimit {before_taxes, after_taxes})."""
    if version == BEFORE_2_3:
        return price_object(price, version)
    return _without_none(before_taxes=price.before_taxes, after_taxes=price.after_taxes)


def _without_none(**amounts: Decimal | None) -> dict[str, JsonValue]:
    return {name: amount for name, amount in amounts.items() if amount is not None}


class _Tax(BaseModel):
    name: Written = None
    account_number: Written = None
    percentage: Number | None = None
    amount: Number


class _Price(BaseModel):
    excl_vat: Number | None = None
    incl_vat: Number | None = None
    before_taxes: Number | None = None
    after_taxes: Number | None = None
    taxes: Annotated[list[_Tax], NoneAsEmpty] = []

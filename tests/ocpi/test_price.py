"""Prices in the words of each version."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.errors import InvalidMessage
from offpeak.ocpi.price import Price, price_limit_object, price_object, read_price

OLD = {"excl_vat": Decimal(10), "incl_vat": Decimal("12.1")}
NEW = {"before_taxes": Decimal(10), "taxes": [{"name": "VAT", "amount": Decimal("2.1")}]}
amounts = st.decimals(-1000, 1000, places=4)


@pytest.mark.parametrize("told", [OLD, NEW, {**NEW, "excl_vat": None}])
def test_a_price_that_was_told_in_one_version_is_given_back_in_the_other(told: dict[str, Any]) -> None:
    price = read_price(told, "total_cost")
    assert price_object(price, "2.2.1") == OLD
    assert price_object(price, "2.3.0") == NEW
    assert price_limit_object(price, "2.3.0") == {"before_taxes": Decimal(10), "after_taxes": Decimal("12.1")}


def test_named_taxes_come_back_as_they_were_told() -> None:
    taxes = [
        {"name": "GST", "account_number": "123", "percentage": Decimal(5), "amount": Decimal("0.5")},
        {"name": "QST", "amount": Decimal("0.99")},
    ]
    price = read_price({"before_taxes": 10, "taxes": taxes}, "total_cost")
    assert price.after_taxes == Decimal("11.49")
    assert price_object(price, "2.3.0")["taxes"] == taxes


@pytest.mark.parametrize(
    ("told", "price"),
    [
        (Decimal("7.5"), Price(Decimal("7.5"))),
        ({"excl_vat": "7.5"}, Price(Decimal("7.5"))),
        ({"incl_vat": 9}, Price(Decimal(9), Decimal(9))),
        ({"before_taxes": 0, "taxes": None}, Price(Decimal(0))),
    ],
)
def test_odd_ways_to_tell_a_price_are_understood(told: Any, price: Price) -> None:
    """T13"""
    assert read_price(told, "total_cost") == price


@pytest.mark.parametrize("told", [{}, {"price": 3}, "3", True, None, {"excl_vat": "much"}])
def test_what_is_no_price_is_refused_by_its_name(told: Any) -> None:
    """T7"""
    with pytest.raises(InvalidMessage) as refused:
        read_price(told, "max_price")
    assert refused.value.field.startswith("max_price")


@given(amounts, st.one_of(st.none(), amounts), st.permutations(["2.2.1", "2.3.0"]))
def test_no_version_loses_an_amount(before: Decimal, after: Decimal | None, versions: list[str]) -> None:
    """T16"""
    price = Price(before, after)
    for version in versions:
        price = read_price(price_object(price, version), "total_cost")
    assert (price.before_taxes, price.after_taxes) == (before, after)

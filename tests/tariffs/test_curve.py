"""OCPI tariffs as price curves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.errors import InvalidMessage
from offpeak.ocpi.merging import UNTOLD, merge
from offpeak.ocpi.wire_json import read_json, write_json
from offpeak.partners.model import Party
from offpeak.tariffs.curve import chosen, curve_of
from offpeak.tariffs.model import Drawing, OcpiTariff, TariffKey
from offpeak.tariffs.parse import parse_tariff_push
from offpeak.tariffs.planned import tariff_of

EVENING = datetime(2026, 1, 15, 17, tzinfo=UTC)
"""A Thursday, 18:00 in Berlin."""
KEY = TariffKey("acme", Party("NL", "ACM"), "T1")


def element(energy: float | None = None, *, time: float | None = None, vat: float | None = None, **when: Any) -> Any:
    prices = [("ENERGY", energy), ("TIME", time)]
    components = [
        {"type": name, "price": price, "vat": vat, "step_size": 1} for name, price in prices if price is not None
    ]
    return {"price_components": components or [{"type": "FLAT", "price": 1}], "restrictions": when or None}


def a_tariff(*elements: Any, version: str = "2.2.1", **fields: Any) -> OcpiTariff:
    body = {"currency": "EUR", "elements": list(elements), **fields}
    told = parse_tariff_push(
        read_json(write_json(body)), KEY, version, is_whole=True, strict=False, now=EVENING - timedelta(days=1)
    )
    return tariff_of(merge(UNTOLD, told.push))


def prices(tariff: OcpiTariff, *, hours: float = 14, **drawing: Any) -> list[tuple[str, float]] | None:
    """The curve from EVENING on as (local start, price)."""
    told = {"start_at": EVENING, "kwh": Decimal(0), "power_w": 10_000, "current_a": Decimal(16)} | drawing
    curve = curve_of(tariff, Drawing(**told), "DE-LU", EVENING, EVENING + timedelta(hours=hours), "Europe/Berlin")
    if curve is None:
        return None
    return [(f"{slot.start_at + timedelta(hours=1):%H:%M}", float(slot.eur_per_kwh)) for slot in curve.slots]


def test_one_price_holds_all_the_time() -> None:
    assert prices(a_tariff(element(0.30))) == [("18:00", 0.30)]


def test_a_night_price_holds_over_midnight_in_local_time() -> None:
    night = element(0.20, start_time="22:00", end_time="06:00")
    assert prices(a_tariff(night, element(0.40))) == [("18:00", 0.40), ("22:00", 0.20), ("06:00", 0.40)]


@pytest.mark.parametrize("end", ["00:00", "24:00"])
def test_a_price_until_the_end_of_the_day_ends_at_midnight(end: str) -> None:
    evening = element(0.40, start_time="18:00", end_time=end)
    assert prices(a_tariff(evening, element(0.10))) == [("18:00", 0.40), ("00:00", 0.10)]


def test_weekdays_and_dates_are_those_of_the_charger() -> None:
    friday = element(0.10, day_of_week=["FRIDAY"])
    assert prices(a_tariff(friday, element(0.30))) == [("18:00", 0.30), ("00:00", 0.10)]
    until = element(0.50, start_date="2026-01-15", end_date="2026-01-16")
    assert prices(a_tariff(until, element(0.30))) == [("18:00", 0.50), ("00:00", 0.30)]


def test_taxes_are_what_the_driver_pays_too() -> None:
    assert prices(a_tariff(element(0.20, vat=10))) == [("18:00", 0.22)]
    included = a_tariff(element(0.20, vat=10), version="2.3.0", tax_included="YES")
    assert prices(included) == [("18:00", 0.20)]
    assert prices(a_tariff(element(0.20, vat=10), version="2.3.0", tax_included="NO")) == [("18:00", 0.22)]


def test_the_time_of_charging_costs_by_what_is_drawn_in_it() -> None:
    assert prices(a_tariff(element(0.10, time=2))) == [("18:00", 0.30)]
    assert prices(a_tariff(element(None, time=2)), power_w=4000) == [("18:00", 0.50)]


def test_power_decides_which_element_holds() -> None:
    tariff = a_tariff(element(0.25, max_power=16), element(0.45))
    assert prices(tariff, power_w=11_000) == [("18:00", 0.25)]
    assert prices(tariff, power_w=22_000) == [("18:00", 0.45)]


def test_a_price_may_change_with_the_length_and_the_energy_of_a_session() -> None:
    assert prices(a_tariff(element(0.10, max_duration=3600), element(0.30))) == [("18:00", 0.10), ("19:00", 0.30)]
    free = a_tariff(element(0.0, max_kwh=5), element(0.30))
    assert prices(free) == [("18:00", 0.0)]
    assert prices(free, kwh=Decimal(5)) == [("18:00", 0.30)]


def test_a_price_of_a_reservation_is_none_of_charging() -> None:
    assert prices(a_tariff(element(9, reservation="RESERVATION"), element(0.30))) == [("18:00", 0.30)]


def test_a_tariff_that_leaves_a_time_open_gives_no_curve() -> None:
    assert prices(a_tariff(element(0.20, start_time="22:00", end_time="06:00"))) is None


@pytest.mark.parametrize(
    "tariff",
    [
        {"currency": "SEK", "elements": [element(0.20)]},
        {"currency": "EUR", "elements": [element(None)]},
        {"currency": "EUR", "elements": [element(0.20, start_time="25:00")]},
    ],
)
def test_what_cannot_be_planned_by_says_why(tariff: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage):
        a_tariff(*tariff.pop("elements"), **tariff)


def test_the_regular_tariff_that_holds_now_is_taken() -> None:
    ad_hoc, regular = a_tariff(element(0.9), type="AD_HOC_PAYMENT"), a_tariff(element(0.3), type="REGULAR")
    over = a_tariff(element(0.1), end_date_time="2026-01-15T12:00:00Z")
    assert chosen([ad_hoc, over, regular], EVENING) is regular
    assert chosen([over, ad_hoc], EVENING) is ad_hoc
    assert chosen([over], EVENING) is None


times = st.builds(lambda hour, minute: f"{hour:02d}:{minute:02d}", st.integers(0, 23), st.sampled_from([0, 10, 45]))
restrictions = st.fixed_dictionaries(
    {}, optional={"start_time": times, "end_time": times, "max_duration": st.integers(0, 40_000)}
)


@given(st.lists(st.tuples(st.integers(0, 100), restrictions), max_size=4), st.integers(1, 40))
def test_a_curve_has_no_gaps_and_at_each_instant_the_first_price_that_holds(
    elements: list[tuple[int, dict[str, Any]]], hours: int
) -> None:
    tariff = a_tariff(*(element(price, **when) for price, when in elements), element(1000))
    drawing = Drawing(EVENING - timedelta(minutes=7), Decimal(0), 11_000, Decimal(16))
    end = EVENING + timedelta(hours=hours)
    curve = curve_of(tariff, drawing, "DE-LU", EVENING, end, "Europe/Berlin")
    assert curve is not None
    assert [curve.slots[0].start_at, *(each.end_at for each in curve.slots)] == [
        *(each.start_at for each in curve.slots),
        end,
    ]
    for slot in curve.slots:
        for at in (slot.start_at, slot.start_at + (slot.end_at - slot.start_at) / 2):
            local, lasted_s = f"{at + timedelta(hours=1):%H:%M:%S.%f}", (at - drawing.start_at).total_seconds()
            assert slot.eur_per_kwh == next(
                (price for price, when in elements if _holds(when, local, lasted_s)), Decimal(1000)
            )


def _holds(when: dict[str, Any], local: str, lasted_s: float) -> bool:
    start, end = when.get("start_time", "00:00"), when.get("end_time", "00:00")
    is_in_hours = start <= local < end if start < end else local >= start or local < end
    return is_in_hours and lasted_s < when.get("max_duration", 10**9)

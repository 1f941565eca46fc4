"""What apps may say of a driver's settings, and what is refused by name."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from offpeak.errors import InvalidMessage
from offpeak.ocpi.fields import read_object
from offpeak.pairing.model import DriverSettings, MoneyUnit
from offpeak.pairing.settings import Boost, SettingsChange, boosted, settings_shown, settings_with
from tests.pairing.builders import NOW


def patched(settings: DriverSettings, **said: Any) -> DriverSettings:
    return settings_with(settings, read_object(SettingsChange, said))


def test_a_change_leaves_what_it_does_not_name() -> None:
    before = DriverSettings(departures={0: time(6, 45)}, battery_kwh=Decimal(60))
    changed = patched(before, departures={"tuesday": "07:15"}, desired_level=Decimal("0.8"))
    assert changed == DriverSettings(
        departures={0: time(6, 45), 1: time(7, 15)}, battery_kwh=Decimal(60), desired_level=Decimal("0.8")
    )


def test_null_unsays_a_setting_one_weekday_or_all() -> None:
    before = DriverSettings(
        departures={0: time(6), 1: time(7)}, need_kwh=Decimal(9), smart_charging=False, money_unit=MoneyUnit.CENT
    )
    assert patched(before, departures={"monday": None}).departures == {1: time(7)}
    assert patched(before, departures=None).departures == {}
    said = patched(before, need_kwh=None, smart_charging=None, money_unit=None)
    assert (said.need_kwh, said.smart_charging, said.money_unit) == (None, True, MoneyUnit.EUR)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"departures": {"mon": "07:00"}}, "departures.mon"),
        ({"departures": {"monday": "7 am"}}, "departures.monday"),
        ({"departures": {"monday": "07:00+01:00"}}, "departures.monday"),
        ({"departures": ["07:00"]}, "departures"),
        ({"desired_level": 80}, "desired_level"),
        ({"minimum_level": 0}, "minimum_level"),
        ({"battery_kwh": 0}, "battery_kwh"),
        ({"min_current_a": 5}, "min_current_a"),
        ({"need_kwh": -1}, "need_kwh"),
        ({"smart_charging": "yes"}, "smart_charging"),
        ({"money_unit": "USD"}, "money_unit"),
        ({"boost_until": "2027-03-01T18:00:00Z"}, "boost_until"),
        ({"minimum_level": Decimal("0.9"), "desired_level": Decimal("0.5")}, "minimum_level"),
        ({"minimum_now_kwh": 9, "need_kwh": 5}, "minimum_now_kwh"),
        ({"early_departure": "dawn"}, "early_departure"),
        ({"early_level": Decimal("0.9"), "desired_level": Decimal("0.5")}, "early_level"),
        ({"early_kwh": 9, "need_kwh": 5}, "early_kwh"),
    ],
)
def test_what_is_wrong_is_named(said: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        patched(DriverSettings(), **said)
    assert refused.value.field == field


def test_what_is_shown_can_be_told_again() -> None:
    settings = DriverSettings(
        departures={6: time(10)},
        minimum_level=Decimal("0.3"),
        early_departure=time(5, 30),
        early_level=Decimal("0.4"),
        early_kwh=Decimal(8),
        min_current_a=8,
        discharge_allowed=True,
    )
    shown = {name: value for name, value in settings_shown(settings).items() if name != "boost_until"}
    assert patched(DriverSettings(), **shown) == settings


def test_a_boost_ends_by_itself_or_when_it_is_ended() -> None:
    begun = boosted(DriverSettings(), Boost(minutes=90), NOW)
    assert begun.boost_until == NOW + timedelta(minutes=90)
    assert boosted(begun, None, NOW) == DriverSettings()
    assert boosted(DriverSettings(), Boost(), NOW).boost_until == NOW + timedelta(days=1)

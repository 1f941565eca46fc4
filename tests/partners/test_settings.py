"""What operators set: checked by name, applied alone, shown as it is set."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import time
from decimal import Decimal

import pytest

from offpeak.errors import InvalidMessage
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.wire_json import JsonValue, read_json, write_json
from offpeak.partners.model import Party, RateUnit
from offpeak.partners.settings import Change, changed, settings_of
from offpeak.prices.model import Tariff, TariffKind, TariffWindow
from tests.partners.builders import a_full_partner, a_partner


def change(settings: JsonValue) -> Change:
    return read_object(Change, settings, where="settings")


def test_only_what_is_named_changes() -> None:
    before = a_full_partner()
    after = changed(before, change({"flags": {"strict": False}, "planning": {"need_kwh": Decimal("20.5")}}))
    assert after == replace(
        before,
        flags=replace(before.flags, strict=False),
        planning=replace(before.planning, need_kwh=Decimal("20.5")),
    )


def test_nothing_named_changes_nothing() -> None:
    assert changed(a_full_partner(), change({})) == a_full_partner()


def test_what_may_be_unknown_can_be_set_back_to_unknown() -> None:
    after = changed(a_full_partner(), change({"flags": {"rate_unit": None}, "planning": {"phases": None}}))
    assert after.flags.rate_unit is None
    assert after.planning.phases is None


def test_names_and_parties_are_set() -> None:
    settings: JsonValue = {"name": " Acme ", "parties": ["nl-acm", "BE*AC2"], "our_party": "SE-OFF", "our_name": "Us"}
    after = changed(a_partner(), change(settings))
    assert (after.name, after.our_name) == ("Acme", "Us")
    assert after.parties == (Party("NL", "ACM"), Party("BE", "AC2"))
    assert after.our_party == Party("SE", "OFF")


def test_words_and_times_are_read() -> None:
    after = changed(a_partner(), change({"flags": {"rate_unit": "A"}, "planning": {"departure": "06:15"}}))
    assert after.flags.rate_unit is RateUnit.AMPERE
    assert after.planning.departure == time(6, 15)


def test_a_tariff_is_made_of_what_is_named_and_what_was_there() -> None:
    window: JsonValue = {"start": "22:00", "end": "06:00", "eur_per_kwh": Decimal("0.12"), "weekdays": [0, 1]}
    settings: JsonValue = {"planning": {"tariff": {"kind": "TIME_OF_USE", "windows": [window]}}}
    before = changed(a_partner(), change({"planning": {"tariff": {"fixed_eur_per_kwh": Decimal("0.3")}}}))
    after = changed(before, change(settings))
    assert after.planning.tariff == Tariff(
        TariffKind.TIME_OF_USE,
        fixed_eur_per_kwh=Decimal("0.3"),
        windows=(TariffWindow(time(22), time(6), Decimal("0.12"), frozenset({0, 1})),),
    )


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ("x", "settings"),
        ({"colour": "blue"}, "settings.colour"),
        ({"name": ""}, "settings.name"),
        ({"name": 7}, "settings.name"),
        ({"parties": []}, "settings.parties"),
        ({"parties": ["NLACM"]}, "settings.parties.0"),
        ({"our_party": "Netherlands"}, "settings.our_party"),
        ({"flags": {"strickt": True}}, "settings.flags.strickt"),
        ({"flags": {"strict": "yes"}}, "settings.flags.strict"),
        ({"flags": {"strict": None}}, "settings.flags.strict"),
        ({"flags": {"slot_s": 420}}, "settings.flags.slot_s"),
        ({"flags": {"rate_unit": "kW"}}, "settings.flags.rate_unit"),
        ({"flags": {"in_flight_cap": 0}}, "settings.flags.in_flight_cap"),
        ({"flags": {"profile_timeout_s": 10**6}}, "settings.flags.profile_timeout_s"),
        ({"flags": {"parking_time": "SOMETIMES"}}, "settings.flags.parking_time"),
        ({"pairing": {"url": "ftp://cpo.example"}}, "settings.pairing.url"),
        ({"pairing": {"url": "https://cpo example"}}, "settings.pairing.url"),
        ({"pairing": {"tier": "SOCKET"}}, "settings.pairing.tier"),
        ({"pairing": {"code_hint": " "}}, "settings.pairing.code_hint"),
        ({"pairing": {"code_pattern": "(a"}}, "settings.pairing.code_pattern"),
        ({"pairing": {"code_pattern": "a)|(b"}}, "settings.pairing.code_pattern"),
        ({"pairing": {"code_pattern": "(a)\\1"}}, "settings.pairing.code_pattern"),
        ({"pairing": {"code_pattern": "(?=a)a"}}, "settings.pairing.code_pattern"),
        ({"pairing": {"code_pattern": "((((a{64}){64}){64}){64})"}}, "settings.pairing.code_pattern"),
        ({"pairing": {"code_pattern": "a" * 201}}, "settings.pairing.code_pattern"),
        ({"pairing": {"code_pattern": "[\u0410-\u042f]+"}}, "settings.pairing.code_pattern"),
        ({"planning": {"time_zone": "Mars/Olympus"}}, "settings.planning.time_zone"),
        ({"planning": {"time_zone": "../../etc/passwd"}}, "settings.planning.time_zone"),
        ({"planning": {"bidding_zone": "de lu"}}, "settings.planning.bidding_zone"),
        ({"planning": {"departure": "7"}}, "settings.planning.departure"),
        ({"planning": {"departure": "07:00Z"}}, "settings.planning.departure"),
        ({"planning": {"departure": 7}}, "settings.planning.departure"),
        ({"planning": {"need_kwh": -1}}, "settings.planning.need_kwh"),
        ({"planning": {"need_kwh": "many"}}, "settings.planning.need_kwh"),
        ({"planning": {"battery_kwh": 0}}, "settings.planning.battery_kwh"),
        ({"planning": {"target_soc": Decimal("1.01")}}, "settings.planning.target_soc"),
        ({"planning": {"phases": 4}}, "settings.planning.phases"),
        ({"planning": {"max_power_w": Decimal("7360.5")}}, "settings.planning.max_power_w"),
        ({"planning": {"tariff": {"kind": "FREE"}}}, "settings.planning.tariff.kind"),
        ({"planning": {"tariff": {"kind": "TIME_OF_USE"}}}, "settings.planning.tariff.windows"),
        (
            {"planning": {"tariff": {"windows": [{"start": "22:00", "end": "24:00", "eur_per_kwh": 0}]}}},
            "settings.planning.tariff.windows.0.end",
        ),
        (
            {
                "planning": {
                    "tariff": {"windows": [{"start": "22:00", "end": "06:00", "eur_per_kwh": 0, "weekdays": [7]}]}
                }
            },
            "settings.planning.tariff.windows.0.weekdays.0",
        ),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(settings: JsonValue, field: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        changed(a_partner(), change(settings))
    assert refused.value.field == field


def test_what_is_shown_can_be_set() -> None:
    shown = json.loads(write_json(settings_of(a_full_partner())))
    settable = read_json(json.dumps({name: shown[name] for name in Change.model_fields}))
    after = changed(a_partner(), change(settable))
    full = a_full_partner()
    assert (after.planning, after.flags, after.pairing) == (full.planning, full.flags, full.pairing)


def test_every_setting_is_shown_also_one_without_a_value() -> None:
    shown = settings_of(a_partner())
    assert isinstance(shown["flags"], dict)
    assert shown["flags"]["rate_unit"] is None


def test_what_is_shown_holds_no_key() -> None:
    assert "k" * 40 not in write_json(settings_of(a_full_partner()))


def test_a_battery_s_least_charge_is_not_above_its_most() -> None:
    with pytest.raises(InvalidMessage) as refused:
        changed(a_partner(), Change.model_validate({"planning": {"min_soc": 0.95, "max_soc": 0.9}}))
    assert refused.value.field == "settings.planning.min_soc"

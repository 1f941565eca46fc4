"""Lenient by default, strict by flag; every refusal names the field."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import JsonValue

from offpeak.errors import InvalidMessage
from offpeak.sessions.model import MessageKind, SessionMessage
from offpeak.sessions.parse import parse_session_message
from tests.sessions.builders import KEY, at

GUIDE_PUT: dict[str, JsonValue] = {
    "id": "S-1",
    "evse_uid": "E1",
    "status": "ACTIVE",
    "kwh": 0,
    "start_date_time": "2026-01-15T17:00:00Z",
    "last_updated": "2026-01-15T17:00:00Z",
}
FULL_PUT: dict[str, JsonValue] = {
    **GUIDE_PUT,
    "country_code": "NL",
    "party_id": "EXA",
    "cdr_token": {"country_code": "NL", "party_id": "EXA", "uid": "04A1", "type": "RFID", "contract_id": "NL-EXA-1"},
    "auth_method": "WHITELIST",
    "location_id": "L1",
    "connector_id": "1",
    "currency": "EUR",
}


def parse(
    body: JsonValue, kind: MessageKind = MessageKind.PUT, *, strict: bool = False, party_id: str = "EXA"
) -> SessionMessage:
    return parse_session_message(kind, body, key=KEY, country_code="NL", party_id=party_id, strict=strict, now=at(60))


def test_the_guides_put_with_six_fields_is_taken_and_what_was_filled_in_is_said() -> None:
    """S5"""
    message = parse(GUIDE_PUT)
    assert message.fields["evse_uid"] == "E1"
    assert set(message.filled) == {
        "country_code",
        "party_id",
        "cdr_token",
        "auth_method",
        "location_id",
        "connector_id",
        "currency",
    }


def test_the_guides_patch_writes_start_datetime() -> None:
    """S5"""
    body: JsonValue = {
        "start_datetime": "2026-01-15T17:00:01",
        "kwh": 1.25,
        "charging_periods": [
            {"start_date_time": "2026-01-15T17:05:00Z", "dimensions": [{"type": "ENERGY", "volume": 1.25}]}
        ],
        "last_updated": "2026-01-15T17:05:00Z",
    }
    message = parse(body, MessageKind.PATCH)
    assert message.fields == {
        "start_date_time": datetime(2026, 1, 15, 17, 0, 1, tzinfo=UTC),
        "kwh": Decimal("1.25"),
    }
    assert message.renamed == ("start_datetime",)
    assert message.periods[0].dimensions == {"ENERGY": Decimal("1.25")}


def test_a_strict_partner_must_send_every_required_field() -> None:
    assert parse(FULL_PUT, strict=True).filled == ()
    for name in FULL_PUT:
        with pytest.raises(InvalidMessage, match=f"^{name}: is required"):
            parse({key: value for key, value in FULL_PUT.items() if key != name}, strict=True)


@pytest.mark.parametrize("missing", ["status", "kwh", "start_date_time", "last_updated"])
def test_even_a_lenient_put_needs_what_no_session_goes_without(missing: str) -> None:
    with pytest.raises(InvalidMessage, match=f"^{missing}: is required"):
        parse({key: value for key, value in GUIDE_PUT.items() if key != missing})


def test_a_patch_without_last_updated_is_refused() -> None:
    """T14"""
    with pytest.raises(InvalidMessage, match="^last_updated: is required"):
        parse({"kwh": 1}, MessageKind.PATCH)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kwh": -1}, "kwh"),
        ({"kwh": "many"}, "kwh"),
        ({"kwh": True}, "kwh"),
        ({"kwh": 10**12}, "kwh"),
        ({"kwh": [1]}, "kwh"),
        ({"kwh": "NaN"}, "kwh"),
        ({"kwh": "1e-400"}, "kwh"),
        ({"kwh": "1." + "3" * 50}, "kwh"),
        ({"status": "CHARGING"}, "status"),
        ({"status": 1}, "status"),
        ({"start_date_time": "yesterday"}, "start_date_time"),
        ({"start_date_time": "1970-01-01T00:00:00Z"}, "start_date_time"),
        ({"start_date_time": 1768496400}, "start_date_time"),
        ({"last_updated": "9999-12-31T23:59:59Z"}, "last_updated"),
        ({"last_updated": "2026-02-30T00:00:00Z"}, "last_updated"),
        ({"end_date_time": "2031-01-01T00:00:00Z"}, "end_date_time"),
        ({"id": "another"}, "id"),
        ({"party_id": "ELS"}, "party_id"),
        ({"country_code": "DE"}, "country_code"),
        ({"evse_uid": 7}, "evse_uid"),
        ({"evse_uid": "x" * 256}, "evse_uid"),
        ({"evse_uid": "a\x00b"}, "evse_uid"),
        ({"cdr_token": "04A1"}, "cdr_token"),
        ({"cdr_token": {"uid": "x" * 200_000}}, "cdr_token"),
        ({"charging_periods": "none"}, "charging_periods"),
        ({"charging_periods": [{}]}, "charging_periods.0.start_date_time"),
        (
            {"charging_periods": [{"start_date_time": "2026-01-15T17:00:00Z", "dimensions": [{"type": "ENERGY"}]}]},
            "charging_periods.0.dimensions.0.volume",
        ),
        (
            {
                "charging_periods": [
                    {"start_date_time": "2026-01-15T17:00:00Z", "dimensions": [{"type": "ENERGY", "volume": -1}]}
                ]
            },
            "charging_periods.0.dimensions.0.volume",
        ),
        (
            {
                "charging_periods": [
                    {
                        "start_date_time": "2026-01-15T17:00:00Z",
                        "dimensions": [{"type": "STATE_OF_CHARGE", "volume": 101}],
                    }
                ]
            },
            "charging_periods.0.dimensions.0.volume",
        ),
    ],
)
def test_a_bad_value_is_refused_with_its_field(change: dict[str, JsonValue], field: str) -> None:
    """T6, T7, T8"""
    with pytest.raises(InvalidMessage) as refusal:
        parse({**FULL_PUT, **change})
    assert refusal.value.field == field


@pytest.mark.parametrize("body", [None, [], "session", 1, [FULL_PUT]])
def test_a_body_that_is_no_object_is_refused(body: JsonValue) -> None:
    with pytest.raises(InvalidMessage, match="^body: "):
        parse(body)


def test_identifiers_compare_case_insensitively() -> None:
    """T8"""
    assert parse({**FULL_PUT, "id": "s-1", "party_id": "exa"}).fields["status"] == "ACTIVE"


def test_optional_fields_may_be_missing_null_or_empty_and_unknown_ones_are_kept_out() -> None:
    """T13"""
    message = parse({**FULL_PUT, "end_date_time": None, "charging_periods": [], "meter_id": "#NA", "colour": "red"})
    assert message.fields["end_date_time"] is None
    assert message.fields["meter_id"] is None
    assert message.periods == ()
    assert "colour" not in message.fields
    assert parse({**FULL_PUT, "charging_periods": None}).periods == ()


def test_a_patch_cannot_erase_what_every_session_has() -> None:
    assert parse({"status": None, "last_updated": "2026-01-15T17:05:00Z"}, MessageKind.PATCH).fields == {}


@pytest.mark.parametrize(
    "text",
    ["2026-01-15T17:00:00", "2026-01-15T17:00:00Z", "2026-01-15T18:00:00+01:00", "2026-01-15T17:00:00.000000Z"],
)
def test_date_times_come_in_every_rfc_3339_form(text: str) -> None:
    """T12"""
    assert parse({**FULL_PUT, "start_date_time": text}).fields["start_date_time"] == at(0)


def test_power_may_be_negative_because_cars_can_feed_the_grid() -> None:
    body: JsonValue = {
        **FULL_PUT,
        "charging_periods": [
            {"start_date_time": "2026-01-15T17:00:00Z", "dimensions": [{"type": "POWER", "volume": -5}]}
        ],
    }
    assert parse(body).periods[0].dimensions["POWER"] == -5


def test_too_many_periods_are_refused() -> None:
    period: JsonValue = {"start_date_time": "2026-01-15T17:00:00Z", "dimensions": []}
    with pytest.raises(InvalidMessage, match="^charging_periods: "):
        parse({**FULL_PUT, "charging_periods": [period] * 2001})

"""Charging profiles on the wire: what we write, and what peers' answers and results mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.errors import InvalidMessage
from offpeak.ocpi.chargingprofiles import (
    ProfileAnswer,
    ProfileResult,
    read_active_profile,
    read_answer,
    read_result,
    session_address,
    set_charging_profile,
)
from offpeak.ocpi.profile_types import AnswerType, ResultType
from offpeak.ocpi.wire_json import JsonValue, read_json, write_json
from offpeak.planning.profile import ChargingProfile, ProfilePeriod

START = datetime(2026, 3, 1, 21, 0, 0, tzinfo=UTC)
RESULT_TO = "https://offpeak.example/ocpi/emsp/2.2.1/chargingprofiles/results/set/r1"


def profile(*limits: str, unit: str = "W", duration_s: int | None = None, least: str | None = None) -> ChargingProfile:
    periods = tuple(ProfilePeriod(900 * place, Decimal(limit)) for place, limit in enumerate(limits))
    return ChargingProfile(START, duration_s, unit, periods, Decimal(least) if least else None)


def active(**changes: JsonValue) -> dict[str, JsonValue]:
    inner: dict[str, JsonValue] = {
        "start_date_time": "2026-03-01T20:00:00Z",
        "charging_rate_unit": "A",
        "charging_profile_period": [{"start_period": 0, "limit": 16}],
    }
    return {"start_date_time": "2026-03-01T21:00:00Z", "charging_profile": {**inner, **changes}}


def test_a_profile_is_written_as_ocpi_wants_it() -> None:
    """P7"""
    written = json.loads(write_json(set_charging_profile(profile("0", "16.0", unit="A", least="6"), RESULT_TO)))
    assert written == {
        "charging_profile": {
            "start_date_time": "2026-03-01T21:00:00.000Z",
            "charging_rate_unit": "A",
            "min_charging_rate": 6,
            "charging_profile_period": [{"start_period": 0, "limit": 0}, {"start_period": 900, "limit": 16}],
        },
        "response_url": RESULT_TO,
    }


def test_the_duration_is_written_where_there_is_one() -> None:
    """P7"""
    wire = set_charging_profile(profile("1", duration_s=900), RESULT_TO)["charging_profile"]
    assert isinstance(wire, dict)
    assert wire["duration"] == 900


@given(st.decimals(0, 50_000, allow_nan=False, places=4))
def test_limits_have_one_decimal_at_most_and_are_never_rounded_up(limit: Decimal) -> None:
    """P7, T16"""
    written = json.loads(
        write_json(set_charging_profile(profile(str(limit)), RESULT_TO)), parse_float=Decimal, parse_int=Decimal
    )
    sent = written["charging_profile"]["charging_profile_period"][0]["limit"]
    assert limit - Decimal("0.1") < sent <= limit
    assert sent == sent.quantize(Decimal("0.1"))


@pytest.mark.parametrize("endpoint", ["https://cpo.example/cp", "https://cpo.example/cp/"])
@given(session_id=st.text(min_size=1, max_size=36))
def test_a_session_is_one_segment_below_the_endpoint(endpoint: str, session_id: str) -> None:
    """P6"""
    address = session_address(endpoint, session_id)
    prefix = "https://cpo.example/cp/"
    assert address.startswith(prefix)
    segment = address.removeprefix(prefix)
    assert unquote(segment) == session_id
    assert not set(segment) & set("/?# ")


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ({"result": "ACCEPTED", "timeout": 30}, ProfileAnswer(AnswerType.ACCEPTED, 30)),
        ({"result": "ACCEPTED", "timeout": 0}, ProfileAnswer(AnswerType.ACCEPTED, None)),
        ({"result": "ACCEPTED"}, ProfileAnswer(AnswerType.ACCEPTED, None)),
        ({"result": "TOO_OFTEN", "timeout": None, "more": 1}, ProfileAnswer(AnswerType.TOO_OFTEN, None)),
        ({"result": "not_supported", "timeout": 0}, ProfileAnswer(AnswerType.NOT_SUPPORTED, None)),
        ({"result": "UNKNOWN_SESSION", "timeout": 0}, ProfileAnswer(AnswerType.UNKNOWN_SESSION, None)),
    ],
)
def test_an_answer_is_read_with_and_without_its_time_out(data: JsonValue, answer: ProfileAnswer) -> None:
    """P3, P4, T13"""
    assert read_answer(data) == answer


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (None, "data"),
        ("ACCEPTED", "data"),
        ({}, "data.result"),
        ({"result": "MAYBE"}, "data.result"),
        ({"result": "ACCEPTED", "timeout": "soon"}, "data.timeout"),
        ({"result": "ACCEPTED", "timeout": -1}, "data.timeout"),
    ],
)
def test_an_answer_that_says_nothing_is_refused_by_its_field(data: JsonValue, field: str) -> None:
    """T7"""
    with pytest.raises(InvalidMessage) as refused:
        read_answer(data)
    assert refused.value.field == field


@pytest.mark.parametrize("result", list(ResultType))
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_result_is_a_bare_body_and_is_understood_in_an_envelope_too(result: ResultType, wrapped: bool) -> None:
    """P1"""
    body: dict[str, JsonValue] = {"result": result.value}
    assert read_result({"data": body, "status_code": 1000} if wrapped else body) == ProfileResult(result)


def test_the_result_of_a_get_brings_the_active_profile() -> None:
    """P1, P7"""
    result = read_result({"result": "ACCEPTED", "profile": active()})
    assert result.profile == ChargingProfile(START, None, "A", (ProfilePeriod(0, Decimal(16)),))


def test_the_times_of_an_active_profile_count_from_its_own_start() -> None:
    """P7: not from that of the charging profile inside."""
    assert read_active_profile(active()).start_at == START


@pytest.mark.parametrize("periods", [None, []])
def test_an_active_profile_may_have_no_periods(periods: JsonValue) -> None:
    """P7, T13"""
    assert read_active_profile(active(charging_profile_period=periods)).periods == ()


def test_periods_are_put_into_order() -> None:
    """P7"""
    periods: JsonValue = [{"start_period": 900, "limit": 0}, {"start_period": 0, "limit": Decimal("16.5")}]
    assert [each.limit for each in read_active_profile(active(charging_profile_period=periods)).periods] == [
        Decimal("16.5"),
        Decimal(0),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"charging_profile": {}}', "start_date_time"),
        ('{"start_date_time": "tomorrow", "charging_profile": {}}', "start_date_time"),
        ('{"start_date_time": "2026-03-01T21:00:00Z"}', "charging_profile"),
        (
            '{"start_date_time": "2026-03-01T21:00:00Z", "charging_profile": {"charging_rate_unit": "kW"}}',
            "charging_profile.charging_rate_unit",
        ),
        (
            '{"start_date_time": "9999-12-31T23:59:59Z", "charging_profile": {"charging_rate_unit": "W"}}',
            "start_date_time",
        ),
    ],
)
def test_an_active_profile_that_makes_no_sense_is_refused_by_its_field(body: str, field: str) -> None:
    """T7"""
    with pytest.raises(InvalidMessage) as refused:
        read_active_profile(read_json(body))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("period", "field"),
    [
        ({"limit": 1}, "start_period"),
        ({"start_period": -1, "limit": 1}, "start_period"),
        ({"start_period": Decimal("0.5"), "limit": 1}, "start_period"),
        ({"start_period": 0, "limit": "much"}, "limit"),
        ({"start_period": 0, "limit": 10**12}, "limit"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused_by_its_field(period: JsonValue, field: str) -> None:
    """T7"""
    with pytest.raises(InvalidMessage) as refused:
        read_result({"result": "ACCEPTED", "profile": active(charging_profile_period=[period])})
    assert refused.value.field == f"profile.charging_profile.charging_profile_period.0.{field}"

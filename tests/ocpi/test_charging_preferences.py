"""Charging preferences as they are written, and what CPOs answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from offpeak.errors import PeerUnusable
from offpeak.ocpi.charging_preferences import (
    Preferences,
    PreferencesAnswer,
    ProfileType,
    preferences_address,
    preferences_object,
    read_preferences_answer,
)
from offpeak.ocpi.client import OcpiAnswer
from offpeak.ocpi.wire_json import write_json


def test_what_is_not_told_is_left_out() -> None:
    """T12, T16"""
    departure_at = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
    wanted = Preferences(ProfileType.CHEAP, departure_at, Decimal("22.5"), discharge_allowed=False)
    assert json.loads(write_json(preferences_object(wanted))) == {
        "profile_type": "CHEAP",
        "departure_time": "2026-11-21T06:30:00.000Z",
        "energy_need": 22.5,
        "discharge_allowed": False,
    }
    assert preferences_object(Preferences(ProfileType.FAST)) == {"profile_type": "FAST"}


@pytest.mark.parametrize("endpoint", ["https://cpo.example/sessions", "https://cpo.example/sessions/"])
def test_the_address_is_below_the_session(endpoint: str) -> None:
    """P6, S7"""
    assert preferences_address(endpoint, "A/1") == "https://cpo.example/sessions/A%2F1/charging_preferences"


@pytest.mark.parametrize(
    ("data", "answer"),
    [(each.value, each) for each in PreferencesAnswer]
    + [("accepted", PreferencesAnswer.ACCEPTED), ({"result": "NOT_POSSIBLE"}, PreferencesAnswer.NOT_POSSIBLE)],
)
def test_the_answer_is_a_bare_word(data: Any, answer: PreferencesAnswer) -> None:
    """S7"""
    assert read_preferences_answer(OcpiAnswer(200, 1000, None, data)) is answer


@pytest.mark.parametrize(
    ("ocpi_status", "answer"),
    [
        (2001, PreferencesAnswer.NOT_CAPABLE),
        (2000, PreferencesAnswer.UNKNOWN_SESSION),
        (None, PreferencesAnswer.UNKNOWN_SESSION),
    ],
)
def test_not_found_means_not_capable_where_it_says_so(ocpi_status: int | None, answer: PreferencesAnswer) -> None:
    """S7"""
    assert read_preferences_answer(OcpiAnswer(404, ocpi_status)) is answer


@pytest.mark.parametrize(
    "answer",
    [
        OcpiAnswer(200, 1000),
        OcpiAnswer(200, 1000, None, "PERHAPS"),
        OcpiAnswer(200, 2001, "no such field", None),
        OcpiAnswer(401, None),
        OcpiAnswer(200, 1000, None, {"result": 7}),
    ],
)
def test_anything_else_is_not_usable(answer: OcpiAnswer) -> None:
    with pytest.raises(PeerUnusable):
        read_preferences_answer(answer)

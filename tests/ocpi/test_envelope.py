"""The envelope and the ids."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from offpeak.ocpi.envelope import RequestIds, Status, envelope, is_echoable

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def test_without_data_the_envelope_has_no_such_field() -> None:
    """T5, T12"""
    assert json.loads(envelope(Status.SUCCESS, NOW)) == {"status_code": 1000, "timestamp": "2026-03-01T12:00:00.123Z"}


@pytest.mark.parametrize("data", [[], {}, "", 0, False, "ACCEPTED"])
def test_any_data_is_data_even_when_it_is_empty(data: object) -> None:
    """T5"""
    assert json.loads(envelope(Status.SUCCESS, NOW, data=data))["data"] == data


def test_the_ids_of_the_next_request_keep_the_chain() -> None:
    """T3"""
    assert RequestIds("r1", "c1").followed_by("r2").headers() == {"X-Request-ID": "r2", "X-Correlation-ID": "c1"}


@pytest.mark.parametrize(
    ("value", "fit"), [("abc-1", True), ("", False), (None, False), ("a\r\nb", False), ("ü", False), ("a" * 129, False)]
)
def test_only_what_does_no_harm_is_echoed(value: str | None, fit: bool) -> None:
    """T3"""
    assert is_echoable(value) is fit

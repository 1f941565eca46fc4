"""P3, P10: what a CPO's answer means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from offpeak.errors import PeerUnavailable, PeerUnusable
from offpeak.ocpi.client import OcpiAnswer
from offpeak.ocpi.profile_types import AnswerType
from offpeak.ocpi.wire_json import JsonValue
from offpeak.profiles.answers import understand


def data(result: str, timeout: int | None = 30) -> JsonValue:
    return {"result": result, "timeout": timeout}


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (OcpiAnswer(200, 1000, None, data("ACCEPTED")), AnswerType.ACCEPTED),
        (OcpiAnswer(201, 1000, None, data("ACCEPTED")), AnswerType.ACCEPTED),
        (OcpiAnswer(200, 1000, None, data("NOT_SUPPORTED")), AnswerType.NOT_SUPPORTED),
        (OcpiAnswer(200, 1000, None, data("REJECTED")), AnswerType.REJECTED),
        (OcpiAnswer(200, 1000, None, data("TOO_OFTEN")), AnswerType.TOO_OFTEN),
        (OcpiAnswer(200, 1000, None, data("UNKNOWN_SESSION")), AnswerType.UNKNOWN_SESSION),
        (OcpiAnswer(404, 2001, "no such session"), AnswerType.UNKNOWN_SESSION),
        (OcpiAnswer(404, None), AnswerType.UNKNOWN_SESSION),
        (OcpiAnswer(404, 2003, None, data("UNKNOWN_SESSION")), AnswerType.UNKNOWN_SESSION),
        (OcpiAnswer(429, None), AnswerType.TOO_OFTEN),
        (OcpiAnswer(200, 2001, "bad period"), AnswerType.REJECTED),
        (OcpiAnswer(200, 2001, None, data("ACCEPTED")), AnswerType.REJECTED),
        (OcpiAnswer(401, 2001, "who are you"), AnswerType.REJECTED),
    ],
)
def test_each_answer_is_understood(said: OcpiAnswer, answer: AnswerType) -> None:
    assert understand(said).answer is answer


def test_a_refusal_without_a_result_keeps_the_peer_s_words() -> None:
    assert understand(OcpiAnswer(200, 2001, "bad period")).detail == "HTTP 200, OCPI 2001: bad period"


@pytest.mark.parametrize(("timeout", "seconds"), [(30, 30), (0, None), (None, None), (10**8, 3600)])
def test_a_time_out_counts_where_it_is_told_and_sane(timeout: int | None, seconds: int | None) -> None:
    """P4"""
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert understand(OcpiAnswer(200, 1000, None, data("ACCEPTED", timeout))).timeout == expected


@pytest.mark.parametrize("wrong", [None, {}, {"result": "FINE"}, [], "ACCEPTED"])
def test_a_success_that_does_not_say_what_it_is_cannot_be_used(wrong: JsonValue) -> None:
    with pytest.raises(PeerUnusable):
        understand(OcpiAnswer(200, 1000, None, wrong))


def test_a_server_error_inside_the_envelope_may_pass() -> None:
    with pytest.raises(PeerUnavailable):
        understand(OcpiAnswer(200, 3000, "try later"))

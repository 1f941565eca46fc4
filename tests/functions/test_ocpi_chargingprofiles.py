"""What partners may send to our response URLs and our active profile interface, and what they are answered."""

from __future__ import annotations

from typing import Any

import pytest

from offpeak import wiring
from offpeak.profiles.model import RequestState
from tests.functions.events import envelope_of
from tests.functions.journey import KEY, Journey

ACTIVE = {
    "start_date_time": "2026-11-20T21:00:05Z",
    "charging_profile": {
        "charging_rate_unit": "W",
        "charging_profile_period": [{"start_period": 0, "limit": 0}],
    },
}


@pytest.fixture
def response_url(journey: Journey) -> str:
    """Where the CPO is to send the result of the profile that it has just taken."""
    journey.push_session()
    journey.work()
    (url,) = journey.cpo.awaited
    return url


def statuses(answer: dict[str, Any]) -> tuple[int, int]:
    return answer["statusCode"], envelope_of(answer)["status_code"]


def test_a_result_is_answered_1000_without_data_as_often_as_it_comes(journey: Journey, response_url: str) -> None:
    """P5, T5"""
    for _ in range(2):
        answer = journey.post_result(response_url, {"result": "ACCEPTED"})
        assert statuses(answer) == (200, 1000)
        assert "data" not in envelope_of(answer)
    assert journey.newest.state is RequestState.CHARGER_ACCEPTED


def test_a_result_in_an_envelope_is_taken_too(journey: Journey, response_url: str) -> None:
    """P1"""
    answer = journey.post_result(response_url, {"data": {"result": "REJECTED"}, "status_code": 1000})
    assert statuses(answer) == (200, 1000)
    assert journey.newest.state is RequestState.REJECTED


@pytest.mark.parametrize(
    "wrong", ["/results/clear/", "/results/get/", "/results/fine/", "/results/set/x", f"/results/set/{'x' * 3000}"]
)
def test_a_result_that_nobody_waits_for_is_answered_404(journey: Journey, response_url: str, wrong: str) -> None:
    """P5"""
    answer = journey.post_result(response_url.replace("/results/set/", wrong), {"result": "ACCEPTED"})
    assert statuses(answer) == (404, 2000)
    assert journey.newest.state is RequestState.CPO_ACCEPTED


def test_another_partner_s_result_is_answered_404(journey: Journey, response_url: str) -> None:
    """P5"""
    assert statuses(journey.post_result(response_url, {"result": "ACCEPTED"}, "somebody-else")) == (404, 2000)
    assert journey.newest.state is RequestState.CPO_ACCEPTED


@pytest.mark.parametrize(
    ("body", "expected", "field"),
    [
        ("{", (400, 2001), ""),
        ("", (400, 2001), ""),
        ("[]", (200, 2001), "body"),
        ("{}", (200, 2001), "result"),
        ('{"result": "PERHAPS"}', (200, 2001), "result"),
        ('{"result": 1}', (200, 2001), "result"),
    ],
)
def test_a_bad_result_is_answered_with_what_is_wrong_and_changes_nothing(
    journey: Journey, response_url: str, body: str, expected: tuple[int, int], field: str
) -> None:
    """T6, T7"""
    answer = journey.post_result(response_url, body)
    assert statuses(answer) == expected
    assert envelope_of(answer)["status_message"].startswith(field)
    assert journey.newest.state is RequestState.CPO_ACCEPTED


def test_a_pushed_profile_that_differs_is_shown_and_asked_about(journey: Journey, response_url: str) -> None:
    """P9"""
    journey.post_result(response_url, {"result": "ACCEPTED"})
    assert statuses(journey.push_active_profile(ACTIVE)) == (200, 1000)
    override = wiring.profiles().standing(KEY).override
    assert override is not None
    journey.work()
    assert [call.method for call in journey.cpo.calls] == ["PUT", "GET"]


def test_a_pushed_profile_of_an_unknown_session_is_answered_404(journey: Journey) -> None:
    """P9"""
    assert statuses(journey.push_active_profile(ACTIVE, "S%2F404")) == (404, 2000)
    assert statuses(journey.push_active_profile(ACTIVE, "S" * 3000)) == (404, 2000), "no key could hold it"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"start_date_time": "yesterday"}, "start_date_time"),
        ({"charging_profile": {"charging_rate_unit": "V"}}, "charging_profile.charging_rate_unit"),
        ({"charging_profile": None}, "charging_profile"),
    ],
)
def test_a_bad_profile_is_answered_with_what_is_wrong(
    journey: Journey, response_url: str, wrong: dict[str, Any], field: str
) -> None:
    """T7"""
    answer = journey.push_active_profile(ACTIVE | wrong)
    assert statuses(answer) == (200, 2001)
    assert envelope_of(answer)["status_message"].startswith(field)


@pytest.mark.parametrize("limit", ["NaN", "1e400", "Infinity"])
def test_absurd_numbers_are_refused(journey: Journey, response_url: str, limit: str) -> None:
    body = (
        '{"start_date_time": "2026-11-20T21:00:05Z", "charging_profile": {"charging_rate_unit": "W", '
        f'"charging_profile_period": [{{"start_period": 0, "limit": {limit}}}]}}}}'
    )
    assert journey.push_active_profile(body)["statusCode"] in (200, 400)
    assert envelope_of(journey.push_active_profile(body))["status_code"] == 2001

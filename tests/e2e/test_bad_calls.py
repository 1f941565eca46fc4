"""Bad results, active profiles and credentials: an answer that names the field, and no effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.cpo import ResultComes
from offpeak.profiles.model import RequestState
from tests.e2e.partner import Partner
from tests.e2e.scene import Scene, scene_on
from tests.e2e.stage import PROFILES, Answer, Stage

INVALID = (200, 2001)
UNPARSEABLE = (400, 2001)


@pytest.fixture(scope="module")
def evening(stage: Stage) -> Iterator[Scene]:
    with scene_on(stage) as scene:
        yield scene


@pytest.fixture(scope="module")
def partner(evening: Scene) -> Partner:
    """A partner that owes us the result for its session S1, which none of these tests may change."""
    partner = evening.partner()
    partner.misbehave(result_comes=ResultComes.NEVER)
    partner.plug_in("S1")
    evening.settle()
    return partner


@pytest.fixture(scope="module")
def newcomer(evening: Scene) -> Partner:
    """A CPO that is invited, and that none of these tests may register."""
    return evening.invited()


@pytest.mark.parametrize(
    ("content", "codes", "field"),
    [
        ("", UNPARSEABLE, "body"),
        ("{", UNPARSEABLE, "body"),
        ("[]", INVALID, "body"),
        ("{}", INVALID, "result"),
        ('{"result": "MAYBE"}', INVALID, "result"),
        ('{"result": 7}', INVALID, "result"),
    ],
)
def test_a_bad_result_changes_nothing(partner: Partner, content: str, codes: tuple[int, int], field: str) -> None:
    """P5, T6"""
    [call] = partner.profile_calls("S1")
    answer = partner.ask("POST", call.response_url, content=content)
    assert answer.codes == codes
    assert field in answer.message
    assert partner.newest("S1").state is RequestState.CPO_ACCEPTED


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        ({}, "start_date_time"),
        ({"start_date_time": "now", "charging_profile": {}}, "start_date_time"),
        ({"start_date_time": "2025-10-02T17:00:00Z"}, "charging_profile"),
        ({"start_date_time": "2025-10-02T17:00:00Z", "charging_profile": []}, "charging_profile"),
        (
            {"start_date_time": "2025-10-02T17:00:00Z", "charging_profile": {"charging_rate_unit": "kW"}},
            "charging_profile.charging_rate_unit",
        ),
        (
            {
                "start_date_time": "9999-12-31T23:59:59Z",
                "charging_profile": {
                    "charging_rate_unit": "W",
                    "charging_profile_period": [{"start_period": 10**7, "limit": 1}],
                },
            },
            "start_",
        ),
    ],
)
def test_a_bad_active_profile_names_its_field(partner: Partner, profile: dict[str, Any], field: str) -> None:
    """P9, T7"""
    before = partner.rows("S1")
    answer = partner.ask("PUT", f"{PROFILES}/S1", profile)
    assert answer.codes == INVALID
    assert field in answer.message
    assert partner.rows("S1") == before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"token": ""}, "token"),
        ({"token": "x" * 65}, "token"),
        ({"token": "with blank"}, "token"),
        ({"token": None}, "token"),
        ({"url": "no url"}, "url"),
        ({"url": "https://user:secret@example.org/"}, "url"),
        ({"url": 7}, "url"),
        ({"roles": []}, "roles"),
        ({"roles": [{"role": "CPO", "country_code": "DEU", "party_id": "A"}]}, "roles.0.country_code"),
    ],
)
def test_bad_credentials_name_their_field_and_register_nobody(
    newcomer: Partner, fields: dict[str, Any], field: str
) -> None:
    """C5, T7"""
    answer = said_of_itself(newcomer, fields)
    assert answer.codes == INVALID
    assert answer.message.startswith(field)
    assert newcomer.cpo.complaints == (), "and nobody was called"


def said_of_itself(newcomer: Partner, fields: dict[str, Any]) -> Answer:
    """Return the answer to credentials that are good but for these fields."""
    role = {"role": "CPO", "country_code": "DE", "party_id": "ABC"}
    said = {"token": "token-b", "url": newcomer.cpo.versions_url, "roles": [role], **fields}
    return newcomer.stage.ask("POST", "/ocpi/2.2.1/credentials", newcomer.token_a, body=said)


def test_after_bad_credentials_it_can_still_register(newcomer: Partner) -> None:
    """C5"""
    assert said_of_itself(newcomer, {"token": ""}).codes == INVALID
    newcomer.register()
    assert newcomer.cpo.complaints == ()

"""The credentials object as partners send it."""

from __future__ import annotations

import pytest

from offpeak.errors import InvalidMessage
from offpeak.ocpi.credentials import CredentialsObject, GivenCredentials, credentials_object
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.wire_json import JsonValue, read_json, write_json


def credentials(**changes: JsonValue) -> dict[str, JsonValue]:
    role: JsonValue = {"role": "CPO", "country_code": "NL", "party_id": "CPO", "business_details": {"name": "C"}}
    return {"token": "a" * 64, "url": "https://cpo.example/versions", "roles": [role], **changes}


def test_credentials_of_several_roles_with_unknown_fields_are_read() -> None:
    """C5, T13"""
    roles: JsonValue = [
        {"role": "CPO", "country_code": "NL", "party_id": "CPO", "business_details": {"name": "C", "logo": {}}},
        {"role": "SOMETHING_NEW", "country_code": "be", "party_id": "Cp2"},
    ]
    read = read_object(CredentialsObject, credentials(roles=roles, hub_party_id="x"))
    assert [role.party_id for role in read.roles] == ["CPO", "Cp2"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"token": None}, "token"),
        ({"token": ""}, "token"),
        ({"token": "a" * 65}, "token"),
        ({"token": "two words"}, "token"),
        ({"token": "line\n"}, "token"),
        ({"token": "gr\u00fc\u00df"}, "token"),
        ({"token": 1234}, "token"),
        ({"url": None}, "url"),
        ({"url": "https://cpo.example/" + "a" * 250}, "url"),
        ({"url": "https://cpo.example/ \n"}, "url"),
        ({"roles": []}, "roles"),
        ({"roles": None}, "roles"),
        ({"roles": [{"country_code": "NLD", "party_id": "CPO"}]}, "roles.0.country_code"),
        ({"roles": [{"country_code": "NL"}]}, "roles.0.party_id"),
        ({"roles": ["CPO"]}, "roles.0"),
    ],
)
def test_wrong_credentials_are_refused_by_their_field(changes: dict[str, JsonValue], field: str) -> None:
    """C5, T6, T7"""
    with pytest.raises(InvalidMessage) as refused:
        read_object(CredentialsObject, credentials(**changes))
    assert refused.value.field == field


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_credentials_that_are_no_object_are_refused(value: JsonValue) -> None:
    with pytest.raises(InvalidMessage) as refused:
        read_object(CredentialsObject, value)
    assert refused.value.field == "body"


def test_our_own_credentials_are_valid() -> None:
    """C5"""
    ours = credentials_object("t", "https://offpeak.example/v", country_code="DE", party_id="OFP", name="Offpeak")
    assert read_object(CredentialsObject, read_json(write_json(ours))).roles[0].role == "SCSP"


@pytest.mark.parametrize(
    ("said", "hub"),
    [
        ({}, None),
        ({"hub_party_id": None}, None),
        ({"hub_party_id": "NLHUB"}, "NLHUB"),
        ({"roles": [{"role": "HUB", "country_code": "NL", "party_id": "HUB"}]}, "NLHUB"),
        ({"roles": [{"role": "CPO", "country_code": "NL", "party_id": "HUB"}]}, None),
    ],
)
def test_a_hub_is_known_by_its_role_or_since_2_3_0_by_a_field_of_its_own(
    said: dict[str, JsonValue], hub: str | None
) -> None:
    """C5; 2.3.0, 7.3"""
    assert read_object(CredentialsObject, credentials(**said)).hub == hub


def test_of_the_credentials_in_an_answer_only_the_token_must_be_there() -> None:
    """C2, T13"""
    read = read_object(GivenCredentials, {"token": "theirs", "url": None, "roles": []})
    assert (read.token, read.url) == ("theirs", None)
    with pytest.raises(InvalidMessage, match="token"):
        read_object(GivenCredentials, {"url": "https://cpo.example/versions"})

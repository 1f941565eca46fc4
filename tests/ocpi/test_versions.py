"""What we advertise, and what is made of what peers advertise."""

from __future__ import annotations

import pytest

from offpeak.errors import PeerUnusable
from offpeak.ocpi.versions import SUPPORTED_VERSIONS, common_version, read_endpoints, version_details, versions
from offpeak.ocpi.wire_json import JsonValue

BASE = "https://offpeak.example/api"


def test_the_versions_lead_to_details_below_the_base_address() -> None:
    assert versions(BASE) == [
        {"version": "2.2.1", "url": f"{BASE}/ocpi/2.2.1"},
        {"version": "2.3.0", "url": f"{BASE}/ocpi/2.3.0"},
    ]


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_exactly_the_interfaces_that_exist_are_advertised(version: str) -> None:
    assert version_details(BASE, version) == {
        "version": version,
        "endpoints": [
            {"identifier": "credentials", "role": "SENDER", "url": f"{BASE}/ocpi/{version}/credentials"},
            {"identifier": "sessions", "role": "RECEIVER", "url": f"{BASE}/ocpi/emsp/{version}/sessions"},
            {
                "identifier": "chargingprofiles",
                "role": "SENDER",
                "url": f"{BASE}/ocpi/emsp/{version}/chargingprofiles/",
            },
            {"identifier": "locations", "role": "RECEIVER", "url": f"{BASE}/ocpi/emsp/{version}/locations"},
            {"identifier": "tariffs", "role": "RECEIVER", "url": f"{BASE}/ocpi/emsp/{version}/tariffs"},
            {"identifier": "hubclientinfo", "role": "RECEIVER", "url": f"{BASE}/ocpi/emsp/{version}/hubclientinfo"},
        ],
    }


def test_a_peer_that_appends_without_a_slash_is_given_endpoints_that_end_in_one() -> None:
    endpoints = version_details(BASE, "2.2.1", end_in_slash=True)["endpoints"]
    assert isinstance(endpoints, list)
    urls = {each["identifier"]: each["url"] for each in endpoints}
    assert urls.pop("credentials") == f"{BASE}/ocpi/2.2.1/credentials", "nothing is appended to this one"
    assert all(url.endswith("/") and not url.endswith("//") for url in urls.values())


@pytest.mark.parametrize(
    ("theirs", "common"),
    [
        (["2.2.1"], "2.2.1"),
        (["2.1.1", "2.2", "2.2.1"], "2.2.1"),
        (["2.3.0", "2.2.1"], "2.3.0"),
        (["2.3.0"], "2.3.0"),
        (["2.2.1", "2.3.0", "3.0"], "2.3.0"),
    ],
)
def test_the_highest_version_that_both_speak_is_taken(theirs: list[str], common: str) -> None:
    """C6, T10"""
    readable: list[JsonValue] = [{"version": each, "url": f"https://cpo.example/{each}"} for each in theirs]
    highest = common_version([{"version": "2.4"}, None, *readable])
    assert (highest.version, highest.url) == (common, f"https://cpo.example/{common}")


def test_a_version_that_was_chosen_is_taken_even_where_there_is_a_higher_one() -> None:
    """C4"""
    offered: JsonValue = [{"version": each, "url": f"https://cpo.example/{each}"} for each in ("2.3.0", "2.2.1")]
    assert common_version(offered, "2.2.1").url == "https://cpo.example/2.2.1"
    with pytest.raises(PeerUnusable, match="we speak OCPI 2.3.0 here, your versions are 2.2.1"):
        common_version([{"version": "2.2.1", "url": "https://cpo.example/2.2.1"}], "2.3.0")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ([], 3002),
        ([{"version": "2.1.1", "url": "https://cpo.example/2.1.1"}], 3002),
        ([{"version": "2.2.1", "url": 7}], 3002),
        (None, 3001),
        ({"version": "2.2.1"}, 3001),
        ("2.2.1", 3001),
    ],
)
def test_versions_that_cannot_be_used_are_told_apart(data: JsonValue, status: int) -> None:
    """T7"""
    with pytest.raises(PeerUnusable) as unusable:
        common_version(data)
    assert unusable.value.ocpi_status == status


def test_endpoints_are_read_leniently() -> None:
    """T10, T13"""
    data: JsonValue = {
        "endpoints": [
            {"identifier": "chargingprofiles", "role": "RECEIVER", "url": "https://cpo.example/cp"},
            {"identifier": "sessions", "url": "https://cpo.example/s", "more": True},
            {"identifier": "broken"},
            7,
        ]
    }
    assert [(each.identifier, each.role) for each in read_endpoints(data)] == [
        ("chargingprofiles", "RECEIVER"),
        ("sessions", None),
    ]


@pytest.mark.parametrize("data", [None, [], {}, {"endpoints": "none"}])
def test_details_without_endpoints_are_unusable(data: JsonValue) -> None:
    with pytest.raises(PeerUnusable) as unusable:
        read_endpoints(data)
    assert unusable.value.ocpi_status == 3001

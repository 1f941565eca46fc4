"""Whom a policy lets pass: the wildcards of IAM stand for slashes too, and a caller writes his own paths."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.routes import ROUTES
from offpeak.gateway import METHODS, allowing, denying, deployed_at
from offpeak.ocpi.paths import PARTNERS_AREAS, TENANTS_AREA

HERE = "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/production"
SEGMENT = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), max_size=12)
AREAS = {"partner": PARTNERS_AREAS, "tenant": (TENANTS_AREA,)}


def passes(policy: Any, method: str, path: str) -> bool:
    """Whether a policy lets a request pass, by IAM's rule: `*` is any text, `?` any character, all else itself."""
    [statement] = policy["policyDocument"]["Statement"]
    asked = f"{HERE}/{method}{path}"
    return any(fnmatchcase(asked, each.replace("[", "[[]")) for each in statement["Resource"])


def policy_of(caller: str, prefix: str = "") -> dict[str, object]:
    deployed = deployed_at(f"{HERE}/GET{prefix}/ocpi/versions", prefix)
    return allowing("somebody", deployed, AREAS[caller], {}, None)


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1", "/ocpi-hub"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_route_is_open_to_those_it_is_for_and_to_no_others(route: Any, prefix: str) -> None:
    for method in route.methods:
        path = f"{prefix}{route.path}".replace("{", "").replace("}", "")
        opened = {caller for caller in AREAS if passes(policy_of(caller, prefix), method, path)}
        assert opened == {route.caller} & AREAS.keys()


@given(st.lists(SEGMENT, max_size=6), st.sampled_from(METHODS))
def test_no_path_lets_a_tenant_into_what_is_partners_or_a_partner_into_what_is_tenants(
    segments: list[str], method: str
) -> None:
    rest = "/".join(segments)
    for area in PARTNERS_AREAS:
        assert not passes(policy_of("tenant"), method, area + rest)
        assert passes(policy_of("partner"), method, area + rest)
    assert not passes(policy_of("partner"), method, TENANTS_AREA + rest)
    assert passes(policy_of("tenant"), method, TENANTS_AREA + rest)


@pytest.mark.parametrize(
    "path",
    [
        "/ocpi/emsp/2.2.1/sessions/NL/ACM/v1/users",
        "/ocpi/emsp/2.2.1/sessions/GET/v1/users",
        "/ocpi/v1/users",
        "/api/v1/users",
        "//v1/users",
        "/v1",
        "/V1/users",
        "/v1x/users",
        "/GET/v1/users",
    ],
)
def test_a_tenants_path_counts_from_its_first_segment(path: str) -> None:
    assert not any(passes(policy_of("tenant"), method, path) for method in METHODS)


@pytest.mark.parametrize(
    "path", ["/v1/users/ocpi/versions", "/v1/users/GET/ocpi/x", "/v1/ocpi/", "/ocpi", "/ocpi2.2", "/pair/ocpi/x"]
)
def test_a_partners_path_counts_from_its_first_segment(path: str) -> None:
    assert not any(passes(policy_of("partner"), method, path) for method in METHODS)


def test_a_policy_is_good_for_its_own_stage_and_api_alone() -> None:
    [statement] = policy_of("tenant")["policyDocument"]["Statement"]  # type: ignore[index]
    assert all(each.startswith(f"{HERE}/") for each in statement["Resource"])


def test_a_denial_names_what_was_asked_for() -> None:
    answer: Any = denying(f"{HERE}/GET/v1/users")
    assert answer["policyDocument"]["Statement"][0] == {
        "Action": "execute-api:Invoke",
        "Effect": "Deny",
        "Resource": [f"{HERE}/GET/v1/users"],
    }

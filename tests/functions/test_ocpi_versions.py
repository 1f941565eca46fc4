"""The versions module through its handler."""

from __future__ import annotations

import pytest

from functions.ocpi_versions import handler
from infra.routes import ROUTES
from offpeak import wiring
from offpeak.ocpi.versions import SUPPORTED_VERSIONS
from tests.functions.conftest import BASE_URL, Cloud
from tests.functions.events import CONTEXT, envelope_of, header_of, rest_event
from tests.partners.builders import a_partner

ACME = {"partner_id": "acme", "parties": "[]", "strict": "false", "registered": "true"}


def test_the_versions_lead_to_the_details(cloud: Cloud) -> None:
    answer = handler(rest_event("GET", "/ocpi/versions", headers={"x-request-id": "r1"}), CONTEXT)
    assert answer["statusCode"] == 200
    urls = {each["version"]: each["url"] for each in envelope_of(answer)["data"]}
    assert urls == {"2.2.1": f"{BASE_URL}/ocpi/2.2.1", "2.3.0": f"{BASE_URL}/ocpi/2.3.0"}
    assert header_of(answer, "X-Request-ID") == "r1"


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_every_advertised_interface_has_its_route(cloud: Cloud, version: str) -> None:
    wiring.partners().save(a_partner())
    answer = handler(rest_event("GET", f"/ocpi/{version}", authorizer=ACME), CONTEXT)
    assert envelope_of(answer)["data"]["version"] == version
    paths = [route.path.replace("{version}", version) for route in ROUTES]
    for endpoint in envelope_of(answer)["data"]["endpoints"]:
        path = endpoint["url"].removeprefix(BASE_URL)
        assert any(route == path or route.startswith(f"{path.rstrip('/')}/") for route in paths), path


@pytest.mark.parametrize("version", ["2.1.1", "2.2", "emsp", "2.2.1%20", "2.3.0.0"])
def test_another_version_is_not_found(cloud: Cloud, version: str) -> None:
    """T6"""
    answer = handler(rest_event("GET", f"/ocpi/{version}"), CONTEXT)
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (404, 2000)

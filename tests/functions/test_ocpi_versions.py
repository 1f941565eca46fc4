"""The versions module through its handler."""

from __future__ import annotations

from functions.ocpi_versions import handler
from infra.routes import ROUTES
from tests.functions.conftest import BASE_URL, Cloud
from tests.functions.events import CONTEXT, envelope_of, header_of, rest_event


def test_the_versions_lead_to_the_details(cloud: Cloud) -> None:
    answer = handler(rest_event("GET", "/ocpi/versions", headers={"x-request-id": "r1"}), CONTEXT)
    assert answer["statusCode"] == 200
    assert envelope_of(answer)["data"] == [{"version": "2.2.1", "url": f"{BASE_URL}/ocpi/2.2.1"}]
    assert header_of(answer, "X-Request-ID") == "r1"


def test_every_advertised_interface_has_its_route(cloud: Cloud) -> None:
    answer = handler(rest_event("GET", "/ocpi/2.2.1"), CONTEXT)
    paths = [route.path for route in ROUTES]
    for endpoint in envelope_of(answer)["data"]["endpoints"]:
        path = endpoint["url"].removeprefix(BASE_URL)
        assert any(route == path or route.startswith(f"{path.rstrip('/')}/") for route in paths), path


def test_another_version_is_not_found(cloud: Cloud) -> None:
    """T6"""
    answer = handler(rest_event("GET", "/ocpi/2.1.1"), CONTEXT)
    assert (answer["statusCode"], envelope_of(answer)["status_code"]) == (404, 2000)

"""Two OCPI versions side by side: what is advertised, what is served, and what is not."""

from __future__ import annotations

import pytest

from offpeak.ocpi.versions import SUPPORTED_VERSIONS
from tests.e2e.scene import Scene


def test_exactly_the_interfaces_that_are_served_are_advertised_in_each_version(scene: Scene) -> None:
    """OCPI 2.2.1 and 2.3.0, 6.1 and 6.2"""
    partner = scene.invited()
    offered = scene.stage.ask("GET", "/ocpi/versions", partner.token_a).data
    assert tuple(each["version"] for each in offered) == SUPPORTED_VERSIONS
    for each in offered:
        details = scene.stage.ask("GET", each["url"], partner.token_a).data
        assert details["version"] == each["version"]
        assert {(endpoint["identifier"], endpoint["role"]) for endpoint in details["endpoints"]} == {
            ("credentials", "SENDER"),
            ("sessions", "RECEIVER"),
            ("chargingprofiles", "SENDER"),
            ("locations", "RECEIVER"),
            ("tariffs", "RECEIVER"),
            ("hubclientinfo", "RECEIVER"),
        }
        assert all(endpoint["url"].startswith(scene.cloud.base_url) for endpoint in details["endpoints"])
        assert all(f"/{each['version']}/" in f"{endpoint['url']}/" for endpoint in details["endpoints"])


@pytest.mark.parametrize("version", ["2.1.1", "2.2", "2.4", "versions", "emsp", "2.3.0.1"])
def test_a_version_that_we_do_not_speak_is_not_found(scene: Scene, version: str) -> None:
    """T6: 404, whichever interface it stands before; the literal paths beside {version} mean no version"""
    partner = scene.partner()
    for path in (f"/ocpi/{version}", f"/ocpi/{version}/credentials"):
        answer = partner.ask("GET", path)
        assert answer.codes == ((200, 1000) if path == "/ocpi/versions" else (404, 2000)), path
    in_that_version = partner.path("S1").replace("2.2.1", version)
    assert partner.ask("PUT", in_that_version, partner.session("S1")).codes == (404, 2000)
    assert partner.rows("S1") == []


def test_a_session_is_the_same_in_every_version(scene: Scene) -> None:
    """One code path: what came in one version is read in the other"""
    partner = scene.partner()
    in_2_3_0 = partner.path("S1").replace("2.2.1", "2.3.0")
    assert partner.ask("PUT", in_2_3_0, partner.session("S1", kwh=3)).codes == (201, 1000)
    assert partner.put(partner.session("S1", kwh=3)).codes == (200, 1000)
    assert partner.ask("GET", in_2_3_0).data == partner.get("S1").data

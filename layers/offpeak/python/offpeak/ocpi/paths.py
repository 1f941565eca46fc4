"""Where our own interfaces live below the base address."""

from __future__ import annotations

import re

VERSIONS_PATH = "/ocpi/versions"
DETAILS_PATH = "/ocpi/{version}"
CREDENTIALS_PATH = f"{DETAILS_PATH}/credentials"
SESSIONS_PATH = "/ocpi/emsp/{version}/sessions"
CHARGING_PROFILES_PATH = "/ocpi/emsp/{version}/chargingprofiles"
LOCATIONS_PATH = "/ocpi/emsp/{version}/locations"
TARIFFS_PATH = "/ocpi/emsp/{version}/tariffs"
HUB_CLIENT_INFO_PATH = "/ocpi/emsp/{version}/hubclientinfo"
"""Each but the first is one path per version: `.format(version=...)` makes an address of it."""

REGISTRATION_PATHS = (VERSIONS_PATH, DETAILS_PATH, CREDENTIALS_PATH)
"""All that a token A is good for (CONFORMANCE T1), as the routes write it."""

PARTNERS_AREAS = ("/ocpi/", "/ocpi2.2/", "/ocpp2.0.1/")
"""Below which partners call us: OCPI, and pairing in the two forms in which CPOs speak it."""
TENANTS_AREA = "/v1/"
"""Below which tenants' apps call us."""

_OURS = r"ocpi|ocpi2\.2|ocpp2\.0\.1|pair|ops|oauth|\.well-known"
_FIRST = rf"/(?:{_OURS}|v1(?!/(?:{_OURS}|v1)/))/"
"""Our paths' first segments. A deployment's prefix may be /api/v1, so that a v1 before another one is no first one."""
PREFIX = re.compile(rf"^(?!{_FIRST}).+?(?={_FIRST})")
"""What a deployment puts before every path (/api, say), so that our routes need not know it."""


def below_prefix(path: str) -> str:
    """Return a path of the deployed API as our routes write it."""
    return PREFIX.sub("", path)

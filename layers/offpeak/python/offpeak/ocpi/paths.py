"""Where our own interfaces live below the base address."""

from __future__ import annotations

import re

VERSION = "2.2.1"
"""The highest OCPI version that we speak; the only one so far."""

VERSIONS_PATH = "/ocpi/versions"
DETAILS_PATH = f"/ocpi/{VERSION}"
CREDENTIALS_PATH = f"{DETAILS_PATH}/credentials"
SESSIONS_PATH = f"/ocpi/emsp/{VERSION}/sessions"
CHARGING_PROFILES_PATH = f"/ocpi/emsp/{VERSION}/chargingprofiles"

REGISTRATION_PATHS = (VERSIONS_PATH, DETAILS_PATH, CREDENTIALS_PATH)
"""All that a token A is good for (CONFORMANCE T1)."""

PREFIX = re.compile(r"^(?!/ocpi/).+?(?=/ocpi/)")
"""What a deployment puts before /ocpi in every path (/api, say), so that our routes need not know it."""


def below_prefix(path: str) -> str:
    """Return a path of the deployed API as our routes write it."""
    return PREFIX.sub("", path)

"""The versions module: what we advertise, and what peers do (OCPI 2.2.1 and 2.3.0, 6).

We advertise exactly the interfaces that exist. What a peer advertises is read leniently: entries that make no sense are
passed over, unknown modules ignored.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from offpeak.errors import InvalidMessage, PeerUnusable
from offpeak.ocpi.envelope import Status
from offpeak.ocpi.fields import Text, Url, read_object
from offpeak.ocpi.paths import (
    CHARGING_PROFILES_PATH,
    CREDENTIALS_PATH,
    DETAILS_PATH,
    HUB_CLIENT_INFO_PATH,
    LOCATIONS_PATH,
    SESSIONS_PATH,
    TARIFFS_PATH,
)
from offpeak.ocpi.wire_json import JsonValue

SUPPORTED_VERSIONS = ("2.2.1", "2.3.0")
"""The OCPI versions that we speak, ascending. The highest that both sides speak wins (CONFORMANCE C6)."""

MOST_ENTRIES = 100

Entry = TypeVar("Entry", bound=BaseModel)


class VersionObject(BaseModel):
    version: Text
    url: Url


class EndpointObject(BaseModel):
    """`role` is missing at some peers, and says nothing on credentials."""

    identifier: Text
    role: Text | None = None
    url: Url


def versions(base_url: str) -> list[dict[str, str]]:
    """Return the versions that we speak (OCPI 2.2.1, 6.1)."""
    return [{"version": each, "url": base_url + DETAILS_PATH.format(version=each)} for each in SUPPORTED_VERSIONS]


def version_details(base_url: str, version: str, *, end_in_slash: bool = False) -> dict[str, object]:
    """Return our interfaces in one of the SUPPORTED_VERSIONS (OCPI 2.2.1, 6.2).

    The role of credentials is irrelevant, and SENDER is what the specification advises. A session's id is appended to
    the address of chargingprofiles as it stands, so that one ends in a slash (14.2.2); `end_in_slash`: all to which
    something is appended do, for a peer that does the same with them.
    """
    interfaces = (
        ("credentials", "SENDER", CREDENTIALS_PATH),
        ("sessions", "RECEIVER", SESSIONS_PATH),
        ("chargingprofiles", "SENDER", f"{CHARGING_PROFILES_PATH}/"),
        ("locations", "RECEIVER", LOCATIONS_PATH),
        ("tariffs", "RECEIVER", TARIFFS_PATH),
        ("hubclientinfo", "RECEIVER", HUB_CLIENT_INFO_PATH),
    )
    endpoints = []
    for identifier, role, path in interfaces:
        slash = "/" if end_in_slash and identifier != "credentials" and not path.endswith("/") else ""
        url = f"{base_url}{path.format(version=version)}{slash}"
        endpoints.append({"identifier": identifier, "role": role, "url": url})
    return {"version": version, "endpoints": endpoints}


def common_version(data: JsonValue, version: str | None = None) -> VersionObject:
    """Return the highest version that both sides speak, or `version` where one was chosen, as the peer offers it.

    Raises PeerUnusable: 3001 for what is no list of versions, 3002 where no version is common (CONFORMANCE C6).
    """
    offered = {each.version: each for each in _entries(VersionObject, data, "versions")}
    wanted = SUPPORTED_VERSIONS if version is None else (version,)
    common = [each for each in wanted if each in offered]
    if not common:
        raise PeerUnusable(
            Status.UNSUPPORTED_VERSION,
            f"we speak OCPI {' and '.join(wanted)} here, your versions are {', '.join(sorted(offered)) or '-'}",
        )
    return offered[common[-1]]


def read_endpoints(data: JsonValue) -> list[EndpointObject]:
    """Return the interfaces in a peer's version details. Raises PeerUnusable (3001)."""
    return _entries(EndpointObject, data.get("endpoints") if isinstance(data, dict) else None, "endpoints")


def _entries(model: type[Entry], data: JsonValue, what: str) -> list[Entry]:
    if not isinstance(data, list):
        raise PeerUnusable(Status.PEER_UNUSABLE, f"your answer has no list of {what}")
    entries = []
    for each in data[:MOST_ENTRIES]:
        try:
            entries.append(read_object(model, each))
        except InvalidMessage:
            continue
    return entries

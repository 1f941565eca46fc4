"""The versions module: what we advertise, and what peers do (OCPI 2.2.1, 6).

We advertise exactly the interfaces that exist. What a peer advertises is read leniently: entries that make no sense are
passed over, unknown modules ignored.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from offpeak.errors import InvalidMessage, PeerUnusable
from offpeak.ocpi.envelope import Status
from offpeak.ocpi.fields import Text, Url, read_object
from offpeak.ocpi.paths import CHARGING_PROFILES_PATH, CREDENTIALS_PATH, DETAILS_PATH, SESSIONS_PATH, VERSION
from offpeak.ocpi.wire_json import JsonValue

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
    return [{"version": VERSION, "url": base_url + DETAILS_PATH}]


def version_details(base_url: str) -> dict[str, object]:
    """Return our interfaces (OCPI 2.2.1, 6.2).

    The role of credentials is irrelevant, and SENDER is what the specification advises. A session's id is appended to
    the address of chargingprofiles as it stands, so that one ends in a slash (14.2.2).
    """
    return {
        "version": VERSION,
        "endpoints": [
            {"identifier": "credentials", "role": "SENDER", "url": base_url + CREDENTIALS_PATH},
            {"identifier": "sessions", "role": "RECEIVER", "url": base_url + SESSIONS_PATH},
            {"identifier": "chargingprofiles", "role": "SENDER", "url": f"{base_url}{CHARGING_PROFILES_PATH}/"},
        ],
    }


def details_address(data: JsonValue) -> str:
    """Return where a peer describes the highest version that both sides speak. Raises PeerUnusable (3001, 3002)."""
    offered = {each.version: each.url for each in _entries(VersionObject, data, "versions")}
    if VERSION not in offered:
        raise PeerUnusable(
            Status.UNSUPPORTED_VERSION,
            f"we speak OCPI {VERSION}, your versions are {', '.join(sorted(offered)) or '-'}",
        )
    return offered[VERSION]


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

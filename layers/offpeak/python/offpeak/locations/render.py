"""A stored Location, EVSE or connector as the OCPI object that GET answers, in either version."""

from __future__ import annotations

from pydantic import BaseModel

from offpeak.locations.model import Address
from offpeak.locations.parse import OBJECTS
from offpeak.ocpi.fields import NOT_AVAILABLE
from offpeak.ocpi.locations import PARTS, REQUIRED
from offpeak.ocpi.merging import Merged
from offpeak.ocpi.price import BEFORE_2_3
from offpeak.ocpi.wire_json import JsonValue

ADDED_IN_2_3 = frozenset({"parking_places", "help_phone", "parking", "accepted_service_providers"})
"""Fields that 2.2.1 does not know. A connector's capabilities are new too, an EVSE's are not."""

TEXTS = frozenset({"address", "city", "country", "time_zone", "status", "standard", "format", "power_type"})
"""Required texts, written as #NA where they were never told (CONFORMANCE T13)."""


def told_object(merged: Merged, address: Address, version: str) -> dict[str, JsonValue]:
    """Return the object that an address names: what was told of it, and of its parts that are known.

    The last_updated of a whole is never older than those of its parts (OCPI 2.2.1, 8.2.2).
    """
    return _told(OBJECTS[len(address.path)], merged, version)


def _told(model: type[BaseModel], merged: Merged, version: str) -> dict[str, JsonValue]:
    said = {name: merged.value(name) for name in model.model_fields if not _is_unknown(model, name, version)}
    if model in PARTS:
        name, _, part = PARTS[model]
        said[name] = [_told(part, each, version) for each in merged.parts.values() if each.is_known]
    filled = {name: NOT_AVAILABLE for name in REQUIRED[model] if name in TEXTS and said.get(name) is None}
    stamps = [stamp for stamp in (merged.value("last_updated"), *_part_stamps(said)) if isinstance(stamp, str)]
    told = {name: value for name, value in {**said, **filled}.items() if value not in (None, [])}
    return {**told, "last_updated": max(stamps)}


def _part_stamps(said: dict[str, JsonValue]) -> list[JsonValue]:
    parts = [each for name in ("evses", "connectors") for each in _list(said.get(name))]
    return [part["last_updated"] for part in parts if isinstance(part, dict)]


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _is_unknown(model: type[BaseModel], name: str, version: str) -> bool:
    is_connector = model not in PARTS
    return version == BEFORE_2_3 and (name in ADDED_IN_2_3 or (is_connector and name == "capabilities"))

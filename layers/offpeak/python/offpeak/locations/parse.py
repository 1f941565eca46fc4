"""From the body of a PUT or PATCH to a Push of the Location it belongs to.

Lenient is the default, as for sessions: the specification's own sample EVSE lacks required fields and writes numbers
for texts, and older systems say `amperage`. What was filled in or renamed is said, so that it can be counted and shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import BaseModel

from offpeak.errors import InvalidMessage
from offpeak.locations.model import LONGEST_ID, Address
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.locations import LENGTHS, PARTS, RENAMED, REQUIRED, ConnectorObject, EvseObject, LocationObject
from offpeak.ocpi.merging import Push, as_told
from offpeak.ocpi.stamps import check_stamp
from offpeak.ocpi.wire_json import JsonValue

OBJECTS: tuple[type[BaseModel], ...] = (LocationObject, EvseObject, ConnectorObject)
"""What the URLs of each depth are about."""


@dataclass(frozen=True, slots=True)
class LocationPush:
    """`push` concerns the Location, whatever its URL named. `filled` and `renamed` say what lenient parsing did."""

    push: Push
    filled: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()


def parse_location_push(
    body: JsonValue, address: Address, *, is_whole: bool, strict: bool, now: datetime
) -> LocationPush:
    """Read the body of a PUT (`is_whole`) or PATCH that was addressed to `address`.

    A PUT without last_updated counts as told now, a PATCH without is refused (CONFORMANCE T14). Raises InvalidMessage,
    which names the field, for what cannot be taken (T6, T7, T8).
    """
    model = OBJECTS[len(address.path)]
    renamed: set[str] = set()
    told = body if strict else _renamed(model, body, renamed)
    wire = read_object(model, told)
    if not is_whole and getattr(wire, "last_updated", None) is None:
        raise InvalidMessage("last_updated", "is required")
    identity = _identity(wire, address)
    reader = _Reader(strict, now)
    push = reader.push_of(wire, "", is_whole=is_whole, since=None)
    if is_whole:
        push = replace(push, fields={**push.fields, **identity})
    for part_id in reversed(address.path):
        push = Push(push.stamp, parts={part_id: push})
    return LocationPush(push, tuple(sorted(reader.filled)), tuple(sorted(renamed)))


class _Reader:
    """Makes pushes of objects, and remembers what had to be filled in."""

    def __init__(self, strict: bool, now: datetime) -> None:
        self._strict, self._now = strict, now
        self.filled: set[str] = set()

    def push_of(self, wire: BaseModel, where: str, *, is_whole: bool, since: datetime | None) -> Push:
        """Return the Push of an object at `where` in the body. A part counts as told no earlier than the whole that it
        came in, at `since`: many systems leave the stamps of parts as they are."""
        missing = [name for name in REQUIRED[type(wire)] if getattr(wire, name) in (None, [])] if is_whole else []
        if missing and self._strict:
            raise InvalidMessage(f"{where}{missing[0]}", "is required")
        if self._strict:
            _check_lengths(wire, where)
        self.filled |= {f"{_without_places(where)}{name}" for name in missing}
        told_at: datetime | None = getattr(wire, "last_updated", None)
        if told_at is not None:
            check_stamp(f"{where}last_updated", told_at, self._now)
        stamp = max((each for each in (told_at, since) if each is not None), default=self._now)
        fields = _fields(wire, is_whole=is_whole)
        if is_whole:
            fields["last_updated"] = as_told(told_at or stamp)
        return Push(stamp, is_whole, fields, self._parts(wire, where, stamp))

    def _parts(self, wire: BaseModel, where: str, since: datetime) -> Mapping[str, Push]:
        """Return the parts that the object came with, each as a PUT: a PATCH that lists parts replaces those, and
        leaves the others as they are (OCPI takes parts away by a PUT or by the status REMOVED)."""
        if type(wire) not in PARTS:
            return {}
        name, id_name, _ = PARTS[type(wire)]
        parts: dict[str, Push] = {}
        for place, part in enumerate(getattr(wire, name)):
            part_id = getattr(part, id_name)
            if not part_id:
                raise InvalidMessage(f"{where}{name}.{place}.{id_name}", "is required")
            if len(part_id.encode()) > LONGEST_ID:
                raise InvalidMessage(f"{where}{name}.{place}.{id_name}", f"is longer than {LONGEST_ID} bytes")
            part_push = self.push_of(part, f"{where}{name}.{place}.", is_whole=True, since=since)
            known = parts.get(part_id.casefold())
            parts[part_id.casefold()] = max(known, part_push, key=lambda each: each.stamp) if known else part_push
        return parts


def _check_lengths(wire: BaseModel, where: str) -> None:
    for name in wire.model_fields_set & LENGTHS.keys():
        text = getattr(wire, name)
        if text is not None and len(text) > LENGTHS[name]:
            raise InvalidMessage(f"{where}{name}", f"is longer than {LENGTHS[name]} characters")


def _fields(wire: BaseModel, *, is_whole: bool) -> dict[str, JsonValue]:
    """Return the fields that a message sets, None where it empties them; an empty list is none (CONFORMANCE T13)."""
    model = type(wire)
    parts = PARTS[model][0] if model in PARTS else None
    told = (set(model.model_fields) if is_whole else wire.model_fields_set) - {parts}
    fields = {name: as_told(getattr(wire, name)) if getattr(wire, name) != [] else None for name in sorted(told)}
    if is_whole:
        return fields
    # A PATCH that empties what every such object has would leave nothing to go on with.
    return {name: value for name, value in fields.items() if value is not None or name not in REQUIRED[model]}


def _identity(wire: BaseModel, address: Address) -> dict[str, JsonValue]:
    """Return the ids of an object: as its body says them, where it does, else as the URL does (CONFORMANCE T8)."""
    party = address.location.party
    addressed: dict[type[BaseModel], dict[str, str | None]] = {
        LocationObject: {
            "country_code": party.country_code,
            "party_id": party.party_id,
            "id": address.location.location_id,
        },
        EvseObject: {"uid": address.evse_uid},
        ConnectorObject: {"id": address.connector_id},
    }
    identity: dict[str, JsonValue] = {}
    for name, in_url in addressed[type(wire)].items():
        told = getattr(wire, name)
        assert in_url is not None
        if told is not None and told.casefold() != in_url.casefold():
            raise InvalidMessage(name, f"is {told!r} in the body but {in_url!r} in the URL")
        identity[name] = told or in_url
    return identity


def _renamed(model: type[BaseModel], body: JsonValue, renamed: set[str]) -> JsonValue:
    """Return the body with old names of a connector's fields put right, wherever in it they stand."""
    if not isinstance(body, dict):
        return body
    if model is ConnectorObject:
        old = {name: new for name, new in RENAMED.items() if name in body and new not in body}
        renamed |= set(old)
        told = {old.get(name, name): value for name, value in body.items()}
        if "tariff_id" in old and isinstance(told["tariff_ids"], str):
            told["tariff_ids"] = [told["tariff_ids"]]
        return told
    name, _, part = PARTS[model]
    parts = body.get(name)
    if not isinstance(parts, list):
        return body
    return {**body, name: [_renamed(part, each, renamed) for each in parts]}


def _without_places(where: str) -> str:
    return "".join(f"{part}." for part in where.split(".") if part and not part.isdigit())

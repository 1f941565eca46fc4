"""How the PUTs and PATCHes of one OCPI object add up, in whatever order and however often they come.

Every field is a last-writer-wins register: the value with the newest `last_updated` stays, equal stamps are settled by
the greater value (CONFORMANCE T14). An object may have parts - a Location its EVSEs, an EVSE its connectors - that are
pushed with it or by themselves. A PUT of the whole is a floor: what was told of its parts before it is gone, so a part
that it leaves out is no more. Registers and floors only grow, hence joins commute and repeat harmlessly, as those of
sessions do (sessions/merge.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from offpeak.instants import format_instant
from offpeak.ocpi.wire_json import JsonValue


class Outcome(StrEnum):
    """What became of a message about an object."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    """It told nothing new: a repetition, or older than what we know."""
    KEPT = "kept"
    """A PATCH of what we do not know: kept for when its PUT comes (CONFORMANCE S1)."""


@dataclass(frozen=True, slots=True)
class Push:
    """One message about an object, or the share of it that concerns one part.

    `is_whole`: a PUT, which names every field of its object, with None for those that it left out. `parts` are by id in
    small letters: ids are CiStrings. A message about a part alone has a Push without fields for each level above.
    """

    stamp: datetime
    is_whole: bool = False
    fields: Mapping[str, JsonValue] = field(default_factory=dict)
    parts: Mapping[str, Push] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Register:
    value: JsonValue
    stamp: datetime


@dataclass(frozen=True, slots=True)
class Merged:
    """All that was told of an object. `put_at` is the newest PUT's stamp; None before the first one, and after a PUT of
    the whole that the object was not in: then it is not known."""

    put_at: datetime | None = None
    fields: Mapping[str, Register] = field(default_factory=dict)
    parts: Mapping[str, Merged] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        return self.put_at is not None

    def value(self, name: str) -> JsonValue:
        """Return what a field holds now; None where nothing was told."""
        register = self.fields.get(name)
        return register.value if register else None


UNTOLD = Merged()


def merge(merged: Merged, push: Push) -> Merged:
    """Return `merged` with one message joined in. An equal result means that the message told nothing new."""
    fields = dict(merged.fields)
    for name, value in push.fields.items():
        new = Register(value, push.stamp)
        fields[name] = max(fields.get(name, new), new, key=_rank)
    parts = dict(merged.parts)
    for part_id, part in push.parts.items():
        parts[part_id] = merge(parts.get(part_id, UNTOLD), part)
    put_at = max(merged.put_at or push.stamp, push.stamp) if push.is_whole else merged.put_at
    return Merged(put_at, fields, _told_since(put_at, parts))


def told_since(floor: datetime | None, merged: Merged) -> Merged:
    """Return what is left of a part after a PUT of the whole at `floor`."""
    if floor is None:
        return merged
    put_at = merged.put_at if merged.put_at is not None and merged.put_at >= floor else None
    fields = {name: register for name, register in merged.fields.items() if register.stamp >= floor}
    return Merged(put_at, fields, _told_since(floor, merged.parts))


def _told_since(floor: datetime | None, parts: Mapping[str, Merged]) -> dict[str, Merged]:
    left = {part_id: told_since(floor, part) for part_id, part in parts.items()}
    return {part_id: part for part_id, part in sorted(left.items()) if part != UNTOLD}


def _rank(register: Register) -> tuple[datetime, bool, str]:
    """Order registers of one field: the newest stamp first, then any value above none."""
    said = json.dumps(register.value, sort_keys=True, default=lambda number: str(number.normalize()))
    return register.stamp, register.value is not None, said


def outcome_of(before: Merged, after: Merged) -> Outcome:
    """Say what became of an object that was `before` and is `after` a message."""
    if not after.is_known:
        return Outcome.KEPT
    if not before.is_known:
        return Outcome.CREATED
    return Outcome.UNCHANGED if after == before else Outcome.UPDATED


def as_told(value: object) -> JsonValue:
    """Return a value of a message as tables give it back: numbers are Decimal, instants text. So it compares equal to
    itself after it was stored. A member without a name, which no table holds, is left out."""
    if isinstance(value, dict):
        return {str(name): as_told(each) for name, each in value.items() if name != ""}
    if isinstance(value, list):
        return [as_told(each) for each in value]
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    assert value is None or isinstance(value, bool | str | Decimal)
    return value

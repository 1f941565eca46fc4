"""An object in a partner's list. No URL says what it is and whose, so it has to say so itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from offpeak.errors import InvalidMessage
from offpeak.ocpi.merging import Outcome
from offpeak.ocpi.wire_json import JsonValue
from offpeak.partners.model import Partner, Party

LONGEST_SAID = 255
"""Characters of an id in reports."""

ListedObject = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Listed:
    """An object that can be read. `key` is the same for all copies of it, `merge` takes it as if it had been pushed.

    Merging raises ConcurrentChange when too many write the object at once, and InvalidMessage when it cannot be taken
    beside what is known of it. Its outcome KEPT is that of an object which must not come back.
    """

    key: str
    object_id: str
    party: Party
    last_updated: datetime
    merge: Callable[[], Outcome]


def object_in(item: JsonValue | InvalidMessage) -> dict[str, JsonValue]:
    """Return an item of a list as a JSON object. Raises InvalidMessage where it is none."""
    if isinstance(item, InvalidMessage):
        raise item
    if not isinstance(item, dict):
        raise InvalidMessage("body", "must be a JSON object")
    return item


def id_in(item: ListedObject) -> str:
    """Return an object's id. Raises InvalidMessage."""
    object_id = item.get("id")
    if not isinstance(object_id, str) or not object_id:
        raise InvalidMessage("id", "is required")
    return object_id


def party_in(item: ListedObject, partner: Partner) -> Party:
    """Return whose an object is; where the partner has one party only, the object need not say it.

    Raises InvalidMessage for a party that is not the partner's (CONFORMANCE T8).
    """
    country_code, party_id = item.get("country_code"), item.get("party_id")
    if isinstance(country_code, str) and isinstance(party_id, str):
        party = Party(country_code, party_id)
        if not partner.owns(party):
            raise InvalidMessage("party_id", f"{country_code}/{party_id} is not a party of this connection"[:200])
        return party
    if len(partner.parties) != 1:
        raise InvalidMessage("party_id", "is required, for this connection has several parties")
    return partner.parties[0]


def name_of(item: object) -> str | None:
    """Return what an object says it is, for reports: its id, or else its party."""
    if not isinstance(item, dict):
        return None
    said = [item.get(name) for name in (("id",) if "id" in item else ("country_code", "party_id"))]
    return "-".join(str(each) for each in said)[:LONGEST_SAID] if all(isinstance(each, str) for each in said) else None

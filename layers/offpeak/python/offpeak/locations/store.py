"""The locations table: one LOCATION row a Location and one EVSE row an EVSE with its connectors, under the same key.

A Location with hundreds of EVSEs would not fit into one row, and a status that changes would rewrite it all. A row has
what was told of its own object; whether an EVSE is there at all depends on the newest PUT of its Location too, which
stands in the LOCATION row. The index by_evse leads from a session's EVSE to what its chargers are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from offpeak.aws.tables import Delete, Item, Put, Table, Write, write_together
from offpeak.instants import format_instant, parse_instant
from offpeak.locations.charger import chargers_of, chargers_to_row
from offpeak.locations.model import Address, LocationKey, evse_key, owner_text
from offpeak.ocpi.merging import UNTOLD, Merged, Register, told_since

LOCATION = "LOCATION"
TOGETHER = 25
"""Rows in one transaction: a hundred are allowed, 4 MB too."""
WORTH_A_TRANSACTION = 4


@dataclass(frozen=True, slots=True)
class StoredLocation:
    """A Location, or as much of it as was loaded. `versions` are those of the rows, by their sort keys: the next write
    depends on them."""

    merged: Merged = UNTOLD
    versions: Mapping[str, int] = field(default_factory=dict)


class LocationStore:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._noted: set[str] = set()

    def load(self, key: LocationKey) -> StoredLocation:
        """Return a Location with all its EVSEs; nothing yet is a StoredLocation too."""
        return _stored(list(self._table.query("pk = :pk", {":pk": key.text})))

    def load_for(self, address: Address) -> StoredLocation:
        """Return what a message to `address` may concern: of a Location all, else of its EVSEs the one."""
        if not address.path:
            return self.load(address.location)
        keys = ({"pk": address.location.text, "sk": sk} for sk in (LOCATION, _evse_sk(address.path[0])))
        return _stored([row for row in map(self._table.get, keys) if row is not None])

    def save(self, key: LocationKey, before: StoredLocation, after: Merged) -> None:
        """Write what changed since `before` was loaded; `after` has the same EVSEs and those that are new.

        EVSEs go first: they merge by themselves, so a process that dies before the LOCATION row has told a part of the
        message early. Raises ConcurrentChange when somebody else was faster: load, merge and save again.
        """
        writes = list(_evse_writes(key, before, after))
        if writes:
            self._note_owner(key)
        together = TOGETHER if len(writes) >= WORTH_A_TRANSACTION else 1
        for first in range(0, len(writes), together):
            some = writes[first : first + together]
            if len(some) == 1:
                self._table.write(some[0])
            else:
                write_together([(self._table, write) for write in some])
        if (after.put_at, after.fields) != (before.merged.put_at, before.merged.fields):
            self._table.write(_location_write(key, before, after))

    def _note_owner(self, key: LocationKey) -> None:
        """Keep a row that says that this party tells of EVSEs at all: whoever asks for one looks for it first."""
        owner = owner_text(key.partner_id, key.party)
        if owner not in self._noted:
            self._table.write(Put({"pk": owner, "sk": "OWNER"}))
            self._noted.add(owner)


def _evse_writes(key: LocationKey, before: StoredLocation, after: Merged) -> Iterator[Write]:
    for uid in sorted(before.merged.parts.keys() | after.parts.keys() | _uids(before.versions)):
        evse, version = after.parts.get(uid), before.versions.get(_evse_sk(uid))
        place = {"pk": key.text, "sk": _evse_sk(uid)}
        if evse is None and version is not None:
            yield Delete(place, "version = :before", {":before": version})
        elif evse is not None and evse != before.merged.parts.get(uid):
            yield _put({**place, **_evse_row(key, uid, evse)}, version)


def _evse_row(key: LocationKey, uid: str, evse: Merged) -> dict[str, Any]:
    row = {
        **_row(evse),
        "parts": {connector_id: _row(connector) for connector_id, connector in evse.parts.items()},
    }
    if evse.is_known:
        row |= {"evse_key": evse_key(key.partner_id, key.party, uid), "chargers": chargers_to_row(chargers_of(evse))}
    return row


def _location_write(key: LocationKey, before: StoredLocation, after: Merged) -> Put:
    row = {"pk": key.text, "sk": LOCATION, "partner_id": key.partner_id, **_row(after)}
    return _put(row, before.versions.get(LOCATION))


def _put(row: Mapping[str, Any], version: int | None) -> Put:
    if version is None:
        return Put({**row, "version": 1}, "attribute_not_exists(pk)")
    return Put({**row, "version": version + 1}, "version = :before", {":before": version})


def _stored(rows: list[Item]) -> StoredLocation:
    whole = next((_merged(row) for row in rows if row["sk"] == LOCATION), UNTOLD)
    evses = {row["sk"].removeprefix("EVSE#"): _merged(row) for row in rows if row["sk"] != LOCATION}
    left = {uid: told_since(whole.put_at, evse) for uid, evse in evses.items()}
    parts = {uid: evse for uid, evse in sorted(left.items()) if evse != UNTOLD}
    return StoredLocation(Merged(whole.put_at, whole.fields, parts), {row["sk"]: int(row["version"]) for row in rows})


def _row(merged: Merged) -> dict[str, Any]:
    row: dict[str, Any] = {
        "fields": {
            name: {"t": format_instant(register.stamp), "v": register.value} for name, register in merged.fields.items()
        }
    }
    return {**row, "put_at": format_instant(merged.put_at)} if merged.put_at else row


def _merged(row: Mapping[str, Any]) -> Merged:
    return Merged(
        _instant(row.get("put_at")),
        {name: Register(each["v"], parse_instant(each["t"])) for name, each in row["fields"].items()},
        {part_id: _merged(part) for part_id, part in row.get("parts", {}).items()},
    )


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None


def _evse_sk(uid: str) -> str:
    return f"EVSE#{uid}"


def _uids(versions: Mapping[str, int]) -> set[str]:
    return {sk.removeprefix("EVSE#") for sk in versions if sk != LOCATION}
